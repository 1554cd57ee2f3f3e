/** The result: the index and the five habits as bars, and what to answer next. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { nameValue, say } from "../words.js";
import { focusOn, goToQuestion } from "./answering.js";
import { drawScore } from "./bars.js";
import { isHeldBack } from "./signs.js";
import { findQuestion, state } from "./state.js";
import { describe, shorten } from "./summary.js";

/** @import { Schemas } from "../calls.js" */

/** By how many points an interval must have narrowed for that to be told; intervals are given in tenths. */
const LEAST = 0.05;

/** The bars and the next question; what to expect there, while nothing is answered. */
export function viewResult() {
  const { assessment } = state;
  return html`<section class="result card" aria-labelledby="result">
    <h2 id="result" tabindex="-1">${say("result.title")}</h2>
    ${assessment
      ? html`${viewIndex(assessment.index)}
          <ul class="bars">${assessment.habits.map(viewHabit)}</ul>
          <p class="key">${say("result.key")}</p>
          ${viewNext(assessment)}`
      : html`<p class="soft">${say("result.empty")}</p>`}
  </section>`;
}

/** @param {Schemas["IndexScore"]} index */
function viewIndex(index) {
  const name = say("result.index");
  const width = index.high - index.low;
  return html`<div class="index">
    <p class="line"><b>${name}</b> <span>${shorten(index)}</span></p>
    ${drawScore(index, describe(name, index), true)}
    <p class="soft narrow">${width > 0 ? say("result.width", { width }) : say("result.exact")}
      ${(state.narrowedBy ?? 0) > LEAST ? html`<span>${say("result.narrowed", { by: state.narrowedBy ?? 0 })}</span>` : nothing}</p>
  </div>`;
}

/** @param {Schemas["HabitScore"]} habit */
function viewHabit(habit) {
  return html`<li>
    <p class="line"><span>${habit.name}</span> <span>${shorten(habit)}</span></p>
    ${drawScore(habit, describe(habit.name, habit))}
  </li>`;
}

/**
 * The question that can narrow the interval most; nobody who is to see to something first is asked on.
 * @param {Schemas["Assessment"]} assessment
 */
function viewNext({ next_questions: { stop, questions }, index }) {
  const next = questions[0];
  const question = next && findQuestion(next.answer);
  const width = index.high - index.low;
  if (isHeldBack()) return nothing;
  return html`<div class="next">
    <h3>${say("next.title")}</h3>
    ${stop || width === 0 ? html`<p>${say("next.decided", { level: nameValue("levels", index.level_low) })}</p>` : nothing}
    ${question && width > 0
      ? html`<p>${stop ? say("next.more") : nothing} ${next.width_left_at_most < next.width_now
            ? say("next.narrows", { now: next.width_now, then: next.width_left_at_most })
            : say("next.together")}</p>
          <button type="button" class="quiet" @click=${() => goToQuestion(question.id)}>
            ${say("next.go", { label: question.label })}</button>`
      : nothing}
  </div>`;
}

/** On a phone, the index always in sight, with a way to the result. */
export function viewFoot() {
  const { assessment } = state;
  if (!assessment) return nothing;
  return html`<div class="foot">
    <span><b>${say("result.index")}</b> ${shorten(assessment.index)}</span>
    <button type="button" @click=${() => focusOn("result")}>${say("result.see")}</button>
  </div>`;
}
