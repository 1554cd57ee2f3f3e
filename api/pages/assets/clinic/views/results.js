/** What came of a batch: whom to look at first, levels by habit, rejects by reason. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { languageOfWarnings, nameValue, say, writeNumber } from "../../words.js";
import { writeSpan } from "../amounts.js";
import { nameQuestion, state } from "../state.js";
import { viewBar, viewSwatch } from "./bars.js";
import { viewDownloads } from "./downloads.js";
import { viewTrouble } from "./trouble.js";

/** @typedef {import("../state.js").Schemas["Summary"]} Summary */

const LEVELS = ["low", "moderate", "high", "very_high", "not_known"];
/** Safety actions that somebody has to follow, the most urgent first. */
const URGENT = ["emergency", "same_day", "review"];
const LINE = /^line \d+$/;

/** The summary, and what can be taken away. */
export function viewResults() {
  const { summary } = state;
  if (!summary) return nothing;
  const { rows, scored, rejected, seconds } = summary;
  return html`<section class="card" aria-labelledby="result">
      <h2 id="result" tabindex="-1">${say("result.title")}</h2>
      <p>${say("result.totals", { n: rows, scored, rejected, time: writeSpan(seconds) })}</p>
      ${viewSafety(summary)} ${viewLevels(summary)} ${viewRejects(summary)} ${viewNotes(summary)}
    </section>
    ${viewDownloads(summary)} ${viewTrouble("result")}`;
}

/** @param {Summary} summary */
function viewSafety({ actions }) {
  /** @type {Record<string, number>} */
  const counts = actions;
  const found = URGENT.filter((id) => counts[id]);
  if (!found.length) return html`<p class="note" lang=${languageOfWarnings}>${say("result.safety_none")}</p>`;
  return html`<div class="safety">
    <h3>${say("result.safety")}</h3>
    <ul>
      ${found.map(
        (id) => html`<li class=${id}>
          <p><strong><span lang=${languageOfWarnings}>${nameValue("action", id)}</span>: ${say("result.rows", { n: counts[id] ?? 0 })}</strong></p>
          ${state.actions[id] ? html`<p class="soft">${say("result.would_read")} <q lang=${languageOfWarnings}>${state.actions[id]}</q></p>` : nothing}
        </li>`,
      )}
    </ul>
    <p>${say("result.safety_how")}</p>
  </div>`;
}

/** @param {Summary} summary */
function viewLevels({ levels }) {
  return html`<h3>${say("result.levels")}</h3>
    <p class="soft">${say("result.levels_note")}</p>
    <div class="scroll" tabindex="0" role="region" aria-label=${say("result.levels")}>
      <table class="levels">
        <thead>
          <tr>
            <th scope="col">${say("result.habit")}</th>
            <th scope="col">${say("result.share")}</th>
            ${LEVELS.map((level) => html`<th scope="col" class="number">${viewSwatch(level)} ${nameValue("level", level)}</th>`)}
          </tr>
        </thead>
        <tbody>
          ${Object.entries(levels).map(([id, counts]) => viewHabit(id, counts))}
        </tbody>
      </table>
    </div>`;
}

/**
 * @param {string} id
 * @param {Record<string, number>} counts
 */
function viewHabit(id, counts) {
  const label = id === "index" ? say("result.index") : (state.sections.find((section) => section.id === id)?.name ?? id);
  const parts = LEVELS.map((name) => ({ name, n: counts[name] ?? 0 }));
  const told = parts.filter(({ n }) => n).map(({ name, n }) => say("result.part", { name: nameValue("level", name), n }));
  return html`<tr>
    <th scope="row">${label}</th>
    <td>${viewBar(parts, say("result.share_of", { label, parts: told.join(", ") }))}</td>
    ${parts.map(({ name, n }) => html`<td class=${n ? "number" : "number zero"} data-label=${nameValue("level", name)}>${writeNumber(n)}</td>`)}
  </tr>`;
}

/** @param {Summary} summary */
function viewRejects({ problems, rejected }) {
  return html`<h3>${say("result.rejects")}</h3>
    ${rejected
      ? html`<div class="scroll" tabindex="0" role="region" aria-label=${say("result.rejects")}>
          <table>
            <thead>
              <tr>
                <th scope="col">${say("result.where")}</th>
                <th scope="col">${say("result.reason")}</th>
                <th scope="col" class="number">${say("result.count")}</th>
              </tr>
            </thead>
            <tbody>
              ${countReasons(problems).map(
                ({ place, code, n }) => html`<tr>
                  <th scope="row">${place}</th>
                  <td>${nameValue("code", code)}</td>
                  <td class="number">${writeNumber(n)}</td>
                </tr>`,
              )}
            </tbody>
          </table>
        </div>`
      : html`<p>${say("result.rejects_none")}</p>`}`;
}

/**
 * Reasons with how often each stands; broken lines, of which each has its own place, are one.
 * @param {Record<string, number>} problems
 */
function countReasons(problems) {
  /** @type {Map<string, {place: string, code: string, n: number}>} */
  const reasons = new Map();
  for (const [problem, n] of Object.entries(problems)) {
    const end = problem.lastIndexOf(": ");
    const [field, code] = [problem.slice(0, end), problem.slice(end + 2)];
    const place = LINE.test(field) ? say("result.line") : nameQuestion(field);
    const known = reasons.get(`${place}: ${code}`);
    reasons.set(`${place}: ${code}`, { place, code, n: n + (known?.n ?? 0) });
  }
  return [...reasons.values()].sort((one, other) => other.n - one.n);
}

/** @param {Summary} summary */
function viewNotes({ notes }) {
  if (!notes.length) return nothing;
  return html`<h3>${say("result.notes")}</h3>
    <ul>
      ${notes.map((note) => html`<li>${note}</li>`)}
    </ul>`;
}
