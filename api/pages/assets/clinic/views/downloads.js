/** What can be taken away, and erased. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { nameValue, say } from "../../words.js";
import { download } from "../downloads.js";
import { facts } from "../facts.js";
import { change, state } from "../state.js";
import { eraseBatch, leaveBatch } from "../watching.js";

/** @typedef {"scores" | "rejects"} Result */

/**
 * Scores and rejects as files.
 * @param {import("../state.js").Schemas["Summary"]} summary
 */
export function viewDownloads({ rejected }) {
  return html`<section class="card" aria-labelledby="take">
    <h2 id="take">${say("download.title")}</h2>
    ${viewDownload("scores")}
    ${rejected ? html`${viewDownload("rejects")}
          <p class="soft">${say("download.rejects_how")}</p>` : nothing}
    ${state.done ? html`<p class="note">${state.done}</p>` : nothing}
    <p class="line">
      <button type="button" class="quiet" @click=${leaveBatch}>${say("result.other")}</button>
      <button type="button" class="quiet" ?disabled=${state.busy === "erase"} @click=${() => change({ isErasing: true })}>
        ${say("erase.button")}
      </button>
    </p>
  </section>`;
}

/** @param {Result} what */
function viewDownload(what) {
  const label = say(`download.${what}`);
  const isBusy = state.fetching !== "";
  return html`<p class="line take">
    <strong>${label}</strong>
    <select aria-label=${say("download.kind_of", { what: label })} @change=${(/** @type {Event} */ event) => choose(event, what)}>
      ${facts.formats.map(
        ({ name }) => html`<option value=${name} ?selected=${name === state.wanted[what]}>${nameValue("format", name)}</option>`,
      )}
    </select>
    <button type="button" ?disabled=${isBusy} aria-label=${say(state.fetching === what ? "download.fetching" : "download.button_of", { what: label })} @click=${() => download(what)}>
      ${state.fetching === what ? say("download.fetching") : say("download.button")}
    </button>
  </p>`;
}

/**
 * @param {Event} event
 * @param {Result} what
 */
function choose({ target }, what) {
  if (target instanceof HTMLSelectElement) change({ wanted: { ...state.wanted, [what]: target.value } });
}

/** The dialog that asks whether a batch is to be erased. */
export function viewErasing() {
  return html`<dialog id="erasing" aria-labelledby="erasing-title" @close=${keep}>
    ${state.isErasing
      ? html`<h2 id="erasing-title">${say("erase.title")}</h2>
          <p>${say("erase.text")}</p>
          <p class="line">
            <button type="button" class="quiet" @click=${keep}>${say("erase.no")}</button>
            <button type="button" class="danger" @click=${eraseBatch}>${say("erase.yes")}</button>
          </p>`
      : nothing}
  </dialog>`;
}

function keep() {
  if (state.isErasing) change({ isErasing: false });
}
