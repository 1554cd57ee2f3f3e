/** The files that were sent earlier, so that a page that was closed can go on where it was. */

import { call, useKey } from "../calls.js";
import { say } from "../words.js";
import { tellFailure } from "./failures.js";
import { eraseMapping, lookAnew } from "./looking.js";
import { change, nothing, state } from "./state.js";
import { leaveBatch, watchBatch } from "./watching.js";

const PAGE = "10";

/**
 * Use a key from now on; what waited for it goes on.
 * @param {string} text
 */
export async function giveKey(text) {
  useKey(text);
  change({ busy: "key", trouble: null, said: say("key.checking") });
  if (!(await listRecent())) return;
  change({ key: "known", busy: "", said: say("key.given") });
  if (state.batch && !state.summary) await watchBatch(state.batch.id);
  else if (state.kind && !state.look) await lookAnew();
}

/** Ask for another key: what the one before kept or showed goes with it, what was said about a chosen file stays. */
export function forgetKey() {
  const { file, kind, sheet, mappingId } = state;
  void eraseMapping(mappingId);
  useKey("");
  leaveBatch();
  change({ file, kind, sheet, key: "open", recent: null, cursor: "" });
}

/**
 * Ask for the newest batches, or for those before the ones that are shown.
 * @param {string} cursor
 */
export async function listRecent(cursor = "") {
  const got = await call("get", "/batches", { query: { limit: PAGE, ...(cursor ? { cursor } : {}) } });
  if (!got.ok) {
    tellFailure("recent", got);
    return false;
  }
  const shown = cursor ? state.recent ?? [] : [];
  change({ recent: [...shown, ...got.body.items], cursor: got.body.next_cursor ?? "" });
  return true;
}

/**
 * Go on with a batch that was sent earlier.
 * @param {string} id
 */
export async function openBatch(id) {
  change({ ...nothing, said: "" });
  await watchBatch(id);
}
