/** What to say, and what can be done, when the server gives no result. */

import { html, nothing } from "../vendor/lit-html/lit-html.js";
import { hasKey, useKey } from "../calls.js";
import { say } from "../words.js";
import { focusOn } from "./answering.js";
import { state } from "./state.js";

/**
 * A kind note with a way on.
 * @param {() => Promise<void>} ask
 */
export function viewTrouble(ask) {
  const { trouble } = state;
  const retry = async () => {
    await ask();
    const isGone = !state.trouble && document.activeElement === document.body; // the button or field that was used
    if (isGone) focusOn(state.assessment ? "result" : "section");
  };
  return html`<div role="status" class=${trouble ? "trouble card" : ""}>${trouble ? viewNote(trouble, retry) : nothing}</div>`;
}

/**
 * @param {import("./state.js").Trouble} trouble
 * @param {() => void} retry
 */
function viewNote({ kind, wait }, retry) {
  if (kind === "scope") return viewKey(say("key.scope"), retry);
  if (kind === "key") return viewKey(say(hasKey() ? "key.unknown" : "key.what"), retry);
  return html`<p>${say(`trouble.${kind}`)} ${wait ? say("trouble.wait", { n: wait }) : nothing}</p>
    <button type="button" @click=${retry}>${say("trouble.retry")}</button>`;
}

/**
 * @param {string} text
 * @param {() => void} retry
 */
function viewKey(text, retry) {
  /** @param {SubmitEvent} event */
  const send = (event) => {
    event.preventDefault();
    const field = document.getElementById("key");
    if (field instanceof HTMLInputElement) useKey(field.value);
    retry();
  };
  return html`<form class="ask-key" autocomplete="off" @submit=${send}>
    <p>${text}</p>
    <label for="key">${say("key.label")}</label>
    <input id="key" type="password" autocomplete="off" required>
    <button>${say("key.send")}</button>
  </form>`;
}
