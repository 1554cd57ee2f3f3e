/** A question with the control that answers it. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { language, languageOfWarnings, say } from "../words.js";
import { give, takeBack, type } from "./answering.js";
import { writeBounds } from "./numbers.js";
import { state } from "./state.js";

/** @import { Question } from "./state.js" */

/** From how many options on they are folded away until somebody wants them. */
const MANY = 15;

/**
 * A question as it is asked.
 * @param {Question} question
 */
export function viewQuestion(question) {
  if (question.answer === "several") return viewSeveral(question);
  if (question.answer === "yes_no") {
    const options = [true, false].map((value) => ({ value, label: say(value ? "question.yes" : "question.no") }));
    return viewChoice(question, options, "options pair");
  }
  if (question.answer === "choice") {
    return viewChoice(question, question.options.map(({ id, label }) => ({ value: id, label })), "options");
  }
  return viewNumber(question);
}

/** @param {Question} question */
function viewNumber(question) {
  const { id } = question;
  return html`<div class="question" id="question-${id}">
    <label for="answer-${id}" lang=${nameLanguage(question)}>${question.ask}</label>
    ${viewHint(question)}
    <div class="typed">
      <input
        id="answer-${id}" name=${id} type="text" autocomplete="off"
        inputmode=${question.answer === "whole_number" ? "numeric" : "decimal"}
        aria-describedby="hint-${id} bounds-${id} fault-${id}" aria-invalid=${state.faults.has(id)}
        .value=${live(state.typed.get(id) ?? "")}
        @input=${(/** @type {Event} */ event) => type(question, read(event).value, false)}
        @change=${(/** @type {Event} */ event) => type(question, read(event).value, true)}
      >
      <span id="bounds-${id}">${writeBounds(question)}</span>
    </div>
    ${viewFault(question)}
  </div>`;
}

/**
 * @param {Question} question
 * @param {{value: boolean | string, label: string}[]} options
 * @param {string} kind
 */
function viewChoice(question, options, kind) {
  const { id } = question;
  return html`<fieldset
    class="question" id="question-${id}" role="radiogroup"
    aria-describedby="hint-${id} fault-${id}" aria-invalid=${state.faults.has(id)}
  >
    <legend lang=${nameLanguage(question)}>${question.ask}</legend>
    ${viewHint(question)}
    <div class="answers">
      <div class=${kind}>
        ${options.map(
          ({ value, label }) => html`<label class="option">
            <input
              type="radio" name=${id} value=${String(value)} autocomplete="off"
              .checked=${live(state.answers.get(id) === value)} @change=${() => give(question, value)}
            >
            <span>${label}</span>
          </label>`,
        )}
      </div>
      ${viewTakeBack(question)}
    </div>
    ${viewFault(question)}
  </fieldset>`;
}

/**
 * Several of the options; none of them is an answer of its own, and nothing ticked is no answer.
 * @param {Question} question
 */
function viewSeveral(question) {
  const { id, options } = question;
  const answer = state.answers.get(id);
  const chosen = Array.isArray(answer) ? answer : [];
  /** @param {string} option @param {boolean} isChosen */
  const tick = (option, isChosen) => {
    const now = options.map((one) => one.id).filter((one) => (one === option ? isChosen : chosen.includes(one)));
    give(question, now.length ? now : undefined);
  };
  const boxes = html`<div class="options">
    ${options.map((option) =>
      viewBox(id, option.id, option.label, chosen.includes(option.id), (is) => tick(option.id, is)),
    )}
    ${viewBox(id, "", say("question.none"), chosen.length === 0 && Array.isArray(answer), (is) => give(question, is ? [] : undefined))}
  </div>`;
  return html`<fieldset class="question" id="question-${id}" aria-describedby="hint-${id} fault-${id}">
    <legend lang=${nameLanguage(question)}>${question.ask}</legend>
    ${viewHint(question, writeAssumed(question))}
    ${options.length < MANY
      ? boxes
      : html`<details><summary>${say("question.choices", { n: chosen.length })}</summary>${boxes}</details>`}
    ${viewFault(question)}
  </fieldset>`;
}

/**
 * @param {string} name
 * @param {string} value
 * @param {string} label
 * @param {boolean} isChosen
 * @param {(isChosen: boolean) => void} choose
 */
function viewBox(name, value, label, isChosen, choose) {
  return html`<label class="option">
    <input
      type="checkbox" name=${name} value=${value} autocomplete="off" .checked=${live(isChosen)}
      @change=${(/** @type {Event} */ event) => choose(read(event).checked)}
    >
    <span>${label}</span>
  </label>`;
}

/** @param {Question} question */
function viewTakeBack(question) {
  if (!state.answers.has(question.id)) return nothing;
  return html`<button
    type="button" class="quiet back" aria-label=${say("question.take_back_which", { label: question.label })}
    @click=${() => takeBack(question)}
  >${say("question.take_back")}</button>`;
}

/**
 * @param {Question} question
 * @param {string} more
 */
function viewHint(question, more = "") {
  const text = [question.help, more].filter(Boolean).join(" ");
  return html`<p class="hint" id="hint-${question.id}" lang=${nameLanguage(question)} ?hidden=${!text}>${text}</p>`;
}

/**
 * The language in which a question is asked.
 * @param {Question} question
 */
function nameLanguage({ role }) {
  return role === "safety" ? languageOfWarnings : language;
}

/** @param {Question} question */
function viewFault(question) {
  const fault = state.faults.get(question.id);
  return html`<p class="fault" id="fault-${question.id}" role="status" ?hidden=${!fault}>${fault ?? nothing}</p>`;
}

/**
 * What is taken for granted while a question is open.
 * @param {Question} question
 */
function writeAssumed({ assumed, options }) {
  if (!Array.isArray(assumed)) return "";
  const names = options.filter(({ id }) => assumed.includes(id)).map(({ label }) => label);
  return names.length ? say("question.assumed", { names: names.join(", ") }) : "";
}

/** @param {Event} event */
function read(event) {
  return /** @type {HTMLInputElement} */ (event.currentTarget);
}
