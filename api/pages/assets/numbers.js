/** Numbers as people type them, with a point or a comma. */

/** A mark before the last three figures may part thousands or begin decimals, unless a zero stands first. */
const UNCLEAR = /^-?[1-9]\d{0,2}([.,\s]\d{3})+$/;
const NUMBER = /^[+-]?(\d+([.,]\d*)?|[.,]\d+)$/;

/**
 * The number that somebody typed, or why there is none. It is typed into a field for text: fields of type number drop or
 * refuse a decimal comma, each browser in its own way.
 * @param {string} text
 * @returns {{value: number} | {fault: "unclear" | "not_a_number"}}
 */
export function parseNumber(text) {
  const typed = text.trim().replace("−", "-");
  if (UNCLEAR.test(typed)) return { fault: "unclear" };
  if (!NUMBER.test(typed)) return { fault: "not_a_number" };
  return { value: Number(typed.replace(",", ".")) };
}
