/** What the safety answers call for, before anything else. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { languageOfWarnings, say } from "../words.js";
import { goToQuestion } from "./answering.js";
import { findAdvice } from "./signs.js";
import { findQuestion } from "./state.js";

/** @import { Advice } from "./signs.js" */

/**
 * What to do first; both places for it are always there, so that a new text is read out. The way to what is still open
 * stands beside them: its number changes with every answer, and the text would be read out again each time.
 */
export function viewSafety() {
  const advice = findAdvice();
  const isUrgent = advice?.isHeldBack;
  const kind = isUrgent ? "urgent" : advice?.action === "none" ? "calm" : "notice";
  return html`<div class=${advice ? `safety ${kind}` : ""}>
    <div role="alert">${advice && isUrgent ? viewText(advice) : nothing}</div>
    <div role="status">${advice && !isUrgent ? viewText(advice) : nothing}</div>
    ${advice ? viewOpen(advice) : nothing}
  </div>`;
}

/** @param {Advice} advice */
function viewText({ text, flags }) {
  const because = flags.map((id) => findQuestion(id)?.label ?? id).join("; ");
  return html`<p class="first" lang=${languageOfWarnings}>${text}</p>
    ${because ? html`<p>${say("safety.because", { flags: because })}</p>` : nothing}`;
}

/** @param {Advice} advice */
function viewOpen({ open, isHeldBack }) {
  const [first] = open;
  if (!first || isHeldBack) return nothing;
  return html`<p><button type="button" class="link" @click=${() => goToQuestion(first)}>
    ${say("safety.open", { n: open.length })}</button></p>`;
}
