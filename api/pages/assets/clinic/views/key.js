/** The field for the key. */

import { html } from "../../vendor/lit-html/lit-html.js";
import { say } from "../../words.js";
import { forgetKey, giveKey } from "../recent.js";
import { state } from "../state.js";
import { viewTrouble } from "./trouble.js";

/** The key, as long as none is known to work. */
export function viewKey() {
  if (state.key === "known") {
    return html`<section class="card key" aria-labelledby="key-title">
      <h2 id="key-title" class="beside">${say("key.title")}</h2>
      <p>${say("key.given")}</p>
      <button type="button" class="quiet" ?disabled=${state.upload !== null} @click=${forget}>${say("key.other")}</button>
    </section>`;
  }
  return html`<section class="card" aria-labelledby="key-title">
    <h2 id="key-title">${say("key.title")}</h2>
    <p>${say("key.why")}</p>
    <form class="line" @submit=${take}>
      <label for="key">${say("key.label")}</label>
      <input id="key" name="key" type="password" autocomplete="off" spellcheck="false" required />
      <button ?disabled=${state.busy === "key"}>${say(state.busy === "key" ? "key.checking" : "key.use")}</button>
    </form>
    ${viewTrouble("key")}
  </section>`;
}

/** @param {SubmitEvent} event */
function take(event) {
  event.preventDefault(); // nothing is ever sent by the form itself
  const field = document.getElementById("key");
  if (field instanceof HTMLInputElement && field.value) void giveKey(field.value);
}

function forget() {
  forgetKey();
  document.getElementById("key")?.focus();
}
