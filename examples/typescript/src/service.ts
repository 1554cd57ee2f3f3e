/** The service by its types: every address, every question and every answer is known to the compiler. */
import createClient, { type Client } from "openapi-fetch";
import type { components, paths } from "psoas";

type Schemas = components["schemas"];

export type AssessRequest = Schemas["AssessRequest"];
export type Assessment = Schemas["Assessment"];
export type Problem = Schemas["Problem"];
export type Question = Schemas["QuestionToAsk"];
export type Questionnaire = Schemas["Questionnaire"];

export type Service = Client<paths>;

/** The service at an address such as http://127.0.0.1:8000. */
export function openService(address: string): Service {
  return createClient<paths>({ baseUrl: address });
}
