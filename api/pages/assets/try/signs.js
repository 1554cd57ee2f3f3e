/** What the answers about safety call for: as the server says, and by its rules alone as long as it gives no result. */

import { language } from "../words.js";
import { state } from "./state.js";

/** @import { Section } from "./state.js" */

/**
 * `isEarly` where it rests on the rules alone, so that no plan is known that fits it.
 * @typedef {{action: string, text: string, isHeldBack: boolean, flags: string[], open: string[], isEarly: boolean}} Advice
 */

/** The language in which people are warned: English while the translation is a draft, or else the page's own. */
export function nameWarningLanguage() {
  return state.model?.translation_reviewed === false ? "en" : language;
}

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
  return isAboutSafety(section) ? nameWarningLanguage() : language;
}

/**
 * What comes first. A sign that was answered yes is not passed over while a newer result is late or cannot be had: what
 * its rule calls for is said then, if that is more urgent than what the server said last.
 * @returns {Advice | null}
 */
export function findAdvice() {
  const told = readAdvice();
  const early = state.isLate || state.trouble ? applyRules() : null;
  return early && (!told || rank(early.action) < rank(told.action)) ? early : told;
}

/** Whether somebody has to see to something before anything else, so that no routines and no levers are shown. */
export function isHeldBack() {
  return findAdvice()?.isHeldBack === true;
}

/** @returns {Advice | null} */
function readAdvice() {
  const safety = state.assessment?.safety;
  if (!safety) return null;
  const { action, text, flags, unanswered_flags: open } = safety;
  return { action, text, isHeldBack: !safety.self_care_allowed, flags, open, isEarly: false };
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
  return { action: first.action, text, isHeldBack, flags: signs.map(({ id }) => id), open: [], isEarly: true };
}

/**
 * How urgent an action is, the most urgent first, as the model lists them.
 * @param {string} action
 */
function rank(action) {
  return Object.keys(state.safety?.actions ?? {}).indexOf(action);
}
