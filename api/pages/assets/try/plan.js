/** The plan: routines with their drawings, why each one is there, and why others are not. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { language, languageOfWarnings, nameValue, say } from "../words.js";
import { state } from "./state.js";

/** @import { Schemas } from "../calls.js" */

/**
 * The plan as the server gives it.
 * @param {Schemas["Plan"]} plan
 */
export function viewPlan(plan) {
  const massage = plan.self_massage ? [plan.self_massage] : [];
  const isAny = plan.exercises.length + plan.habit_changes.length + massage.length > 0;
  return html`<section class="card plan" aria-labelledby="plan">
    <h2 id="plan">${say("plan.title")}</h2>
    <p>${plan.text}</p>
    ${isAny ? html`<p class="soft">${say("plan.minutes", { used: plan.minutes_used, given: plan.minutes_per_day })}</p>` : nothing}
    ${viewPart("exercises", plan.exercises)}
    ${viewPart("habit_changes", plan.habit_changes)}
    ${viewPart("self_massage", massage)}
    ${viewMore(plan)}
    ${plan.left_out.length
      ? html`<details><summary>${say("plan.left_out", { n: plan.left_out.length })}</summary>
          <ul>${plan.left_out.map(({ routine_id: id, detail }) => html`<li><b>${titleOf(id)}.</b> ${detail}</li>`)}</ul>
        </details>`
      : nothing}
    <p class="soft">${plan.intended_use}</p>
  </section>`;
}

/**
 * @param {"exercises" | "habit_changes" | "self_massage"} part
 * @param {Schemas["PlannedRoutine"][]} routines
 */
function viewPart(part, routines) {
  if (!routines.length) return nothing;
  return html`<h3>${say(`plan.${part}`)}</h3>
    <ul class="routines">${routines.map(viewRoutine)}</ul>`;
}

/** @param {Schemas["PlannedRoutine"]} routine */
function viewRoutine(routine) {
  return html`<li class="routine">
    ${drawRoutine(routine)}
    <div>
      <h4>${routine.title}</h4>
      <p class="dose">${writeDose(routine)}</p>
      <p>${routine.why}</p>
      <details><summary>${say("plan.steps")}</summary>
        <ol>${routine.steps.map((step) => html`<li>${step}</li>`)}</ol></details>
      ${viewList("plan.cautions", routine.cautions)}
      ${viewList("plan.stop_if", routine.stop_if, languageOfWarnings)}
      <p class="soft">${say("plan.evidence", { grade: nameValue("grades", routine.evidence_grade) })}</p>
    </div>
  </li>`;
}

/**
 * @param {string} name
 * @param {string[]} lines
 * @param {string} told the language of the lines
 */
function viewList(name, lines, told = language) {
  if (!lines.length) return nothing;
  return html`<p class="listed">${say(name)}</p><ul class="plain" lang=${told}>${lines.map((line) => html`<li>${line}</li>`)}</ul>`;
}

/**
 * How long a routine takes, where it takes time of its own, and how often it is done.
 * @param {Schemas["PlannedRoutine"]} routine
 */
export function writeDose({ minutes, dose }) {
  return minutes ? say("plan.dose", { n: minutes, dose: dose.text }) : `${dose.text}.`;
}

/**
 * The drawing of a routine, where there is one.
 * @param {Schemas["PlannedRoutine"]} routine
 */
export function drawRoutine({ routine_id: id, title }) {
  const drawing = state.routines.get(id)?.drawing;
  return drawing
    ? html`<img src=${drawing} alt=${say("plan.drawing", { title })} width="160" height="120">`
    : html`<span class="undrawn" aria-hidden="true"></span>`;
}

/** @param {Schemas["Plan"]} plan */
function viewMore({ five_more_minutes: more }) {
  const minutes = state.model?.plan.more_minutes;
  if (!more || !minutes || more.value_gain <= 0) return nothing;
  return html`<p>${say("plan.more", { n: minutes, titles: more.exercises.map(titleOf).join("; ") })}</p>`;
}

/** @param {string} id */
function titleOf(id) {
  return state.routines.get(id)?.title ?? id.replaceAll("_", " ");
}
