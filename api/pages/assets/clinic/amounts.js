/** Sizes, spans of time and moments in words. */

import { language, say } from "../words.js";

/** @type {[name: string, bytes: number][]} */
const SIZES = [
  ["gb", 1e9],
  ["mb", 1e6],
  ["kb", 1e3],
  ["b", 1],
];
/** @type {[name: string, seconds: number][]} */
const SPANS = [
  ["hours", 3600],
  ["minutes", 60],
  ["seconds", 1],
];
const moments = new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "short" });

/**
 * How large something is.
 * @param {number} bytes
 */
export function writeSize(bytes) {
  const [name, unit] = SIZES.find(([, size]) => bytes >= size) ?? ["b", 1];
  const amount = bytes / unit;
  return say(`size.${name}`, { n: amount < 10 ? Math.round(amount * 10) / 10 : Math.round(amount) });
}

/**
 * How long something takes, roughly.
 * @param {number} seconds
 */
export function writeSpan(seconds) {
  const found = SPANS.find(([, span]) => seconds >= span);
  return found ? say(`time.${found[0]}`, { n: Math.round(seconds / found[1]) }) : say("time.moment");
}

/**
 * A moment in the reader's own time.
 * @param {string} moment
 */
export function writeMoment(moment) {
  return moments.format(new Date(moment));
}
