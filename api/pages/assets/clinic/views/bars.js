/** Shares as a stacked bar, drawn by hand; its numbers stand beside it in the table. */

import { html, svg } from "../../vendor/lit-html/lit-html.js";

const WIDTH = 200;
const HEIGHT = 14;

/**
 * A bar whose parts are as wide as their shares.
 * @param {{name: string, n: number}[]} parts
 * @param {string} told what it shows, in words
 */
export function viewBar(parts, told) {
  const total = parts.reduce((sum, { n }) => sum + n, 0) || 1;
  let from = 0;
  const drawn = parts.map(({ name, n }) => {
    const x = from;
    from += (n / total) * WIDTH;
    return svg`<rect class="level-${name}" x=${x} y="0" width=${Math.max(from - x, 0)} height=${HEIGHT}></rect>`;
  });
  return html`<svg class="bar" viewBox="0 0 ${WIDTH} ${HEIGHT}" preserveAspectRatio="none" role="img" aria-label=${told}>${drawn}</svg>`;
}

/**
 * The colour of a part, beside its name.
 * @param {string} name
 */
export function viewSwatch(name) {
  return html`<svg class="swatch" viewBox="0 0 10 10" aria-hidden="true"><rect class="level-${name}" width="10" height="10"></rect></svg>`;
}
