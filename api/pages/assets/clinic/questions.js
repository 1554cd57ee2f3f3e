/** What the service knows that this page has to show: its questions, and what each safety action says. */

import { call } from "../calls.js";
import { say } from "../words.js";
import { tellFailure } from "./failures.js";
import { change, state, tell } from "./state.js";

/** Ask for the questions, unless they are there. */
export async function loadQuestions() {
  if (state.sections.length) return;
  const got = await call("get", "/questionnaire");
  if (got.ok) change({ sections: got.body.sections });
  else if (got.status === 403) tell("columns", say("columns.closed")); // the key is right for files all the same
  else tellFailure("columns", got);
}

/** Ask what people are told by each safety action, unless that is there. */
export async function loadActions() {
  if (Object.keys(state.actions).length) return;
  const got = await call("get", "/model/safety");
  if (!got.ok) return;
  const texts = Object.entries(got.body.actions).map(([id, action]) => [id, action.text]);
  change({ actions: Object.fromEntries(texts) });
}
