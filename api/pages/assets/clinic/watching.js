/** A batch while it is scored: asked for again and again, whatever happens to the server meanwhile. */

import { call } from "../calls.js";
import { say } from "../words.js";
import { isAboutKey, tellFailure } from "./failures.js";
import { loadActions, loadQuestions } from "./questions.js";
import { listRecent } from "./recent.js";
import { change, moveTo, nothing, state } from "./state.js";

const SOON = 400;
const AT_MOST = 3_000;
const AWAY = 2_000;

let turn = 0;

/**
 * Watch a batch until it is finished, or another one is watched.
 * @param {string} id
 */
export async function watchBatch(id) {
  const mine = ++turn;
  const isMine = () => turn === mine;
  for (let pause = SOON; isMine(); pause = Math.min(pause * 1.3, AT_MOST)) {
    const failed = await followBatch(id, isMine);
    if (!isMine()) return;
    const isFinished = state.summary !== null || state.batch?.state === "failed";
    if (!failed && isFinished) {
      await listRecent();
      return;
    }
    if (failed && (failed.status === 404 || isAboutKey(failed) || !state.batch)) {
      tellFailure(state.batch ? "batch" : "recent", failed);
      return;
    }
    if (failed) {
      change({ isAway: true, said: say("batch.away") });
      pause = Math.max(AWAY, (failed.wait ?? 0) * 1_000);
    }
    await new Promise((resolve) => setTimeout(resolve, pause));
  }
}

/**
 * Ask once how far a batch is, and for what came of it if it is done; what failed is given back.
 * @param {string} id
 * @param {() => boolean} isMine whether this batch is still the one that is watched
 * @returns {Promise<import("./state.js").Failed | null>}
 */
async function followBatch(id, isMine) {
  const got = await call("get", "/batches/{id}", { params: { id } });
  if (!got.ok) return got;
  if (!isMine()) return null;
  const isNew = state.batch?.id !== id;
  change({ batch: got.body, isAway: false });
  if (isNew) moveTo("batch");
  if (got.body.state !== "done") return null;
  await Promise.all([loadQuestions(), loadActions()]);
  const summary = await call("get", "/batches/{id}/summary", { params: { id } });
  if (!summary.ok) return summary;
  if (!isMine()) return null;
  const { format } = got.body;
  change({ summary: summary.body, wanted: { scores: format, rejects: format }, said: say("result.title") });
  moveTo("result");
  return null;
}

/** Begin anew with another file; the mapping stays, for files are often sent in parts. */
export function leaveBatch() {
  turn += 1;
  const { mapping, mappingText } = state;
  change({ ...nothing, mapping, mappingText });
  document.getElementById("file")?.focus();
}

/** Erase the batch that is shown, with its file and its results. */
export async function eraseBatch() {
  const { batch } = state;
  if (!batch) return;
  change({ busy: "erase", isErasing: false });
  const got = await call("delete", "/batches/{id}", { params: { id: batch.id } });
  if (!got.ok && got.status !== 404) {
    tellFailure(state.summary ? "result" : "batch", got);
    return;
  }
  leaveBatch();
  change({ busy: "", done: say("erase.done"), said: say("erase.done") });
  await listRecent();
}
