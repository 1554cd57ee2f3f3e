/** A batch that is being scored, or could not be. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { nameValue, say } from "../../words.js";
import { writeMoment, writeSize, writeSpan } from "../amounts.js";
import { change, state } from "../state.js";
import { leaveBatch } from "../watching.js";
import { viewTrouble } from "./trouble.js";

/** How far the batch is. */
export function viewBatch() {
  const { batch, summary } = state;
  if (!batch || summary) return nothing;
  const isFailed = batch.state === "failed";
  return html`<section class="card" aria-labelledby="batch">
    <h2 id="batch" tabindex="-1">${say(isFailed ? "batch.failed" : "batch.title")}</h2>
    <p class="soft">${writeMoment(batch.created_at)}, ${nameValue("format", batch.format)}, ${writeSize(batch.size_bytes)}</p>
    ${isFailed ? html`<p>${batch.reason}</p>` : viewProgress(batch)} ${viewTrouble("batch")}
    <p class="line">
      <button type="button" class="quiet" @click=${() => change({ isErasing: true })}>
        ${say(isFailed ? "erase.button" : "batch.stop")}
      </button>
      <button type="button" class="quiet" @click=${leaveBatch}>${say("result.other")}</button>
    </p>
  </section>`;
}

/** @param {import("../state.js").Schemas["Batch"]} batch */
function viewProgress(batch) {
  const { rows_done: rows, rows_rejected: rejected, rows_per_second: rate, seconds_left: left } = batch;
  const told = [
    say("batch.rows", { n: rows }),
    ...(rejected ? [say("batch.rejected", { n: rejected })] : []),
    ...(rate ? [say("batch.rate", { n: Math.round(rate) })] : []),
    ...(left !== null ? [say("batch.left", { time: writeSpan(left) })] : []),
  ];
  return html`<progress max="1" .value=${batch.share_done} aria-label=${say("batch.progress")}></progress>
    <p>${batch.state === "waiting" ? batch.reason ?? say("batch.waiting") : told.join(", ")}</p>
    ${state.isAway ? html`<p class="notice">${say("batch.away")}</p>` : nothing}
    <p class="soft">${say("batch.close")}</p>`;
}
