/** Numbers as answers, and what to say when one cannot be used. */

import { parseNumber } from "../numbers.js";
import { say } from "../words.js";

/** @import { Question } from "./state.js" */

/**
 * What somebody typed, as the number it means, or what to say about it.
 * @param {string} text
 * @param {Question} question
 * @returns {{value: number} | {fault: string}}
 */
export function readNumber(text, question) {
  const read = parseNumber(text);
  if ("fault" in read) {
    return { fault: say(read.fault === "unclear" ? "faults.unclear" : "faults.not_a_number", { bounds: writeBounds(question) }) };
  }
  const { value } = read;
  if (question.answer === "whole_number" && !Number.isInteger(value)) {
    return { fault: say("faults.not_whole", { bounds: writeBounds(question) }) };
  }
  if (value < (question.minimum ?? -Infinity) || value > (question.maximum ?? Infinity)) {
    return { fault: say("faults.out_of_range", { bounds: writeBounds(question) }) };
  }
  return { value };
}

/**
 * From where to where an answer goes, with its unit.
 * @param {Question} question
 */
export function writeBounds(question) {
  const { minimum, maximum, unit_text: unit } = question;
  if (minimum === null || minimum === undefined || maximum === null || maximum === undefined) return unit ?? "";
  return say("question.bounds", { minimum, maximum, unit: unit ?? "" }).trim();
}
