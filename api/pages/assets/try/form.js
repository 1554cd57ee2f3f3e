/** The questionnaire: which section is shown, how far each one is, and how to get on. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { keyed } from "../vendor/lit-html/directives/keyed.js";
import { say } from "../words.js";
import { denyOpen, focusOn, goTo } from "./answering.js";
import { viewQuestion } from "./fields.js";
import { isAboutSafety, nameSectionLanguage } from "./signs.js";
import { listAsked, listOpen, redraw, state } from "./state.js";

/** @import { Section } from "./state.js" */

/** The list of sections with how far each one is; where there is little room, it is folded. */
export function viewSections() {
  const open = state.sections.reduce((sum, section) => sum + listOpen(section).length, 0);
  return html`<nav class="sections" aria-label=${say("sections.title")}>
    <details .open=${state.isWide || state.isUnfolded} @toggle=${keepFold}>
      <summary><b>${say("sections.title")}</b> ${open ? say("sections.open", { n: open }) : say("sections.done")}</summary>
      <ol>${state.sections.map(viewEntry)}</ol>
    </details>
  </nav>`;
}

/** @param {Event} event */
function keepFold(event) {
  if (state.isWide) return;
  state.isUnfolded = /** @type {HTMLDetailsElement} */ (event.currentTarget).open;
  redraw();
}

/**
 * @param {Section} section
 * @param {number} at
 */
function viewEntry(section, at) {
  const open = listOpen(section).length;
  const asked = listAsked(section).length;
  const far = open ? say("sections.open", { n: open }) : say("sections.done");
  return html`<li>
    <button type="button" aria-current=${at === state.at ? "step" : nothing} @click=${() => goTo(at)}>
      <span lang=${nameSectionLanguage(section)}>${section.name}</span>
      <small>${far}</small>
      <progress max=${asked} .value=${asked - open} aria-hidden="true"></progress>
    </button>
  </li>`;
}

/** The section that is shown, with the ways to the one before and the one after. */
export function viewSection() {
  const section = state.sections[state.at];
  if (!section) return nothing;
  return html`<form class="section" autocomplete="off" novalidate @submit=${(/** @type {Event} */ event) => event.preventDefault()}>
    <h2 id="section" tabindex="-1">
      <small>${say("sections.at", { n: state.at + 1, of: state.sections.length })}</small> <span lang=${nameSectionLanguage(section)}>${section.name}</span>
    </h2>
    ${keyed(section.id, html`${listAsked(section).map((question) => keyed(question.id, viewQuestion(question)))}`)}
    ${isAboutSafety(section) ? viewDeny(section) : nothing}
    ${viewWays()}
  </form>`;
}

/**
 * One answer for all that is still open, after every question was there to be read.
 * @param {Section} section
 */
function viewDeny(section) {
  const open = listOpen(section).length;
  if (!open) return nothing;
  return html`<div class="deny">
    <p>${say("question.deny_hint")}</p>
    <button type="button" class="quiet" @click=${() => denyOpen(section)}>${say("question.deny", { n: open })}</button>
  </div>`;
}

function viewWays() {
  const { at, sections } = state;
  const [before, after] = [sections[at - 1], sections[at + 1]];
  return html`<div class="ways">
    ${before
      ? html`<button type="button" class="quiet" @click=${() => goTo(at - 1)}>${say("sections.back")}</button>`
      : nothing}
    ${after
      ? html`<button type="button" @click=${() => goTo(at + 1)}>${say("sections.next", { name: after.name })}</button>`
      : html`<button type="button" @click=${() => focusOn("result")}>${say("sections.result")}</button>`}
  </div>`;
}
