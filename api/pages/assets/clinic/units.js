/** Units that a column's numbers may be in, beside the question's own. */

import { nameValue } from "../words.js";
import { facts } from "./facts.js";

/**
 * The units that can be turned into one, such as `min/d` into `h/d`.
 * @param {string} own
 */
export function listUnits(own) {
  const [of = "", per = ""] = own.split("/");
  const above = of ? listAlike(of) : [""];
  const below = per ? listAlike(per) : [""];
  const units = above.flatMap((one) => below.filter((other) => fits(one, other)).map((other) => join(one, other)));
  return units.filter((unit) => unit !== own);
}

/**
 * What a unit is called, such as “minutes a day”.
 * @param {string} unit
 */
export function nameUnit(unit) {
  const [of = "", per = ""] = unit.split("/");
  return [of ? nameValue("unit", of) : nameValue("unit", "times"), per ? nameValue("per", per) : ""].join(" ").trim();
}

/** @param {string} code */
function listAlike(code) {
  const measure = facts.units[code]?.[0];
  return Object.keys(facts.units).filter((other) => facts.units[other]?.[0] === measure && measure);
}

/**
 * Whether one is a part of the other, where both measure the same: no hours a minute.
 * @param {string} of
 * @param {string} per
 */
function fits(of, per) {
  const [above, below] = [facts.units[of], facts.units[per]];
  return !above || !below || above[0] !== below[0] || above[1] < below[1];
}

/**
 * @param {string} of
 * @param {string} per
 */
function join(of, per) {
  return per ? `${of}/${per}` : of;
}
