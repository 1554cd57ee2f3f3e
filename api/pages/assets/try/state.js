/** What has been answered, what came of it, and where in the questionnaire somebody is. It lives as long as the page. */

import { findQuestion as findQuestionIn, isAsked as isAskedBeside } from "../question.js";

/** @import { Schemas } from "../calls.js" */
/** @typedef {Schemas["QuestionToAsk"]} Question */
/** @typedef {Schemas["SectionToAsk"]} Section */
/** @typedef {Schemas["AnyAnswer"]} Answer */

/**
 * Why there is no newer result: the server wants a key, or pauses, or cannot answer, or could not use what was sent.
 * `scope` says so when the server knows the key, which is for something else.
 * @typedef {{kind: "key" | "scope" | "busy" | "away" | "refused", wait: number | null}} Trouble
 */

export const state = {
  /** @type {Section[]} */
  sections: [],
  /** @type {Schemas["ModelOverview"] | null} */
  model: null,
  /** @type {Schemas["Safety"] | null} What signs call for, for when no result can be had. */
  safety: null,
  /** @type {Map<string, Schemas["RoutineInCatalogue"]>} */
  routines: new Map(),
  /** @type {Map<string, Answer>} */
  answers: new Map(),
  /** @type {Map<string, string>} What stands in the fields in which people type. */
  typed: new Map(),
  /** @type {Map<string, string>} What to say at a field whose answer cannot be used. */
  faults: new Map(),
  /** Which section is shown. */
  at: 0,
  /** Whether the list of sections is unfolded, where there is little room. */
  isUnfolded: false,
  isWide: false,
  /** @type {Schemas["Assessment"] | null} */
  assessment: null,
  /** What had been answered about safety when the result was asked for. */
  heard: "",
  /** @type {number | null} By how many points the last answer narrowed the interval of the index. */
  narrowedBy: null,
  /** @type {Trouble | null} */
  trouble: null,
  /** Whether the result of the newest answers keeps people waiting. */
  isLate: false,
  /** What is read out once somebody pauses. */
  announced: "",
};

/** @type {() => void} */
let draw = () => {};

/**
 * Say what draws the page.
 * @param {() => void} drawing
 */
export function drawWith(drawing) {
  draw = drawing;
}

/** Draw the page as things are now. */
export function redraw() {
  draw();
}

/**
 * Whether a question is asked, going by the answers so far.
 * @param {Question} question
 */
export function isAsked(question) {
  return isAskedBeside(question, (id) => state.answers.get(id));
}

/**
 * The questions of a section that are asked.
 * @param {Section} section
 */
export function listAsked(section) {
  return section.questions.filter(isAsked);
}

/**
 * The questions of a section that are asked and still open.
 * @param {Section} section
 */
export function listOpen(section) {
  return listAsked(section).filter((question) => !state.answers.has(question.id));
}

/**
 * A question by its id.
 * @param {string} id
 */
export function findQuestion(id) {
  return findQuestionIn(state.sections, id);
}

/** What is sent: every answer to a question that is asked, in its part. */
export function writeRequest() {
  /** @type {Record<string, Record<string, Answer>> & {red_flags?: Record<string, Answer>, conditions?: Record<string, Answer>}} */
  const request = { answers: {} };
  for (const section of state.sections) {
    for (const { id } of listAsked(section)) {
      const answer = state.answers.get(id);
      if (answer !== undefined && !state.faults.has(id)) (request[section.part] ??= {})[id] = answer;
    }
  }
  return request;
}
