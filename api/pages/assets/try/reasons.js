/** What made each score, what one change would do to it, and answers that are worth a second look. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { nameValue, say } from "../words.js";
import { goToQuestion } from "./answering.js";
import { drawChange, drawPoints } from "./bars.js";
import { isHeldBack } from "./signs.js";
import { findQuestion } from "./state.js";
import { shorten } from "./summary.js";

/** @import { Schemas } from "../calls.js" */

/**
 * Answers that do not go well together.
 * @param {Schemas["Assessment"]} assessment
 */
export function viewWarnings({ warnings }) {
  if (!warnings.length) return nothing;
  return html`<section class="card warnings" aria-labelledby="warnings">
    <h2 id="warnings">${say("warnings.title")}</h2>
    <ul>${warnings.map(
      ({ text, fields }) => html`<li>${text} ${fields.map((id) => {
        const question = findQuestion(id);
        return question
          ? html`<button type="button" class="link" @click=${() => goToQuestion(id)}>${question.label}</button> `
          : nothing;
      })}</li>`,
    )}</ul>
  </section>`;
}

/**
 * Every habit with its points, and how good what is known about it is.
 * @param {Schemas["Assessment"]} assessment
 */
export function viewReasons({ habits }) {
  return html`<section class="card" aria-labelledby="reasons">
    <h2 id="reasons">${say("reasons.title")}</h2>
    ${habits.map(viewHabit)}
  </section>`;
}

/** @param {Schemas["HabitScore"]} habit */
function viewHabit(habit) {
  const components = habit.components ?? [];
  return html`<details class="reason">
    <summary><b>${habit.name}</b> <span>${shorten(habit)}</span></summary>
    <p>${habit.lay_comment}</p>
    ${components.length
      ? html`<ul class="components">${components.map(
          (component) => html`<li>${component.text} ${drawPoints(component, components)}</li>`,
        )}</ul>`
      : nothing}
    <dl>
      <dt>${say("reasons.evidence")}</dt>
      <dd>${nameValue("grades", habit.evidence_grade)}</dd>
      <dt>${say("reasons.claim")}</dt>
      <dd><b>${nameValue("claims", habit.psoas_claim)}.</b> ${habit.psoas_claim_note}</dd>
    </dl>
  </details>`;
}

/**
 * What one change would bring; arithmetic about scores, so it is not shown where something else comes first.
 * @param {Schemas["Assessment"]} assessment
 */
export function viewLevers({ levers, nearest_levels: nearest }) {
  if (isHeldBack() || (!levers.length && !nearest.length)) return nothing;
  return html`<section class="card" aria-labelledby="levers">
    <h2 id="levers">${say("levers.title")}</h2>
    <p class="soft">${say("levers.what")}</p>
    <ul class="levers">${levers.map(
      (lever) => html`<li><p>${lever.text}</p>${drawChange(
        lever.index_now,
        lever.index_then,
        say("levers.picture", { now: lever.index_now, then: lever.index_then }),
      )}</li>`,
    )}</ul>
    ${nearest.length
      ? html`<details><summary>${say("levers.nearest", { n: nearest.length })}</summary>
          <ul>${nearest.map(({ text }) => html`<li>${text}</li>`)}</ul></details>`
      : nothing}
  </section>`;
}
