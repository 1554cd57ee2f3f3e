/** The files that were sent earlier. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { nameValue, say, writeNumber } from "../../words.js";
import { writeMoment, writeSize } from "../amounts.js";
import { listRecent, openBatch } from "../recent.js";
import { state } from "../state.js";
import { viewTrouble } from "./trouble.js";

/** The batches of this key's tenant, the newest first. */
export function viewRecent() {
  const { recent, cursor } = state;
  if (!recent) return viewTrouble("recent");
  return html`<section class="card" aria-labelledby="recent">
    <h2 id="recent">${say("recent.title")}</h2>
    ${viewTrouble("recent")} ${recent.length ? viewTable(recent) : html`<p>${say("recent.none")}</p>`}
    ${cursor ? html`<p><button type="button" class="quiet" @click=${() => listRecent(cursor)}>${say("recent.more")}</button></p>` : nothing}
  </section>`;
}

/** @param {import("../state.js").Schemas["BatchInShort"][]} batches */
function viewTable(batches) {
  return html`<div class="scroll" tabindex="0" role="region" aria-label=${say("recent.table")}>
    <table class="recent">
      <thead>
        <tr>
          <th scope="col">${say("recent.sent")}</th>
          <th scope="col">${say("recent.kind")}</th>
          <th scope="col" class="number">${say("recent.size")}</th>
          <th scope="col">${say("recent.state")}</th>
          <th scope="col" class="number">${say("recent.rows")}</th>
          <th scope="col">${say("recent.open")}</th>
        </tr>
      </thead>
      <tbody>
        ${batches.map(viewSent)}
      </tbody>
    </table>
  </div>`;
}

/** @param {import("../state.js").Schemas["BatchInShort"]} batch */
function viewSent(batch) {
  const when = writeMoment(batch.created_at);
  const isOpen = state.batch?.id === batch.id;
  return html`<tr aria-current=${isOpen ? "true" : "false"}>
    <th scope="row">${when}</th>
    <td data-label=${say("recent.kind")}>${nameValue("format", batch.format)}</td>
    <td class="number" data-label=${say("recent.size")}>${writeSize(batch.size_bytes)}</td>
    <td data-label=${say("recent.state")}>${nameValue("state", batch.state)}</td>
    <td class="number" data-label=${say("recent.rows")}>${writeNumber(batch.rows_done)}</td>
    <td>
      <button type="button" class="quiet" ?disabled=${isOpen || state.upload !== null} aria-label=${say("recent.open_this", { when })} @click=${() => openBatch(batch.id)}>
        ${say("recent.open")}
      </button>
    </td>
  </tr>`;
}
