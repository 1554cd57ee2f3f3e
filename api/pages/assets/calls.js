/** Calls to this page's own server: in its language, and with a key that is kept in memory only. */

import { language } from "./words.js";

/** @typedef {import("../../../openapi/clients/psoas.js").paths} Paths */
/** @typedef {import("../../../openapi/clients/psoas.js").components["schemas"]} Schemas */
/** @typedef {"get" | "post" | "delete"} Method */

/**
 * The body that a successful answer has: what its JSON holds, a file otherwise, nothing where there is none.
 * @template Operation
 * @typedef {Operation extends {responses: infer Responses}
 *   ? {[Status in keyof Responses]: Status extends 200 | 201 | 202 | 204
 *       ? Responses[Status] extends {content: infer Content}
 *         ? Content extends {"application/json": infer Body} ? Body : Blob
 *         : undefined
 *       : never}[keyof Responses]
 *   : never} Good
 */

/**
 * @template Body
 * @typedef {{ok: true, status: number, headers: Headers, body: Body}} Answered
 */

/**
 * What went wrong: `status` is 0 when the server could not be reached; `wait` is how many seconds it asks for.
 * @typedef {{ok: false, status: number, headers: Headers, problem: Schemas["Problem"] | null, wait: number | null}} Failed
 */

/**
 * What goes along with a call: `params` fill the places in the path, `query` follows it, `json` or `raw` is the body.
 * @typedef {object} Along
 * @property {Record<string, string>} [params]
 * @property {Record<string, string>} [query]
 * @property {unknown} [json]
 * @property {Blob | string} [raw]
 * @property {Record<string, string>} [headers]
 * @property {AbortSignal} [signal]
 */

let key = "";

/**
 * Send a key along from now on, until the page is closed; an empty one sends none. A sign that no header can hold is
 * sent as another one that no key has, so that it is the server who says that it does not know the key.
 * @param {string} given
 */
export function useKey(given) {
  key = given.trim().replace(/[^\x21-\x7e]/g, "?");
}

/** Whether a key is sent along. */
export function hasKey() {
  return key !== "";
}

/**
 * The headers of every call.
 * @returns {Record<string, string>}
 */
export function headersOfCalls() {
  /** @type {Record<string, string>} */
  const headers = { "Accept-Language": language };
  if (key) headers["Authorization"] = `Bearer ${key}`;
  return headers;
}

/**
 * The address of a path of the API with its places filled in.
 * @param {keyof Paths} path
 * @param {Along} along
 */
export function writeAddress(path, { params = {}, query = {} } = {}) {
  const filled = path.replace(/\{(\w+)\}/g, (place, name) => encodeURIComponent(params[name] ?? place));
  const asked = new URLSearchParams(query).toString();
  return asked ? `${filled}?${asked}` : filled;
}

/**
 * Send a request and give what came of it; nothing is thrown, a call that was broken off has the status 0.
 * @template {keyof Paths} Path
 * @template {Method & keyof Paths[Path]} Way
 * @param {Way} method
 * @param {Path} path
 * @param {Along} along
 * @returns {Promise<Answered<Good<Paths[Path][Way]>> | Failed>}
 */
export async function call(method, path, along = {}) {
  const { json, raw, signal } = along;
  const headers = { ...headersOfCalls(), ...along.headers };
  if (json !== undefined) headers["Content-Type"] = "application/json";
  try {
    const response = await fetch(writeAddress(path, along), {
      method: method.toUpperCase(),
      headers,
      body: json === undefined ? raw ?? null : JSON.stringify(json),
      signal: signal ?? null,
    });
    const body = await readBody(response);
    if (response.ok) return { ok: true, status: response.status, headers: response.headers, body };
    return { ok: false, status: response.status, headers: response.headers, problem: body, wait: readWait(response.headers.get("Retry-After")) };
  } catch {
    return { ok: false, status: 0, headers: new Headers(), problem: null, wait: null };
  }
}

/** @param {Response} response */
async function readBody(response) {
  const kind = response.headers.get("Content-Type") ?? "";
  if (response.status === 204) return undefined;
  if (/^application\/(problem\+)?json\b/.test(kind)) return response.json();
  return response.ok ? response.blob() : null;
}

/**
 * The seconds that a Retry-After header says; null where it says none.
 * @param {string | null} header
 */
export function readWait(header) {
  const wait = Number(header ?? NaN);
  return Number.isFinite(wait) ? wait : null;
}
