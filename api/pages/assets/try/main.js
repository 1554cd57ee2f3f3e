/** The questionnaire as a page: it asks what /questionnaire asks, and shows what /assess answers. */

import { html, nothing, render } from "../vendor/lit-html/lit-html.js";
import { call } from "../calls.js";
import { say } from "../words.js";
import { assess, nameTrouble } from "./asking.js";
import { viewSection, viewSections } from "./form.js";
import { fitPaper, viewPaper } from "./paper.js";
import { viewPlan } from "./plan.js";
import { viewLevers, viewReasons, viewWarnings } from "./reasons.js";
import { viewFoot, viewResult } from "./result.js";
import { viewSafety } from "./safety.js";
import { isHeldBack, isPlanSafe } from "./signs.js";
import { drawWith, redraw, state } from "./state.js";
import { viewTrouble } from "./trouble.js";

/** From this width on there is room for the result beside the form. */
const WIDE = window.matchMedia("(min-width: 64rem)");

const place = document.getElementById("app");

/** Get what the page is made of, then draw it. */
async function start() {
  const [questionnaire, model, safety, routines] = await Promise.all([
    call("get", "/questionnaire"),
    call("get", "/model"),
    call("get", "/model/safety"),
    call("get", "/routines"),
  ]);
  state.trouble = null;
  if (!questionnaire.ok) state.trouble = nameTrouble(questionnaire);
  else if (!model.ok) state.trouble = nameTrouble(model);
  else if (!safety.ok) state.trouble = nameTrouble(safety);
  else if (!routines.ok) state.trouble = nameTrouble(routines);
  else {
    state.sections = questionnaire.body.sections;
    state.model = model.body;
    state.safety = safety.body;
    state.routines = new Map(routines.body.routines.map((routine) => [routine.id, routine]));
  }
  redraw();
}

function view() {
  if (!state.sections.length) return html`<div class="screen">${viewTrouble(start)}</div>`;
  return html`<div class="screen ${isHeldBack() ? "held-back" : ""}">
      <p class="lead">${say("lead")}</p>
      ${state.model?.translation_reviewed === false ? html`<p class="note">${say("draft")}</p>` : nothing}
      ${viewSafety()}
      <div class="desk">
        ${viewSections()}
        ${viewSection()}
        <div class="side">${viewTrouble(assess)}${viewResult()}</div>
      </div>
      ${viewRest()}
      ${viewFoot()}
      <p class="unseen" role="status">${state.announced}</p>
    </div>
    ${viewPaper()}`;
}

/** Everything after the bars. */
function viewRest() {
  const { assessment } = state;
  if (!assessment) return nothing;
  return html`<div class="rest">
    ${viewWarnings(assessment)}
    ${isPlanSafe() ? viewPlan(assessment.plan) : nothing}
    ${viewLevers(assessment)}
    ${viewReasons(assessment)}
    <p class="note">${say("limits", { version: assessment.model.version })}</p>
    <p><button type="button" class="quiet" @click=${() => window.print()}>${say("print")}</button></p>
  </div>`;
}

function followWidth() {
  state.isWide = WIDE.matches;
  redraw();
}

drawWith(() => {
  if (place) render(view(), place);
});
WIDE.addEventListener("change", followWidth);
window.addEventListener("beforeprint", () => {
  redraw();
  fitPaper();
});
followWidth();
void start();
