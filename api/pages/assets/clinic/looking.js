/** A file is chosen and its columns are looked at; mappings are kept, and looked through at once. */

import { call } from "../calls.js";
import { say } from "../words.js";
import { tellFailure } from "./failures.js";
import { MAPPING_SUFFIX, describeKind, findKind, listSuffixes, takeBeginning } from "./files.js";
import { facts } from "./facts.js";
import { hasAny, readMapping, writeMapping } from "./mapping.js";
import { loadQuestions } from "./questions.js";
import { change, moveTo, nothing, state, tell } from "./state.js";

/** @typedef {import("./mapping.js").Mapping} Mapping */
/** @typedef {import("./mapping.js").Mapped} Mapped */

const TOML = { "Content-Type": "application/toml" };

/** Looks and mappings that were begun; of two, the answer to the later one counts, whichever comes first. */
let begun = 0;

/**
 * Take what was dropped: a file of people, or a mapping for it.
 * @param {File} file
 */
export async function chooseFile(file) {
  if (file.name.toLowerCase().endsWith(MAPPING_SUFFIX)) {
    await loadMapping(file);
    return;
  }
  const { mapping, mappingText, mappingId } = state;
  change({ ...nothing, file, kind: findKind(file.name), mapping, mappingText, mappingId });
  if (!state.kind) {
    const encodings = Object.keys(facts.encodings).join(", ");
    tell("file", say("file.unknown", { suffixes: listSuffixes().join(", "), encodings }));
    return;
  }
  await lookAnew();
}

/** Look at the columns of the file that was chosen, with what was said about columns before, if that fits. */
export async function lookAnew() {
  const { file, mapping, mappingText, mappingId } = state;
  change({ mappingId: "" });
  void eraseMapping(mappingId);
  await lookAtFile();
  if (!state.look || state.file !== file) return;
  const isKept = hasAny(mapping) && fits(mapping, state.look.names) && (await applyMapping(mapping, mappingText));
  if (!isKept && state.file === file) change({ mapping: nothing.mapping, mappingText: "" });
}

/** Look at the columns of the file that was chosen. */
async function lookAtFile() {
  const { file } = state;
  const mine = ++begun;
  change({ busy: "look", trouble: null, said: say("file.looking") });
  const got = await askColumns(state.mappingId);
  if (!got || mine !== begun || state.file !== file) return;
  if (!got.ok) {
    change({ look: null });
    tellFailure("file", got);
    return;
  }
  await loadQuestions();
  change({ look: got.body, sheets: got.body.sheets, busy: "", said: countColumns() });
  moveTo("columns");
}

/**
 * Look at another sheet of the same file.
 * @param {string} sheet
 */
export async function chooseSheet(sheet) {
  change({ sheet });
  await lookAtFile();
}

/** How many columns there are, and how many of them answer a question. */
export function countColumns() {
  const { look } = state;
  if (!look) return "";
  return say("columns.counts", { n: look.names.length, answering: countAnswering() });
}

/** How many columns answer a question. */
export function countAnswering() {
  const { recognised = [], mapped = {} } = state.look?.columns ?? {};
  return recognised.length + new Set(Object.values(mapped).flat()).size;
}

/**
 * @param {string} mapping
 */
async function askColumns(mapping) {
  const { file, kind, sheet } = state;
  if (!file || !kind) return null;
  try {
    const raw = await takeBeginning(file, kind);
    const query = { ...(mapping ? { mapping } : {}), ...(sheet ? { sheet } : {}) };
    return await call("post", "/batches/columns", { raw, headers: describeKind(kind), query });
  } catch {
    tell("file", say("file.unreadable")); // it is not there any more, or was changed meanwhile
    return null;
  }
}

/**
 * Say that a column answers a question.
 * @param {string} id
 * @param {Mapped} mapped
 */
export function mapQuestion(id, mapped) {
  return applyMapping({ ...state.mapping, questions: { ...state.mapping.questions, [id]: mapped } });
}

/** Take the server's suggestions for columns that are nearly called like a question. */
export async function acceptAll() {
  const near = Object.entries(state.look?.columns.near ?? {}).map(([column, id]) => [id, { column: column.trim() }]);
  const questions = { ...state.mapping.questions, ...Object.fromEntries(near) };
  if (await applyMapping({ ...state.mapping, questions })) moveTo("columns");
}

/**
 * Take back what was said about questions.
 * @param {string[]} ids
 */
export function unmap(ids) {
  const left = Object.entries(state.mapping.questions).filter(([id]) => !ids.includes(id));
  return applyMapping({ ...state.mapping, questions: Object.fromEntries(left) });
}

/** Take back the whole mapping. */
export async function dropMapping() {
  if (await applyMapping(nothing.mapping)) moveTo("columns");
}

/**
 * Keep a mapping on the server and look at the columns with it; where it does not fit, all stays as it was.
 * @param {Mapping} mapping
 * @param {string} text as it was loaded, if it was
 * @returns {Promise<boolean>}
 */
export async function applyMapping(mapping, text = "") {
  const { file } = state;
  const mine = ++begun;
  const isNewest = () => mine === begun && state.file === file;
  const place = state.editor ? "editor" : "columns";
  const before = state.mappingId;
  change({ busy: "map", trouble: null, said: say("mapping.checking") });
  let id = "";
  if (text || hasAny(mapping)) {
    text ||= writeMapping(mapping, say("mapping.comment"));
    const kept = await call("post", "/mappings", { raw: text, headers: TOML });
    if (!kept.ok) {
      if (!isNewest()) return false;
      const whole = kept.problem?.errors?.find(({ pointer }) => !pointer);
      return refuse(place, whole ? say("mapping.unreadable", { detail: whole.detail }) : kept);
    }
    id = kept.body.id;
  }
  const got = await askColumns(id);
  if (!got?.ok || !isNewest()) {
    await eraseMapping(id);
    return got && !got.ok && isNewest() ? refuse(place, got) : false;
  }
  change({ mapping, mappingText: id ? text : "", mappingId: id, look: got.body, busy: "", said: countColumns() });
  await eraseMapping(before);
  return true;
}

/**
 * @param {import("./state.js").Place} place
 * @param {string | import("./state.js").Failed} what
 */
function refuse(place, what) {
  if (typeof what === "string") tell(place, what);
  else tellFailure(place, what);
  return false;
}

/**
 * Erase a mapping that is needed no more; a batch that was sent with it keeps what it needs.
 * @param {string} id
 */
export async function eraseMapping(id) {
  if (id) await call("delete", "/mappings/{id}", { params: { id } });
}

/**
 * Read a mapping that was saved earlier.
 * @param {File} file
 */
async function loadMapping(file) {
  if (!state.look) {
    tell("file", say("file.first"));
    return;
  }
  try {
    const text = await file.slice(0, facts.most_text).text();
    await applyMapping(tryMapping(text), text);
  } catch {
    tell("file", say("file.unreadable"));
  }
}

/**
 * The mapping in a text; none where it is no TOML, for the server says where it stops being that.
 * @param {string} text
 */
function tryMapping(text) {
  try {
    return readMapping(text);
  } catch {
    return nothing.mapping;
  }
}

/**
 * Stay at a column after something was said about it: the button that was pressed may be gone.
 * @param {string} column
 */
export function stayAt(column) {
  if (document.activeElement !== document.body) return;
  const row = document.querySelector(`table.columns tr[data-column="${CSS.escape(column.trim())}"]`);
  row?.querySelector("button")?.focus();
}

/**
 * Whether a file has the columns that a mapping needs, as far as they are named in it.
 * @param {Mapping} mapping
 * @param {string[]} names
 */
function fits(mapping, names) {
  const known = new Set(names.map((name) => name.trim()));
  return Object.values(mapping.questions).every(({ column }) => column === undefined || known.has(column));
}
