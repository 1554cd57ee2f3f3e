/** Giving an answer, taking it back, and going from question to question. */

import { assess } from "./asking.js";
import { readNumber } from "./numbers.js";
import { isAsked, listOpen, redraw, state } from "./state.js";

/** @import { Answer, Question, Section } from "./state.js" */

/**
 * Answer a question; what was wrong with it is forgotten.
 * @param {Question} question
 * @param {Answer | undefined} answer
 */
export function give(question, answer) {
  state.faults.delete(question.id);
  if (answer === undefined) state.answers.delete(question.id);
  else state.answers.set(question.id, answer);
  redraw();
  void assess();
}

/**
 * Take an answer back, so that the question is open again, and stay at the question.
 * @param {Question} question
 */
export function takeBack(question) {
  give(question, undefined);
  findControl(question.id)?.focus();
}

/**
 * Follow what somebody types: what can be used is sent, what cannot is pointed out once they leave the field.
 * @param {Question} question
 * @param {string} text
 * @param {boolean} isDone
 */
export function type(question, text, isDone) {
  state.typed.set(question.id, text);
  const read = text.trim() ? readNumber(text, question) : { value: undefined };
  if ("value" in read) {
    if (read.value !== state.answers.get(question.id) || state.faults.has(question.id)) give(question, read.value);
    return;
  }
  const wasAnswered = state.answers.delete(question.id);
  if (isDone) state.faults.set(question.id, read.fault);
  redraw();
  if (wasAnswered) void assess();
}

/**
 * Answer every open question of a section with no.
 * @param {Section} section
 */
export function denyOpen(section) {
  for (const { id } of listOpen(section)) state.answers.set(id, false);
  redraw();
  void assess();
  focusOn("section");
}

/**
 * Show a section, from its heading on.
 * @param {number} at
 */
export function goTo(at) {
  state.at = at;
  state.isUnfolded = false;
  redraw();
  focusOn("section");
}

/**
 * Show a question, and be ready to answer it; one that is not asked now shows its section.
 * @param {string} id
 */
export function goToQuestion(id) {
  const at = state.sections.findIndex((section) => section.questions.some((question) => question.id === id));
  if (at < 0) return;
  goTo(at);
  const question = state.sections[at]?.questions.find((one) => one.id === id);
  if (!question || !isAsked(question)) return;
  document.getElementById(`question-${id}`)?.scrollIntoView({ block: "center" });
  findControl(id)?.focus({ preventScroll: true });
}

/**
 * Put the focus on a heading and show it at the top.
 * @param {"section" | "result"} id
 */
export function focusOn(id) {
  const heading = document.getElementById(id);
  heading?.focus({ preventScroll: true });
  heading?.scrollIntoView({ block: "start" });
}

/**
 * @param {string} id
 * @returns {HTMLElement | null | undefined}
 */
function findControl(id) {
  return document.getElementById(`question-${id}`)?.querySelector("input");
}
