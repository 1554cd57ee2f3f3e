/** A file on its way to the server: as it lies on the disk, never read into memory, with its progress told. */

import { headersOfCalls, readWait, writeAddress } from "../calls.js";
import { say } from "../words.js";
import { tellFailure } from "./failures.js";
import { describeKind } from "./files.js";
import { eraseMapping } from "./looking.js";
import { listRecent } from "./recent.js";
import { change, state, tell } from "./state.js";
import { watchBatch } from "./watching.js";

/** @typedef {import("./state.js").Schemas} Schemas */

/** @type {XMLHttpRequest | null} */
let request = null;

/** Send the file that was chosen. Only this kind of request tells how much has been sent. */
export function sendFile() {
  const { file, kind, sheet, mappingId } = state;
  if (!file || !kind) return;
  const query = { ...(mappingId ? { mapping: mappingId } : {}), ...(sheet ? { sheet } : {}) };
  const sent = new XMLHttpRequest();
  request = sent;
  sent.open("POST", writeAddress("/batches", { query }));
  for (const [name, value] of Object.entries({ ...headersOfCalls(), ...describeKind(kind) })) {
    sent.setRequestHeader(name, value);
  }
  sent.upload.onprogress = ({ loaded }) => change({ upload: { sent: loaded, total: file.size } });
  sent.onload = () => void take(sent);
  sent.onerror = () => void take(sent);
  sent.onabort = () => {
    change({ upload: null });
    tell("send", say("send.stopped"));
    void listRecent(); // it may have arrived just before
  };
  change({ upload: { sent: 0, total: file.size }, trouble: null });
  sent.send(file);
}

/** Stop sending; the server keeps nothing unless all of it has arrived. */
export function stopSending() {
  request?.abort();
}

/** @param {XMLHttpRequest} sent */
async function take(sent) {
  change({ upload: null });
  if (sent.status !== 202) {
    tellFailure("send", {
      ok: false,
      status: sent.status,
      headers: new Headers(),
      problem: readProblem(sent.responseText),
      wait: readWait(sent.getResponseHeader("Retry-After")),
    });
    return;
  }
  /** @type {Schemas["Batch"]} */
  const batch = JSON.parse(sent.responseText);
  const { mappingId } = state;
  change({ batch, mappingId: "" });
  await Promise.all([eraseMapping(mappingId), listRecent(), watchBatch(batch.id)]);
}

/**
 * @param {string} text
 * @returns {Schemas["Problem"] | null}
 */
function readProblem(text) {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
