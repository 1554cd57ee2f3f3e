/** The clinician's page: one state, one view of it, drawn anew after every change. */

import { html, nothing, render } from "../vendor/lit-html/lit-html.js";
import { onChange, state } from "./state.js";
import { viewBatch } from "./views/batch.js";
import { viewColumns } from "./views/columns.js";
import { viewCoverage } from "./views/coverage.js";
import { viewErasing } from "./views/downloads.js";
import { viewEditor } from "./views/editor.js";
import { takeDrops, viewFile } from "./views/file.js";
import { viewKey } from "./views/key.js";
import { viewRecent } from "./views/recent.js";
import { viewResults } from "./views/results.js";

function view() {
  const isChoosing = !state.batch;
  return html`<p class="told" role="status">${state.said}</p>
    ${viewKey()} ${isChoosing ? html`${viewFile()} ${viewColumns()} ${viewCoverage()}` : nothing} ${viewBatch()}
    ${viewResults()} ${viewRecent()} ${viewEditor()} ${viewErasing()}`;
}

/**
 * Open or close a dialog, which only a script can do in a way that keeps the rest of the page back.
 * @param {string} id
 * @param {boolean} isOpen
 */
function show(id, isOpen) {
  const dialog = document.getElementById(id);
  if (!(dialog instanceof HTMLDialogElement) || dialog.open === isOpen) return;
  if (isOpen) dialog.showModal();
  else dialog.close();
}

const app = document.getElementById("app");

function draw() {
  if (!app) return;
  render(view(), app);
  show("editor", state.editor !== null);
  show("erasing", state.isErasing);
}

onChange(draw);
takeDrops();
draw();
