/** Mappings: which column answers which question, in the server's own format. */

import { parse, stringify } from "../vendor/smol-toml/index.js";

/** @typedef {string | number} Code */

/**
 * Where one question's answers come from.
 * @typedef {object} Mapped
 * @property {string} [column]
 * @property {string} [unit]
 * @property {number} [factor]
 * @property {Code[]} [missing]
 * @property {Record<string, string | number | boolean>} [values]
 * @property {string} [sql]
 */

/** @typedef {{missing?: Code[], questions: Record<string, Mapped>}} Mapping */

/** Whether anything is mapped. @param {Mapping} mapping */
export function hasAny(mapping) {
  return Object.keys(mapping.questions).length > 0;
}

/**
 * A mapping as TOML.
 * @param {Mapping} mapping
 * @param {string} comment
 */
export function writeMapping(mapping, comment) {
  return `# ${comment}\n\n${stringify(mapping)}\n`;
}

/**
 * The mapping in a text that the server has taken.
 * @param {string} text
 * @returns {Mapping}
 */
export function readMapping(text) {
  const { missing, questions } = parse(text);
  /** @type {Mapping} */
  const mapping = { questions: {} };
  const everywhere = readList(missing);
  if (everywhere) mapping.missing = everywhere;
  for (const [id, table] of Object.entries(isTable(questions) ? questions : {})) {
    if (isTable(table)) mapping.questions[id] = readMapped(table);
  }
  return mapping;
}

/**
 * @param {Record<string, unknown>} table
 * @returns {Mapped}
 */
function readMapped({ column, unit, factor, missing, values, sql }) {
  const codes = readList(missing);
  return {
    ...(typeof column === "string" ? { column } : {}),
    ...(typeof unit === "string" ? { unit } : {}),
    ...(typeof factor === "number" ? { factor } : {}),
    ...(codes ? { missing: codes } : {}),
    ...(isTable(values) ? { values: readAnswers(values) } : {}),
    ...(typeof sql === "string" ? { sql } : {}),
  };
}

/** @param {Record<string, unknown>} values */
function readAnswers(values) {
  /** @type {Record<string, string | number | boolean>} */
  const answers = {};
  for (const [value, answer] of Object.entries(values)) {
    if (typeof answer === "string" || typeof answer === "number" || typeof answer === "boolean") answers[value] = answer;
  }
  return answers;
}

/**
 * @param {unknown} list
 * @returns {Code[] | null}
 */
function readList(list) {
  if (!Array.isArray(list)) return null;
  return list.filter((code) => typeof code === "string" || typeof code === "number");
}

/**
 * @param {unknown} value
 * @returns {value is Record<string, unknown>}
 */
function isTable(value) {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/**
 * Codes as they are typed, with commas between; those that are plain numbers as numbers.
 * @param {string} text
 * @returns {Code[]}
 */
export function readCodes(text) {
  const typed = text.split(",").map((code) => code.trim());
  return typed.filter((code) => code !== "").map((code) => (/^-?\d{1,15}$/.test(code) ? readWhole(code) : code));
}

/**
 * A whole number that is written just as it was typed, or else the text.
 * @param {string} code
 */
function readWhole(code) {
  return String(Number(code)) === code ? Number(code) : code;
}

/** @param {Code[]} codes */
export function writeCodes(codes) {
  return codes.join(", ");
}
