/** The dialog in which a column is mapped by hand. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { live } from "../../vendor/lit-html/directives/live.js";
import { say } from "../../words.js";
import { addRow, chooseQuestion, listAnswers, useEditor } from "../editor.js";
import { change, findQuestion, listSections, state } from "../state.js";
import { listUnits, nameUnit } from "../units.js";
import { viewTrouble } from "./trouble.js";

/** @typedef {import("../state.js").Editor} Editor */
/** @typedef {import("../state.js").Question} Question */

/** The dialog; it is opened and closed after it is drawn. */
export function viewEditor() {
  const { editor } = state;
  return html`<dialog id="editor" aria-labelledby="editor-title" @close=${close}>${editor ? viewForm(editor) : nothing}</dialog>`;
}

function close() {
  if (state.editor) change({ editor: null, trouble: null });
}

/** @param {SubmitEvent} event */
function take(event) {
  event.preventDefault();
  void useEditor();
}

/** @param {Editor} editor */
function viewForm(editor) {
  const question = findQuestion(editor.question);
  const isBusy = state.busy === "map";
  return html`<form @submit=${take}>
    <h2 id="editor-title">${say("editor.title", { name: editor.column })}</h2>
    <p class="field">
      <label for="question">${say("editor.question")}</label>
      <select id="question" required @change=${pickQuestion}>
        <option value="" ?selected=${!editor.question}>${say("editor.choose")}</option>
        ${listSections().map(
          (section) => html`<optgroup label=${section.name}>
            ${section.questions.map((one) => viewQuestion(one, editor.question))}
          </optgroup>`,
        )}
      </select>
    </p>
    ${question ? viewReading(editor, question) : nothing} ${viewTrouble("editor")}
    <p class="line">
      <button ?disabled=${isBusy || !question}>${say(isBusy ? "mapping.checking" : "editor.use")}</button>
      <button type="button" class="quiet" @click=${close}>${say("cancel")}</button>
    </p>
  </form>`;
}

/**
 * @param {Question} question
 * @param {string} chosen
 */
function viewQuestion({ id, label }, chosen) {
  const isOpen = state.look?.unanswered.includes(id) || id === chosen;
  return html`<option value=${id} ?selected=${id === chosen}>
    ${isOpen ? label : say("editor.answered", { label })}
  </option>`;
}

/** @param {Event} event */
function pickQuestion({ target }) {
  if (target instanceof HTMLSelectElement) chooseQuestion(target.value);
}

/**
 * How the cells are read.
 * @param {Editor} editor
 * @param {Question} question
 */
function viewReading(editor, question) {
  return html`<p class="ask">${question.ask}</p>
    ${question.unit ? viewUnits(editor, question) : nothing} ${viewValues(editor, question)}
    <p class="field">
      <label for="missing">${say("editor.missing")}</label>
      <input
        id="missing"
        autocomplete="off"
        aria-describedby="missing-help"
        .value=${live(editor.missing)}
        @input=${(/** @type {Event} */ event) => note(event, (text) => (editor.missing = text))}
      />
      <span id="missing-help" class="soft">${say("editor.missing_help")}</span>
    </p>`;
}

/**
 * Keep what is typed; nothing that is shown depends on it.
 * @param {Event} event
 * @param {(text: string) => void} keep
 */
function note({ target }, keep) {
  if (target instanceof HTMLInputElement || target instanceof HTMLSelectElement) keep(target.value);
}

/**
 * @param {Editor} editor
 * @param {Question} question
 */
function viewUnits(editor, question) {
  const { unit_text: unit, minimum: low, maximum: high } = question;
  const own = unit ?? "";
  const others = listUnits(question.unit ?? "");
  const bounds = low !== null && high !== null ? say("editor.bounds", { unit: own, low, high }) : own;
  if (!others.length) return html`<p class="soft">${bounds}</p>`;
  return html`<p class="field">
    <label for="unit">${say("editor.unit")}</label>
    <select id="unit" @change=${(/** @type {Event} */ event) => note(event, (text) => (editor.unit = text))}>
      <option value="" ?selected=${!editor.unit}>${bounds}</option>
      ${others.map((other) => html`<option value=${other} ?selected=${other === editor.unit}>${nameUnit(other)}</option>`)}
    </select>
  </p>`;
}

/**
 * @param {Editor} editor
 * @param {Question} question
 */
function viewValues(editor, question) {
  const answers = listAnswers(question);
  if (!answers.length) return nothing;
  const own = answers.map(({ id }) => id).join(", ");
  return html`<fieldset class="values">
    <legend>${say("editor.values")}</legend>
    <p class="soft">${say("editor.values_help", { own })}</p>
    ${editor.rows.map((row, n) => viewValue(row, n, answers))}
    <button type="button" class="quiet" @click=${addRow}>${say("editor.more")}</button>
  </fieldset>`;
}

/**
 * @param {{value: string, answer: string}} row
 * @param {number} n
 * @param {{id: string, label: string}[]} answers
 */
function viewValue(row, n, answers) {
  return html`<p class="pair">
    <input
      autocomplete="off"
      aria-label=${say("editor.value_of", { n: n + 1 })}
      placeholder=${say("editor.value")}
      .value=${live(row.value)}
      @input=${(/** @type {Event} */ event) => note(event, (text) => (row.value = text))}
    />
    <span class="soft">${say("editor.answer")}</span>
    <select
      aria-label=${say("editor.answer_of", { n: n + 1 })}
      @change=${(/** @type {Event} */ event) => note(event, (text) => (row.answer = text))}
    >
      <option value="" ?selected=${!row.answer}></option>
      ${answers.map(({ id, label }) => html`<option value=${id} ?selected=${id === row.answer}>${label}</option>`)}
    </select>
  </p>`;
}
