/** Files as they are chosen: what each is by its name, and as much of its beginning as is needed to see its columns. */

import { facts } from "./facts.js";

/** @typedef {import("./facts.js").Format & {encoding: string}} Kind */

const FIRST = 256 * 1024;
const NEW_LINE = 10;
export const MAPPING_SUFFIX = ".toml";

/**
 * The kind of a file by its name; nothing where it cannot be told.
 * @param {string} name
 * @returns {Kind | null}
 */
export function findKind(name) {
  const plain = name.toLowerCase();
  const packed = Object.keys(facts.encodings).find((suffix) => plain.endsWith(suffix)) ?? "";
  const stem = packed ? plain.slice(0, -packed.length) : plain;
  const format = facts.formats.find((one) => one.suffixes.some((suffix) => stem.endsWith(suffix)));
  if (!format || (packed && !format.is_text)) return null;
  return { ...format, encoding: facts.encodings[packed] ?? "" };
}

/** How names of files end, for the browser's own dialog. */
export function listSuffixes() {
  return facts.formats.flatMap((format) => format.suffixes);
}

/**
 * The headers that say what a file is.
 * @param {Kind} kind
 * @returns {Record<string, string>}
 */
export function describeKind(kind) {
  return { "Content-Type": kind.media_type, ...(kind.encoding ? { "Content-Encoding": kind.encoding } : {}) };
}

/**
 * What of a file has to be sent for its columns to be seen: the first lines of a text, all of another one.
 * @param {File} file
 * @param {Kind} kind
 * @returns {Promise<Blob>}
 */
export async function takeBeginning(file, kind) {
  if (!kind.is_text) return file;
  if (kind.encoding || file.size <= FIRST) return file.slice(0, FIRST);
  for (const size of [FIRST, facts.most_text]) {
    const part = file.slice(0, size);
    const end = new Uint8Array(await part.arrayBuffer()).lastIndexOf(NEW_LINE) + 1;
    if (end) return part.slice(0, end);
  }
  return file.slice(0, facts.most_text);
}
