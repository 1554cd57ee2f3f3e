/** Results taken away as files: large ones straight to the disk where the browser can do that. */

import { headersOfCalls, readWait, writeAddress } from "../calls.js";
import { say } from "../words.js";
import { facts } from "./facts.js";
import { tellFailure } from "./failures.js";
import { change, state, tell } from "./state.js";

/** @typedef {"scores" | "rejects"} Result */

/** Bytes of a sent file from which on its results go straight to the disk. */
const LARGE = 50_000_000;
const PATIENCE = 5;
const TRIES = 120;

/** @type {Window & {showSaveFilePicker?: (options: {suggestedName: string}) => Promise<FileSystemFileHandle>}} */
const page = window;

/**
 * Take a result away as the kind of file that was chosen.
 * @param {Result} what
 */
export async function download(what) {
  const { batch } = state;
  if (!batch) return;
  change({ fetching: what, trouble: null, done: "", said: say("download.fetching") });
  try {
    const name = `${what}-${batch.id}${findSuffix(state.wanted[what])}`;
    const asks = batch.size_bytes > LARGE && page.showSaveFilePicker;
    const target = asks ? await page.showSaveFilePicker?.({ suggestedName: name }) : undefined;
    const response = await fetchResult(batch.id, what);
    if (response && target && response.body) await response.body.pipeTo(await target.createWritable());
    else if (response) save(await response.blob(), name);
    if (response) report(say("download.done", { name: target?.name ?? name }));
  } catch (failure) {
    const isStopped = failure instanceof DOMException && failure.name === "AbortError";
    if (!isStopped) tell("result", say("download.broken"));
  }
  change({ fetching: "" });
}

/**
 * The answer with a result, once the server has made it; nothing where it cannot be had, which is told then.
 * @param {string} id
 * @param {Result} what
 */
async function fetchResult(id, what) {
  const format = state.wanted[what];
  const address = writeAddress(`/batches/{id}/${what}`, { params: { id }, query: format ? { format } : {} });
  for (let tries = 0; ; tries += 1) {
    const response = await fetch(address, { headers: headersOfCalls() });
    if (response.ok) return response;
    const wait = readWait(response.headers.get("Retry-After")) ?? PATIENCE;
    if (response.status !== 503 || tries >= TRIES) {
      const problem = await response.json().catch(() => null);
      tellFailure("result", { ok: false, status: response.status, headers: response.headers, problem, wait });
      return null;
    }
    report(say("download.making"));
    await new Promise((resolve) => setTimeout(resolve, wait * 1_000));
  }
}

/** @param {string} done */
function report(done) {
  change({ done, said: done });
}

/**
 * Hand a file to the browser's downloads.
 * @param {Blob} blob
 * @param {string} name
 */
export function save(blob, name) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000); // the browser may not have begun yet
}

/** @param {string} format */
function findSuffix(format) {
  return facts.formats.find((one) => one.name === format)?.suffixes[0] ?? "";
}
