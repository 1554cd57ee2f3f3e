/** Sums as somebody with a pencil would write them. */

import { html } from "../vendor/lit-html/lit-html.js";
import { language, nameValue, say } from "../words.js";

/** @typedef {import("../calls.js").Schemas} Schemas */
/** @typedef {Schemas["HabitScore"]} Habit */

const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 3 });

/** A number as it is written in a sum, with a true minus.
 * @param {number} number
 */
export function tell(number) {
  return numbers.format(number).replace("-", "−");
}

/** Numbers as a sum to read: 65 + 22.5 − 4.
 * @param {number[]} added
 */
function tellSum([first = 0, ...rest]) {
  return tell(first) + rest.map((n) => (n < 0 ? ` − ${tell(-n)}` : ` + ${tell(n)}`)).join("");
}

/** Where an interval lies, or that there is none.
 * @param {{low: number, high: number}} scored
 */
export function tellInterval({ low, high }) {
  return low === high ? say("complete") : say("between", { low: tell(low), high: tell(high) });
}

/**
 * @param {Habit} habit
 * @param {Schemas["ComponentPoints"][]} components
 */
export function drawPoints(habit, components) {
  const points = components.map((component) => component.points);
  const sum = points.reduce((total, some) => total + some, 0);
  const line = tellSum(points);
  return html`<table>
    <thead>
      <tr><th scope="col">${say("what")}</th><th scope="col">${say("points")}</th></tr>
    </thead>
    <tbody>
      ${components.map(
        (component) =>
          html`<tr data-component=${component.id}>
            <td>${component.text}</td><td>${tell(component.points)}</td>
          </tr>`,
      )}
    </tbody>
    <tfoot>
      <tr data-sum="score">
        <th scope="row">
          ${say("score")}: ${sum < 0 || sum > 100 ? say("kept", { sum: `${line} = ${tell(sum)}` }) : line}
        </th>
        ${drawScore(habit.score ?? 0, habit.level)}
      </tr>
    </tfoot>
  </table>`;
}

/**
 * @param {number} score
 * @param {Schemas["LevelId"] | null} level
 */
export function drawScore(score, level) {
  return html`<td>${tell(score)} <span class="pencil-level">${level && nameValue("level", level)}</span></td>`;
}

/**
 * @param {{weight: number, score: number}[]} scored
 * @param {number} weight
 */
export function drawMean(scored, weight) {
  const products = scored.map((habit) => `${tell(habit.weight)} × ${tell(habit.score)}`);
  const total = scored.reduce((sum, habit) => sum + habit.weight * habit.score, 0);
  return html`<tr data-sum="mean">
    <td>${say("mean")}<br />(${products.join(" + ")}) ÷ ${tell(weight)}</td>
    <td>${tell(total / weight)}</td>
  </tr>`;
}
