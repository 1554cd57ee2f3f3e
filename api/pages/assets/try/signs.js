/** What the answers about safety call for: as the server says, and by its rules alone as long as it gives no result. */

import { language, languageOfWarnings } from "../words.js";
import { state, writeRequest } from "./state.js";

/** @import { Section } from "./state.js" */

/** @typedef {{action: string, text: string, isHeldBack: boolean, flags: string[], open: string[]}} Advice */

/**
 * Whether a section asks about signs and circumstances, which most people do not have.
 * @param {Section} section
 */
export function isAboutSafety({ part }) {
  return part === "red_flags" || part === "conditions";
}

/**
 * The language in which a section is named and asked.
 * @param {Section} section
 */
export function nameSectionLanguage(section) {
  return isAboutSafety(section) ? languageOfWarnings : language;
}

/**
 * What comes first. A sign that was answered yes is not passed over while a newer result is late or cannot be had: what
 * its rule calls for is said then, if that is more urgent than what the server said last.
 * @returns {Advice | null}
 */
export function findAdvice() {
  const told = readAdvice();
  const early = isBehind() ? applyRules() : null;
  return early && (!told || rank(early.action) < rank(told.action)) ? early : told;
}

/** Whether somebody has to see to something before anything else, so that no routines and no levers are shown. */
export function isHeldBack() {
  return findAdvice()?.isHeldBack === true;
}

/** Whether the plan that is there was made with all that was answered about safety; another one is not shown. */
export function isPlanSafe() {
  return !isBehind() || state.heard === writeSigns();
}

/** What was answered about safety, to compare with later. */
export function writeSigns() {
  const { red_flags: signs, conditions } = writeRequest();
  return JSON.stringify([signs, conditions]);
}

function isBehind() {
  return state.isLate || state.trouble !== null;
}

/** @returns {Advice | null} */
function readAdvice() {
  const safety = state.assessment?.safety;
  if (!safety) return null;
  const { action, text, flags, unanswered_flags: open } = safety;
  return { action, text, isHeldBack: !safety.self_care_allowed, flags, open };
}

/** @returns {Advice | null} */
function applyRules() {
  const { safety, answers } = state;
  const signs = safety?.red_flags.filter(({ id }) => answers.get(id) === true) ?? [];
  const [first] = signs.sort((one, other) => rank(one.action) - rank(other.action));
  if (!safety || !first) return null;
  const called = safety.actions[first.action];
  if (!called) return null;
  const { text, withholds_plan: isHeldBack } = called;
  return { action: first.action, text, isHeldBack, flags: signs.map(({ id }) => id), open: [] };
}

/**
 * How urgent an action is, the most urgent first, as the model lists them.
 * @param {string} action
 */
function rank(action) {
  return Object.keys(state.safety?.actions ?? {}).indexOf(action);
}
