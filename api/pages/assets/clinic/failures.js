/** What is said when a call did not work: about the key where it was about that, else where it happened. */

import { hasKey } from "../calls.js";
import { say } from "../words.js";
import { change, tell } from "./state.js";

/** @typedef {import("./state.js").Failed} Failed */
/** @typedef {import("./state.js").Place} Place */

/**
 * Whether the server asks for a key, or for another one.
 * @param {Failed} failed
 */
export function isAboutKey(failed) {
  return failed.status === 401 || failed.status === 403;
}

/**
 * Say what went wrong with a call.
 * @param {Place} place
 * @param {Failed} failed
 */
export function tellFailure(place, failed) {
  if (!isAboutKey(failed)) {
    tell(place, failed);
    return;
  }
  change({ key: "asked" });
  if (failed.status === 403) tell("key", say("key.narrow"));
  else tell("key", hasKey() ? say("key.refused") : say("key.wanted"));
}
