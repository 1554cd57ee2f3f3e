/** The result on one sheet of paper: what comes first, the bars, and the plan in short. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { language, languageOfWarnings, say } from "../words.js";
import { drawScore } from "./bars.js";
import { drawRoutine, writeDose } from "./plan.js";
import { findAdvice, isPlanSafe } from "./signs.js";
import { state } from "./state.js";
import { describe, shorten } from "./summary.js";

/** @import { Schemas } from "../calls.js" */

/** The part of a sheet of A4 inside the margins that the style gives it, in millimetres and in CSS pixels. */
const SHEET_WIDTH = 186;
const SHEET_HEIGHT = (272 * 96) / 25.4;
/** What a long plan is made smaller by, again and again, until it fits; below the smallest nobody could read it. */
const STEP = 0.04;
const SMALLEST = 0.6;

/** Make the sheet as much smaller as it must be to be one. */
export function fitPaper() {
  const paper = document.querySelector(".paper");
  if (!(paper instanceof HTMLElement)) return;
  paper.classList.add("measured");
  for (let size = 1; size > SMALLEST; size -= STEP) {
    paper.style.setProperty("zoom", String(size));
    paper.style.width = `${SHEET_WIDTH / size}mm`;
    if (paper.getBoundingClientRect().height <= SHEET_HEIGHT) break;
  }
  paper.style.width = "";
  paper.classList.remove("measured");
}

/** What is printed; it is not seen on the screen. */
export function viewPaper() {
  const { assessment } = state;
  if (!assessment) return nothing;
  const { index, habits, model, plan } = assessment;
  const date = new Intl.DateTimeFormat(language, { dateStyle: "long" }).format(new Date());
  const name = say("result.index");
  return html`<div class="paper">
    <p class="top-line"><b>${say("title_on_paper")}</b> <span>${date}</span></p>
    <p class="first" lang=${languageOfWarnings}>${findAdvice()?.text}</p>
    <ul class="bars">${[{ ...index, name }, ...habits].map(
      (scored, n) => html`<li><p class="line"><span>${scored.name}</span> <span>${shorten(scored)}</span></p>
        ${drawScore(scored, describe(scored.name, scored), n === 0)}</li>`,
    )}</ul>
    ${isPlanSafe() ? viewPlan(plan) : nothing}
    <p class="small">${say("paper.limits", { version: model.version })} ${plan.intended_use}</p>
  </div>`;
}

/** @param {Schemas["Plan"]} plan */
function viewPlan(plan) {
  return html`<h2>${say("plan.title")}</h2>
    <p>${plan.text}</p>
    <ul class="routines">${[...plan.exercises, ...plan.habit_changes].map(viewRoutine)}</ul>
    ${plan.self_massage ? html`<ul class="routines whole">${viewRoutine(plan.self_massage)}</ul>` : nothing}`;
}

/** @param {Schemas["PlannedRoutine"]} routine */
function viewRoutine(routine) {
  return html`<li class="routine">
    ${drawRoutine(routine)}
    <div>
      <p><b>${routine.title}</b></p>
      <p>${writeDose(routine)}</p>
      <ol>${routine.steps.map((step) => html`<li>${step}</li>`)}</ol>
      ${viewLine("plan.cautions", routine.cautions)}
      ${viewLine("plan.stop_if", routine.stop_if, languageOfWarnings)}
    </div>
  </li>`;
}

/**
 * @param {string} name
 * @param {string[]} lines
 * @param {string} told the language of the lines
 */
function viewLine(name, lines, told = language) {
  return lines.length ? html`<p><b>${say(name)}</b> <span lang=${told}>${lines.join("; ")}</span></p>` : nothing;
}
