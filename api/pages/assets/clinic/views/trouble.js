/** What went wrong, said where it happened, with every place that the server names. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { say } from "../../words.js";
import { findQuestion, state } from "../state.js";

/** @typedef {import("../state.js").Failed} Failed */

/**
 * What went wrong at a place of the page, if anything did.
 * @param {import("../state.js").Place} place
 */
export function viewTrouble(place) {
  const { trouble } = state;
  if (trouble?.place !== place) return nothing;
  const { said, failed } = trouble;
  return html`<div class="trouble" role="alert" id="trouble-${place}" tabindex="-1">
    ${failed ? viewProblem(failed) : html`<p>${said}</p>`}
  </div>`;
}

/** @param {Failed} failed */
function tellProblem({ status, problem }) {
  if (status === 0) return say("trouble.unreachable");
  if (!problem) return say("trouble.other", { status });
  return status === 413 ? say("trouble.large", { detail: problem.detail }) : problem.detail;
}

/** @param {Failed} failed */
function viewProblem(failed) {
  const places = (failed.problem?.errors ?? []).filter(({ pointer }) => pointer);
  if (!places.length) return html`<p>${tellProblem(failed)}</p>`;
  return html`<p>${say("trouble.places")}</p>
    <ul>
      ${places.map(({ pointer, detail }) => html`<li>${say("trouble.place", { label: namePlace(pointer), detail })}</li>`)}
    </ul>`;
}

/**
 * A place as people call it: the question that is meant, or else the last step to it.
 * @param {string} pointer
 */
function namePlace(pointer) {
  const steps = pointer.split("/").slice(1);
  const question = steps.map((step) => findQuestion(step)).find((found) => found);
  return question?.label ?? steps.at(-1) ?? "";
}
