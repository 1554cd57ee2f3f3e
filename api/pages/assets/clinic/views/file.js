/** Where a file is dropped or chosen. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { say } from "../../words.js";
import { facts } from "../facts.js";
import { MAPPING_SUFFIX, listSuffixes } from "../files.js";
import { chooseFile, chooseSheet, lookAnew } from "../looking.js";
import { state } from "../state.js";
import { writeSize } from "../amounts.js";
import { viewTrouble } from "./trouble.js";

/** The drop zone, which is a button for files, too, and what was chosen. */
export function viewFile() {
  const { file, busy } = state;
  const accepted = [...listSuffixes(), ...Object.keys(facts.encodings), MAPPING_SUFFIX].join(",");
  return html`<section class="card" aria-labelledby="file-title">
    <h2 id="file-title">${say("file.title")}</h2>
    <div class="drop">
      <input id="file" type="file" accept=${accepted} aria-describedby="file-kinds" ?disabled=${state.upload !== null} @change=${choose} />
      <label for="file">${say("file.drop")}</label>
      <p id="file-kinds" class="soft">${say("file.kinds")}</p>
    </div>
    ${state.done ? html`<p class="note">${state.done}</p>` : nothing}
    ${file ? html`<p class="chosen">${say("file.chosen", { name: file.name, size: writeSize(file.size) })}</p>` : nothing}
    ${viewSheets()} ${busy === "look" ? html`<p class="busy">${say("file.looking")}</p>` : nothing}
    ${viewTrouble("file")}
    ${state.kind && !state.look && busy !== "look" ? viewAgain() : nothing}
  </section>`;
}

/** Take what is dropped anywhere on the page; a file beside the zone must not replace the page. */
export function takeDrops() {
  window.addEventListener("dragover", (event) => {
    event.preventDefault();
    document.body.classList.add("dragging");
  });
  window.addEventListener("dragleave", (event) => {
    if (!event.relatedTarget) document.body.classList.remove("dragging");
  });
  window.addEventListener("drop", (event) => {
    event.preventDefault();
    document.body.classList.remove("dragging");
    const file = event.dataTransfer?.files[0];
    if (file && !state.upload && !state.batch) void chooseFile(file);
  });
}

/** @param {Event} event */
function choose({ target }) {
  if (!(target instanceof HTMLInputElement)) return;
  const file = target.files?.[0];
  if (file) void chooseFile(file);
  target.value = ""; // so that the same file can be chosen again after it was corrected
}

function viewAgain() {
  return html`<p><button type="button" class="quiet" @click=${lookAnew}>${say("file.again")}</button></p>`;
}

function viewSheets() {
  const { sheets, sheet } = state;
  if (sheets.length < 2) return nothing;
  return html`<p class="line">
    <label for="sheet">${say("file.sheet")}</label>
    <select id="sheet" @change=${changeSheet}>
      ${sheets.map((name, n) => html`<option value=${name} ?selected=${sheet ? name === sheet : n === 0}>${name}</option>`)}
    </select>
  </p>`;
}

/** @param {Event} event */
function changeSheet({ target }) {
  if (target instanceof HTMLSelectElement) void chooseSheet(target.value);
}
