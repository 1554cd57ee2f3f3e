/** What can be scored with the columns as they are, and which questions nobody answers. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { say } from "../../words.js";
import { writeSize } from "../amounts.js";
import { countAnswering } from "../looking.js";
import { sendFile, stopSending } from "../sending.js";
import { listSections, nameQuestion, state } from "../state.js";
import { viewTrouble } from "./trouble.js";

/** @typedef {import("../state.js").Section} Section */

/** What can be scored, and the button that begins it. */
export function viewCoverage() {
  const { look } = state;
  if (!look) return nothing;
  const open = new Set(look.unanswered);
  return html`<section class="card" aria-labelledby="coverage">
    <h2 id="coverage">${say("coverage.title")}</h2>
    <ul class="coverage">
      ${sortSections().map((section) => viewSection(section, open))}
    </ul>
    ${viewTrouble("send")} ${state.upload ? viewUpload(state.upload) : viewSend()}
  </section>`;
}

/** The sections: warning signs before anything else, then the habits, which are what is scored. */
function sortSections() {
  return listSections().sort((one, other) => rank(one) - rank(other));
}

/** @param {Section} section */
function rank({ part, questions }) {
  if (part === "red_flags") return 0;
  return questions.some(({ role }) => role === "core") ? 1 : 2;
}

/**
 * @param {Section} section
 * @param {Set<string>} open the questions that no column answers
 */
function viewSection(section, open) {
  const left = section.questions.filter(({ id }) => open.has(id));
  const [kind, told] = tellSection(section, open, left.length);
  return html`<li class=${kind}>
    <strong>${section.name}</strong> <span>${told}</span>
    ${left.length
      ? html`<details>
          <summary>${say("coverage.open", { n: left.length })}</summary>
          <ul>
            ${left.map(({ id, label }) => html`<li>${label} <code>${id}</code></li>`)}
          </ul>
        </details>`
      : nothing}
  </li>`;
}

/**
 * @param {Section} section
 * @param {Set<string>} open
 * @param {number} left
 * @returns {[kind: string, told: string]}
 */
function tellSection({ part, questions }, open, left) {
  if (part === "red_flags") {
    const n = questions.length - left;
    return left ? ["some", say("coverage.flags_some", { n, total: questions.length })] : ["all", say("coverage.flags_all")];
  }
  const core = questions.find(({ role }) => role === "core");
  if (!core) return ["plain", ""];
  if (!open.has(core.id)) return ["all", say("coverage.scored")];
  const condition = Object.keys(core.asked_only_if).find((id) => !open.has(id));
  if (condition) return ["some", say("coverage.sometimes", { label: nameQuestion(condition) })];
  return ["none", say("coverage.unscored", { label: core.label })];
}

function viewSend() {
  const isReady = countAnswering() > 0;
  return html`${isReady ? nothing : html`<p>${say("send.none")}</p>`}
    <p><button type="button" id="send" class="main" ?disabled=${!isReady || state.busy !== ""} @click=${sendFile}>${say("send.button")}</button></p>`;
}

/** @param {{sent: number, total: number}} upload */
function viewUpload({ sent, total }) {
  const isSent = sent >= total && total > 0;
  return html`<progress max=${Math.max(total, 1)} .value=${sent} aria-label=${say("send.progress")}></progress>
    <p class="line">
      <span>${isSent ? say("send.kept") : say("send.uploading", { sent: writeSize(sent), total: writeSize(total) })}</span>
      ${isSent ? nothing : html`<button type="button" class="quiet" @click=${stopSending}>${say("send.stop")}</button>`}
    </p>`;
}
