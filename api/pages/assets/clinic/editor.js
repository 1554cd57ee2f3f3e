/** What somebody says by hand about a column: which question it answers, and how its cells are read. */

import { say } from "../words.js";
import { applyMapping, stayAt } from "./looking.js";
import { readCodes, writeCodes } from "./mapping.js";
import { change, findQuestion, state } from "./state.js";

/** @typedef {import("./state.js").Editor} Editor */
/** @typedef {import("./state.js").Question} Question */
/** @typedef {import("./mapping.js").Mapped} Mapped */

/**
 * Begin to map a column, with what was said about it before.
 * @param {string} column
 */
export function openEditor(column) {
  const found = Object.entries(state.mapping.questions).find(([, mapped]) => mapped.column === column);
  const [question = "", mapped] = found ?? [];
  const known = Object.entries(mapped?.values ?? {}).map(([value, answer]) => ({ value, answer: String(answer) }));
  const rows = known.length ? known : listRows(question);
  change({
    editor: {
      column,
      question,
      unit: mapped?.unit ?? "",
      factor: mapped?.factor ?? null,
      missing: writeCodes(mapped?.missing ?? []),
      rows,
    },
    trouble: null,
  });
}

/**
 * Say which question it is; how its cells are read is asked anew.
 * @param {string} question
 */
export function chooseQuestion(question) {
  const { editor } = state;
  if (editor) change({ editor: { ...editor, question, unit: "", factor: null, rows: listRows(question) } });
}

/** Ask for one more value of the file and what it means. */
export function addRow() {
  const { editor } = state;
  if (editor) change({ editor: { ...editor, rows: [...editor.rows, { value: "", answer: "" }] } });
}

/** Use what was said: it is kept as a mapping, and the columns are looked at again. */
export async function useEditor() {
  const { editor } = state;
  if (!editor?.question) return;
  const question = findQuestion(editor.question);
  if (!question) return;
  const others = Object.entries(state.mapping.questions).filter(([, mapped]) => mapped.column !== editor.column);
  const questions = { ...Object.fromEntries(others), [editor.question]: readEditor(editor, question) };
  if (!(await applyMapping({ ...state.mapping, questions }))) return;
  change({ editor: null });
  stayAt(editor.column);
}

/**
 * The answers that a question allows, as values and in words.
 * @param {Question | undefined} question
 * @returns {{id: string, label: string}[]}
 */
export function listAnswers(question) {
  if (question?.answer === "yes_no") {
    return [
      { id: "true", label: say("yes") },
      { id: "false", label: say("no") },
    ];
  }
  return question?.options ?? [];
}

/** @param {string} id */
function listRows(id) {
  return listAnswers(findQuestion(id)).map((answer) => ({ value: "", answer: answer.id }));
}

/**
 * @param {Editor} editor
 * @param {Question} question
 * @returns {Mapped}
 */
function readEditor({ column, unit, factor, missing, rows }, question) {
  const codes = readCodes(missing);
  const filled = rows.filter(({ value, answer }) => value.trim() && answer);
  const asked = question.answer === "yes_no";
  const values = filled.map(({ value, answer }) => [value.trim(), asked ? answer === "true" : answer]);
  return {
    column,
    ...(unit ? { unit } : {}),
    ...(factor !== null && !unit ? { factor } : {}),
    ...(codes.length ? { missing: codes } : {}),
    ...(values.length ? { values: Object.fromEntries(values) } : {}),
  };
}
