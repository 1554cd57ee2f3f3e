/** What the server says of files and units in the page itself, so that it stands in one place. */

/** @typedef {{name: string, suffixes: string[], media_type: string, is_text: boolean}} Format */
/**
 * @typedef {object} Facts
 * @property {Format[]} formats
 * @property {Record<string, string>} encodings by the end of a name
 * @property {number} most_text how many bytes of the beginning of a text may be looked at
 * @property {Record<string, [measure: string, size: number]>} units by their codes
 */

/** @type {Facts} */
export const facts = JSON.parse(
  document.getElementById("facts")?.textContent ?? '{"formats": [], "encodings": {}, "most_text": 0, "units": {}}',
);
