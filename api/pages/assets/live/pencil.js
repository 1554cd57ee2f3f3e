/** The sums of "Understand a score", worked out anew by the service after each change of an answer. */

import { html, nothing, render } from "../vendor/lit-html/lit-html.js";
import { live } from "../vendor/lit-html/directives/live.js";
import { call } from "../calls.js";
import { parseNumber } from "../numbers.js";
import { isAsked } from "../question.js";
import { language, nameValue, say } from "../words.js";
import { drawMean, drawPoints, drawScore, tell, tellInterval } from "./sums.js";

/** @typedef {import("../../../../openapi/clients/psoas.js").components["schemas"]} Schemas */
/** @typedef {Schemas["QuestionToAsk"]} Question */
/** @typedef {{id: string, questions: Question[]}} Section */
/** @typedef {Schemas["Assessment"]} Assessment */
/** @typedef {Schemas["Answer"]} Answer */

const WAIT = 200; // milliseconds without a change after which the service is asked
const COUNTED = ["core", "scored"];

/** The answers in the text of the block: lines such as `sitting_hours_per_day = 9`.
 * @param {string} text
 * @returns {Map<string, Answer>}
 */
function readAnswers(text) {
  const lines = text.matchAll(/^ {2}(\w+) = (.+)$/gm);
  return new Map([...lines].map(([, id = "", value = ""]) => [id, JSON.parse(value)]));
}

/** One person's answers as they stand in the fields, and what the service makes of them. */
class Sums {
  /** What stands in each field, as text; "" is unanswered.
   * @type {Map<string, string>}
   */
  written = new Map();
  /** Fields in which no number stands.
   * @type {Set<string>}
   */
  unreadable = new Set();
  /** @type {Map<string, string>} */
  faults = new Map();
  notice = "";
  /** @type {Assessment | undefined} */
  assessment;
  waiting = 0;
  asking = new AbortController();

  /**
   * @param {Element} place
   * @param {Section[]} sections
   * @param {Schemas["ModelOverview"]} rules
   */
  constructor(place, sections, rules) {
    this.place = place;
    this.pencilled = place.firstElementChild;
    this.hers = readAnswers(place.textContent ?? "");
    this.sections = sections;
    this.questions = sections.flatMap((section) => section.questions);
    this.rules = rules;
  }

  /** @param {Map<string, Answer>} answers */
  writeAnswers(answers) {
    for (const { id } of this.questions) {
      const answer = answers.get(id) ?? "";
      this.written.set(id, typeof answer === "boolean" ? (answer ? "yes" : "no") : String(answer));
    }
    this.unreadable.clear();
    this.askSoon(0);
  }

  /**
   * @param {Question} question
   * @returns {Answer | null}
   */
  readAnswer(question) {
    const text = (this.written.get(question.id) ?? "").trim();
    if (text === "") return null;
    if (question.answer === "yes_no") return text === "yes";
    if (question.answer === "choice") return text;
    const read = parseNumber(text);
    return "value" in read ? read.value : null;
  }

  /** @param {Question} question */
  isAsked(question) {
    return isAsked(question, (id) => {
      const gate = this.questions.find((other) => other.id === id);
      return gate && this.readAnswer(gate);
    });
  }

  collectAnswers() {
    const asked = this.questions.filter((question) => this.isAsked(question));
    const answers = asked.map((question) => [question.id, this.readAnswer(question)]);
    return Object.fromEntries(answers.filter(([, answer]) => answer !== null));
  }

  askSoon(wait = WAIT) {
    this.draw();
    clearTimeout(this.waiting);
    this.waiting = window.setTimeout(() => this.ask(), wait);
  }

  async ask() {
    this.asking.abort();
    if (this.unreadable.size) {
      this.tellFaults([...this.unreadable].map((id) => [id, say("no_number")]));
      return;
    }
    this.asking = new AbortController();
    const { signal } = this.asking;
    const told = await call("post", "/assess", { json: { answers: this.collectAnswers() }, signal });
    if (signal.aborted) return;
    if (told.ok) {
      if (!this.assessment) this.takePlace();
      this.assessment = told.body;
      this.tellFaults([]);
    } else if (told.problem?.errors?.length) {
      const { errors } = told.problem;
      this.tellFaults(errors.map(({ pointer, detail }) => [pointer.split("/")[2] ?? "", detail]));
    } else {
      this.notice = say("failed");
      this.draw();
      if (told.wait) this.askSoon(told.wait * 1000);
    }
  }

  /** Take the place of the block, which is in English as the guide is. */
  takePlace() {
    this.place.replaceChildren();
    this.place.setAttribute("lang", language);
  }

  /** @param {[string, string][]} faults */
  tellFaults(faults) {
    this.faults = new Map(faults);
    this.notice = faults.length ? say("mend") : "";
    this.draw();
  }

  /**
   * @param {Event} event
   * @param {Question} question
   */
  take({ target }, { id }) {
    if (!(target instanceof HTMLInputElement || target instanceof HTMLSelectElement)) return;
    const text = target.value.trim();
    this.written.set(id, target.value);
    if (target instanceof HTMLInputElement && text && "fault" in parseNumber(text)) this.unreadable.add(id);
    else this.unreadable.delete(id);
    this.askSoon();
  }

  /** @param {Question} question */
  drawField(question) {
    const id = `pencil-${question.id}`;
    const fault = this.faults.get(question.id);
    const hints = [question.unit_text && `${id}-bounds`, fault && `${id}-fault`].filter(Boolean).join(" ");
    const isNumber = question.minimum !== null && question.maximum !== null;
    return html`<div class="pencil-field">
      <label for=${id}>${question.label}</label>
      ${isNumber ? this.drawNumber(question, id, hints) : this.drawChoice(question, id, hints)}
      ${isNumber
        ? html`<span class="soft" id="${id}-bounds"
            >${say("bounds", {
              least: tell(question.minimum ?? 0),
              most: tell(question.maximum ?? 0),
              unit: question.unit_text ?? "",
            })}</span
          >`
        : nothing}
      ${fault ? html`<span class="pencil-fault" id="${id}-fault">${fault}</span>` : nothing}
    </div>`;
  }

  /**
   * @param {Question} question
   * @param {string} id
   * @param {string} hints
   */
  drawNumber(question, id, hints) {
    return html`<input
      id=${id}
      type="text"
      inputmode="decimal"
      autocomplete="off"
      .value=${live(this.written.get(question.id) ?? "")}
      aria-invalid=${this.faults.has(question.id)}
      aria-describedby=${hints || nothing}
      @input=${(/** @type {Event} */ event) => this.take(event, question)}
    />`;
  }

  /**
   * @param {Question} question
   * @param {string} id
   * @param {string} hints
   */
  drawChoice(question, id, hints) {
    const yesOrNo = ["yes", "no"].map((answer) => ({ id: answer, label: say(answer) }));
    const options = question.answer === "yes_no" ? yesOrNo : question.options;
    const now = this.written.get(question.id) ?? "";
    return html`<select
      id=${id}
      aria-invalid=${this.faults.has(question.id)}
      aria-describedby=${hints || nothing}
      @change=${(/** @type {Event} */ event) => this.take(event, question)}
    >
      ${[{ id: "", label: say("open") }, ...options].map(
        (option) =>
          html`<option value=${option.id} .selected=${live(now === option.id)}>${option.label}</option>`,
      )}
    </select>`;
  }

  /**
   * @param {Section} section
   * @param {Assessment} assessment
   */
  drawHabit(section, assessment) {
    const habit = assessment.habits.find((entry) => entry.id === section.id);
    if (!habit) return nothing;
    const title = `pencil-${section.id}`;
    const asked = section.questions.filter((question) => this.isAsked(question));
    return html`<section class="card" data-habit=${habit.id} aria-labelledby=${title}>
      <h3 id=${title}>${habit.name}</h3>
      <div class="pencil-fields">${asked.map((question) => this.drawField(question))}</div>
      ${habit.components ? drawPoints(habit, habit.components) : html`<p>${say("no_score")}</p>`}
      <p class="soft">${tellInterval(habit)}</p>
    </section>`;
  }

  /** @param {Assessment} assessment */
  drawIndex({ index, habits }) {
    const scored = habits.flatMap(({ id, weight, score }) => (score === null ? [] : [{ id, weight, score }]));
    const weight = scored.reduce((total, habit) => total + habit.weight, 0);
    const needed = this.rules.index.percent_of_weight_for_a_score;
    return html`<section class="card" data-habit="index" aria-labelledby="pencil-index">
      <h3 id="pencil-index">${say("index")}</h3>
      ${index.score === null
        ? html`<p>${say("no_index", { needed: tell(needed), weight: tell(weight) })}</p>`
        : html`<table>
            <tbody>
              ${drawMean(scored, weight)} ${this.drawFloor(scored)}
            </tbody>
            <tfoot>
              <tr data-sum="index">
                <th scope="row">${say("greater")}</th>
                ${drawScore(index.score, index.level)}
              </tr>
            </tfoot>
          </table>`}
      <p class="soft">${tellInterval(index)}</p>
    </section>`;
  }

  /** @param {{id: string, score: number}[]} scored */
  drawFloor(scored) {
    const margin = this.rules.index.margin_below_floor;
    const setting = this.rules.habits.filter(({ sets_floor }) => sets_floor);
    const scores = scored.filter(({ id }) => setting.some((habit) => habit.id === id)).map(({ score }) => score);
    const habits = setting.map((habit) => habit.name).join(say("and"));
    const highest = Math.max(...scores);
    return scores.length
      ? html`<tr data-sum="floor">
          <td>${say("floor", { habits, margin: tell(margin) })}<br />${tell(highest)} − ${tell(margin)}</td>
          <td>${tell(highest - margin)}</td>
        </tr>`
      : html`<tr data-sum="floor"><td>${say("no_floor", { habits })}</td><td>–</td></tr>`;
  }

  /** @param {Assessment} assessment */
  tellNow({ index: { score, level, low, high } }) {
    if (this.notice) return this.notice;
    if (score === null || level === null) return say("now_open", { low: tell(low), high: tell(high) });
    return say("now", { score: tell(score), level: nameValue("level", level) });
  }

  draw() {
    const { assessment, place } = this;
    if (!(assessment && place instanceof HTMLElement)) return;
    render(
      html`<p>${say("how")}</p>
        <p class="pencil-buttons">
          <button type="button" class="quiet" @click=${() => this.writeAnswers(this.hers)}>${say("restore")}</button>
          <button type="button" class="quiet" @click=${() => this.writeAnswers(new Map())}>${say("empty")}</button>
        </p>
        <details><summary>${say("pencilled")}</summary><div lang="en">${this.pencilled}</div></details>
        ${this.sections.map((section) => this.drawHabit(section, assessment))} ${this.drawIndex(assessment)}
        <p class="pencil-now" role="status">${this.tellNow(assessment)}</p>`,
      place,
    );
  }
}

/** Take the place of the sums in the page; where the service does not answer, they stay there to be read. */
async function begin() {
  const place = document.querySelector('[data-live="pencil"]');
  const [asked, model] = await Promise.all([call("get", "/questionnaire"), call("get", "/model")]);
  if (!(place && asked.ok && model.ok)) return;
  const sections = asked.body.sections
    .filter(({ id }) => model.body.habits.some((habit) => habit.id === id))
    .map(({ id, questions }) => ({ id, questions: questions.filter(({ role }) => COUNTED.includes(role)) }));
  const sums = new Sums(place, sections, model.body);
  sums.writeAnswers(sums.hers);
}

begin();
