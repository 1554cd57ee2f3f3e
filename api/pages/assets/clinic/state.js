/** Everything that the page knows. It is changed in one place, and the page is drawn from it. */

import { findQuestion as findQuestionIn } from "../question.js";

/** @typedef {import("../calls.js").Schemas} Schemas */
/** @typedef {import("../calls.js").Failed} Failed */
/** @typedef {import("./files.js").Kind} Kind */
/** @typedef {import("./mapping.js").Mapping} Mapping */
/** @typedef {Schemas["QuestionToAsk"]} Question */
/** @typedef {Schemas["SectionToAsk"]} Section */

/**
 * What is said about a column while somebody maps it by hand.
 * @typedef {object} Editor
 * @property {string} column
 * @property {string} question its id; empty until one is chosen
 * @property {string} unit empty for the question's own
 * @property {number | null} factor what a mapping that was dropped multiplies its numbers by
 * @property {string} missing as it is typed
 * @property {{value: string, answer: string}[]} rows
 */

/** Where something went wrong, and what; words of our own, or an answer of the server. @typedef {"key" | "file" | "columns" | "editor" | "send" | "batch" | "result" | "recent"} Place */

/**
 * @typedef {object} State
 * @property {"open" | "asked" | "known"} key
 * @property {Section[]} sections the questions, once they were asked for
 * @property {Record<string, string>} actions what people are told, by safety action
 * @property {File | null} file
 * @property {Kind | null} kind
 * @property {string} sheet
 * @property {string[]} sheets
 * @property {Schemas["ColumnsRead"] | null} look
 * @property {boolean} showsAll
 * @property {Mapping} mapping
 * @property {string} mappingText as it is kept on the server; empty without one
 * @property {string} mappingId
 * @property {Editor | null} editor
 * @property {"" | "key" | "look" | "map" | "erase" | "recent"} busy
 * @property {{sent: number, total: number} | null} upload
 * @property {Schemas["Batch"] | null} batch
 * @property {boolean} isAway whether the server could not be reached when it was last asked for the batch
 * @property {Schemas["Summary"] | null} summary
 * @property {"" | "scores" | "rejects"} fetching
 * @property {Record<"scores" | "rejects", string>} wanted as which kind of file
 * @property {string} done what has just been done, where nothing else shows it
 * @property {boolean} isErasing whether it is being asked if that is wanted
 * @property {Schemas["BatchInShort"][] | null} recent
 * @property {string} cursor where older batches begin
 * @property {{place: Place, said: string, failed: Failed | null} | null} trouble
 * @property {string} said what a screen reader is told
 */

/** What belongs to one file, before there is any. */
export const nothing = {
  file: null,
  kind: null,
  sheet: "",
  sheets: [],
  look: null,
  showsAll: false,
  mapping: { questions: {} },
  mappingText: "",
  mappingId: "",
  editor: null,
  upload: null,
  batch: null,
  isAway: false,
  summary: null,
  isErasing: false,
  done: "",
  trouble: null,
  busy: /** @type {State["busy"]} */ (""),
};

/** @type {State} */
export const state = {
  ...nothing,
  key: "open",
  sections: [],
  actions: {},
  fetching: "",
  wanted: { scores: "", rejects: "" },
  recent: null,
  cursor: "",
  said: "",
};

/** @type {() => void} */
let draw = () => {};

/**
 * Have the page drawn after every change.
 * @param {() => void} how
 */
export function onChange(how) {
  draw = how;
}

/**
 * Change what the page knows, and draw it.
 * @param {Partial<State>} part
 */
export function change(part) {
  Object.assign(state, part);
  draw();
}

/**
 * Say what went wrong, where it did.
 * @param {Place} place
 * @param {string | Failed} what
 */
export function tell(place, what) {
  const trouble = typeof what === "string" ? { place, said: what, failed: null } : { place, said: "", failed: what };
  change({ trouble, busy: "" });
  document.getElementById(`trouble-${place}`)?.focus();
}

/**
 * Go on reading at a heading that has just appeared.
 * @param {string} id
 */
export function moveTo(id) {
  const heading = document.getElementById(id);
  heading?.focus({ preventScroll: true });
  heading?.scrollIntoView({ block: "start" });
}

/** Every question that a column can answer: a batch makes no plans. */
export function listSections() {
  return state.sections.filter((section) => section.part !== "plan");
}

/**
 * @param {string} id
 * @returns {Question | undefined}
 */
export function findQuestion(id) {
  return findQuestionIn(state.sections, id);
}

/**
 * What a question is called.
 * @param {string} id
 */
export function nameQuestion(id) {
  return findQuestion(id)?.label ?? id;
}
