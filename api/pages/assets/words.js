/** The page's own words, which lie in a block of JSON in the page, and numbers as its language writes them. */

/** @typedef {{[name: string]: string | Words | Words[]}} Words */

/** @type {Words} */
const words = JSON.parse(document.getElementById("words")?.textContent ?? "{}");

/** The page's language. */
export const language = document.documentElement.lang || "en";

/** The language in which people are warned: English while the translation is a draft, or else the page's own. */
export const languageOfWarnings = document.documentElement.dataset["warnings"] || language;

const numbers = new Intl.NumberFormat(language, { maximumFractionDigits: 2 });
const plurals = new Intl.PluralRules(language);

/**
 * A number as people of the page's language read it.
 * @param {number} value
 */
export function writeNumber(value) {
  return numbers.format(value);
}

/**
 * A text with its places in braces filled in, numbers written as people read them.
 * @param {string} text
 * @param {Record<string, string | number>} values
 */
export function fill(text, values = {}) {
  return text.replace(/\{(\w+)\}/g, (place, name) => {
    const value = values[name];
    if (value === undefined) return place;
    return typeof value === "number" ? writeNumber(value) : value;
  });
}

/**
 * What the page says under a name such as `plan.minutes`, filled in. Where there are forms for one and for other
 * numbers, the value `n` chooses.
 * @param {string} name
 * @param {Record<string, string | number>} values
 */
export function say(name, values = {}) {
  const found = look(name);
  if (typeof found === "string") return fill(found, values);
  const form = found?.[plurals.select(Number(values["n"]))] ?? found?.["other"];
  return typeof form === "string" ? fill(form, values) : name;
}

/**
 * What a value from the API is called, such as the level `very_high`; one that these words do not know yet is
 * shown as it is.
 * @param {string} kind
 * @param {string} id
 */
export function nameValue(kind, id) {
  const found = look(`${kind}.${id}`);
  return typeof found === "string" ? found : id.replaceAll("_", " ");
}

/**
 * @param {string} name
 * @returns {Words | string | undefined}
 */
function look(name) {
  /** @type {Words | Words[] | string | undefined} */
  let found = words;
  for (const step of name.split(".")) {
    found = typeof found === "object" && !Array.isArray(found) ? found[step] : undefined;
  }
  return Array.isArray(found) ? undefined : found;
}
