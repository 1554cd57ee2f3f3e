/** Asking the server again after every answer, one request at a time, the newest answers always last. */

import { call } from "../calls.js";
import { say } from "../words.js";
import { summarize } from "./summary.js";
import { isHeldBack, writeSigns } from "./signs.js";
import { findQuestion, redraw, state, writeRequest } from "./state.js";

/** @import { Schemas, Failed } from "../calls.js" */

/** How long somebody pauses before the result is read out, in milliseconds. */
const PAUSE = 1200;
/** How long a result may take before it is late, in milliseconds. */
const LATE = 2000;

let isAsking = false;
let isStale = false;
/** @type {ReturnType<typeof setTimeout> | undefined} */
let reading;

/** Ask for the result of the answers as they are now. */
export async function assess() {
  isStale = true;
  if (isAsking) return;
  isAsking = true;
  const waiting = setTimeout(() => setLate(true), LATE);
  while (isStale) {
    isStale = false;
    await askOnce();
  }
  clearTimeout(waiting);
  setLate(false);
  isAsking = false;
}

/** @param {boolean} isLate */
function setLate(isLate) {
  if (state.isLate === isLate) return;
  state.isLate = isLate;
  redraw();
}

async function askOnce() {
  const request = writeRequest();
  if (Object.values(request).every((part) => Object.keys(part).length === 0)) {
    take(null);
    return;
  }
  const signs = writeSigns();
  const answered = await call("post", "/assess", { json: request });
  if (answered.ok) {
    state.heard = signs;
    take(answered.body);
  } else if (answered.status === 422 && pointOut(answered.problem)) isStale = true;
  else state.trouble = nameTrouble(answered);
  redraw();
}

/** @param {Schemas["Assessment"] | null} assessment */
function take(assessment) {
  const before = state.assessment?.index;
  const wasHeldBack = isHeldBack();
  const now = assessment?.index;
  state.narrowedBy = before && now ? before.high - before.low - (now.high - now.low) : null;
  state.assessment = assessment;
  state.trouble = null;
  redraw();
  if (isHeldBack() && !wasHeldBack) document.activeElement?.scrollIntoView({ block: "nearest" });
  clearTimeout(reading);
  reading = setTimeout(() => {
    state.announced = assessment ? summarize(assessment) : "";
    redraw();
  }, PAUSE);
}

/**
 * Show at its field what the server could not use, so that the others can be asked about without it.
 * @param {Schemas["Problem"] | null} problem
 */
function pointOut(problem) {
  let isNew = false;
  for (const { pointer, detail } of problem?.errors ?? []) {
    const id = pointer.split("/")[2] ?? "";
    const question = findQuestion(id);
    if (!question || state.faults.has(id)) continue;
    state.faults.set(id, say("faults.refused", { label: question.label, detail }));
    isNew = true;
  }
  return isNew;
}

/**
 * What kind of trouble a failed call means.
 * @param {Failed} failed
 * @returns {import("./state.js").Trouble}
 */
export function nameTrouble({ status, wait }) {
  if (status === 401) return { kind: "key", wait };
  if (status === 403) return { kind: "scope", wait };
  if (status === 429 || status === 503) return { kind: "busy", wait };
  if (status === 0 || status >= 500) return { kind: "away", wait };
  return { kind: "refused", wait };
}
