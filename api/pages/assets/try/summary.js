/** Scores, intervals and levels put into words; the pictures and what is read out say the same. */

import { nameValue, say } from "../words.js";

/** @import { Schemas } from "../calls.js" */
/** @typedef {Schemas["IndexScore"] | Schemas["HabitScore"]} Scored */

/**
 * A score with its interval and level, as a sentence.
 * @param {string} name
 * @param {Scored} scored
 */
export function describe(name, scored) {
  return say(`score.${scored.status}`, { ...writeScore(scored), name });
}

/**
 * A score with its interval and level, as few words as can be.
 * @param {Scored} scored
 */
export function shorten(scored) {
  return say(`short.${scored.status}`, writeScore(scored));
}

/**
 * What to read out after an answer.
 * @param {Schemas["Assessment"]} assessment
 */
export function summarize(assessment) {
  return describe(say("result.index"), assessment.index);
}

/** @param {Scored} scored */
function writeScore({ score, low, high, level, level_low: from, level_high: to }) {
  const levels = say(from === to ? "levels_decided" : "levels_open", {
    from: nameValue("levels", from),
    to: nameValue("levels", to),
  });
  return { score: score ?? "", low, high, level: level ? nameValue("levels", level) : "", levels };
}
