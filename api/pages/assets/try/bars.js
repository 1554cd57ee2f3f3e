/** Pictures of scores, points and changes on a scale, each with its text. */

import { html, nothing, svg } from "../vendor/lit-html/lit-html.js";
import { nameValue } from "../words.js";
import { state } from "./state.js";

/** @import { Schemas } from "../calls.js" */
/** @import { Scored } from "./summary.js" */

/** How wide a scale from 0 to 100 is drawn, and the room beside it, so that a mark at an end is seen whole. */
const WIDTH = 400;
const BESIDE = 10;

/** @param {number} value */
const place = (value) => BESIDE + (value / 100) * WIDTH;

/**
 * The levels with where they end, as the model has them.
 * @returns {{id: string, from: number, to: number}[]}
 */
function listLevels() {
  const levels = state.model?.levels ?? [];
  return levels.map(({ id, from }, n) => ({ id, from, to: levels[n + 1]?.from ?? 100 }));
}

/**
 * A score as a mark, and its interval as a lighter band, on the scale with its levels.
 * @param {Scored} scored
 * @param {string} text
 * @param {boolean} hasNames whether the levels are named underneath
 */
export function drawScore(scored, text, hasNames = false) {
  const { score, low, high } = scored;
  return html`<svg class="bar" viewBox="0 0 ${WIDTH + 2 * BESIDE} ${hasNames ? 46 : 28}" role="img" aria-label=${text}>
    ${drawScale(hasNames)}
    <rect class="interval" x=${place(low)} y="7" width=${Math.max(place(high) - place(low), 3)} height="14" rx="1.5"></rect>
    ${score === null || score === undefined
      ? nothing
      : svg`<path class="mark" transform="translate(${place(score)} 14)" d="M0 -13 L7 0 L0 13 L-7 0 Z"></path>`}
  </svg>`;
}

/**
 * What one change of an answer does to the index, from the score now to the score then.
 * @param {number} now
 * @param {number} then
 * @param {string} text
 */
export function drawChange(now, then, text) {
  const end = place(then) + (then < now ? 9 : -9);
  return html`<svg class="bar" viewBox="0 0 ${WIDTH + 2 * BESIDE} 28" role="img" aria-label=${text}>
    ${drawScale(false)}
    <line class="way" x1=${place(now)} y1="14" x2=${end} y2="14"></line>
    <path class="before" transform="translate(${place(now)} 14)" d="M0 -9 L5 0 L0 9 L-5 0 Z"></path>
    <path class="mark" transform="translate(${place(then)} 14)" d="M0 -13 L7 0 L0 13 L-7 0 Z"></path>
  </svg>`;
}

/**
 * The points of a component between the fewest and the most it can give; all of a habit on one scale.
 * @param {Schemas["ComponentPoints"]} component
 * @param {Schemas["ComponentPoints"][]} all
 */
export function drawPoints(component, all) {
  const least = Math.min(0, ...all.map(({ minimum }) => minimum));
  const most = Math.max(0, ...all.map(({ maximum }) => maximum));
  /** @param {number} value */
  const x = (value) => ((value - least) / (most - least || 1)) * WIDTH;
  const { points, minimum, maximum } = component;
  const [from, to] = [Math.min(0, points), Math.max(0, points)];
  return html`<svg class="bar" viewBox="0 0 ${WIDTH} 12" aria-hidden="true">
    <rect class="room" x=${x(minimum)} y="2" width=${x(maximum) - x(minimum)} height="8" rx="1.5"></rect>
    <rect class=${points < 0 ? "credit" : "points"} x=${x(from)} y="2" width=${x(to) - x(from)} height="8" rx="1.5"></rect>
    <line class="zero" x1=${x(0)} y1="0" x2=${x(0)} y2="12"></line>
  </svg>`;
}

/** @param {boolean} hasNames */
function drawScale(hasNames) {
  return svg`${listLevels().map(
    ({ id, from, to }, n) => svg`
    <rect class=${n % 2 ? "level odd" : "level"} x=${place(from)} y="4" width=${place(to) - place(from)} height="20"></rect>
    ${n ? svg`<line class="bound" x1=${place(from)} y1="2" x2=${place(from)} y2="26"></line>` : nothing}
    ${hasNames ? svg`<text class="named" x=${(place(from) + place(to)) / 2} y="42">${nameValue("levels", id)}</text>` : nothing}`,
  )}`;
}
