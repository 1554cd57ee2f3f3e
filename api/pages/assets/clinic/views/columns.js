/** The columns of the file: what each is taken for, and what can be changed about that. */

import { html, nothing } from "../../vendor/lit-html/lit-html.js";
import { say } from "../../words.js";
import { openEditor } from "../editor.js";
import { acceptAll, countColumns, dropMapping, mapQuestion, stayAt, unmap } from "../looking.js";
import { save } from "../downloads.js";
import { change, findQuestion, nameQuestion, state } from "../state.js";
import { nameUnit } from "../units.js";
import { viewTrouble } from "./trouble.js";

/** @typedef {import("../state.js").Schemas["ColumnsRead"]} ColumnsRead */

/** Columns that are listed at first; a file may have thousands. */
const FIRST = 150;

/** The columns of the file that was looked at. */
export function viewColumns() {
  const { look, showsAll } = state;
  if (!look) return nothing;
  const shown = showsAll ? look.names : look.names.slice(0, FIRST);
  const left = look.names.length - shown.length;
  return html`<section class="card" aria-labelledby="columns">
    <h2 id="columns" tabindex="-1">${say("columns.title")}</h2>
    <p>${countColumns()}</p>
    <p class="soft">${say("columns.about")}</p>
    ${viewTrouble("columns")} ${viewAcceptAll(look)}
    <table class="columns" aria-label=${say("columns.table")}>
      <thead>
        <tr>
          <th scope="col">${say("columns.name")}</th>
          <th scope="col">${say("columns.meaning")}</th>
          <th scope="col">${say("columns.deed")}</th>
        </tr>
      </thead>
      <tbody>
        ${shown.map((name) => viewColumn(look, name))}
      </tbody>
    </table>
    ${left ? html`<button type="button" class="quiet" @click=${() => change({ showsAll: true })}>${say("columns.show_all", { n: left })}</button>` : nothing}
    ${viewMapping()}
  </section>`;
}

/**
 * One column as a row of the table.
 * @param {ColumnsRead} look
 * @param {string} name
 */
function viewColumn(look, name) {
  const { columns } = look;
  const plain = name.trim();
  if (columns.replaced.includes(plain)) return viewRow(name, "replaced", say("columns.replaced"), nothing);
  const ids = Object.keys(columns.mapped).filter((id) => columns.mapped[id]?.includes(plain));
  if (ids.length) return viewMapped(name, ids);
  if (columns.recognised.includes(plain)) {
    const told = say("columns.recognised", { label: nameQuestion(plain) });
    return viewRow(name, "answers", told, viewMapButton(name));
  }
  if (Object.hasOwn(columns.renamed, name)) return viewRow(name, "carried", say("columns.renamed"), nothing);
  const near = Object.hasOwn(columns.near, name) ? columns.near[name] : undefined; // a column may be called constructor
  if (near) return viewNear(name, near);
  return viewRow(name, "carried", say("columns.carried"), viewMapButton(name));
}

/**
 * @param {string} name
 * @param {string} kind
 * @param {unknown} meaning
 * @param {unknown} deed
 */
function viewRow(name, kind, meaning, deed) {
  return html`<tr class=${kind} data-column=${name.trim()}>
    <th scope="row"><code>${name}</code></th>
    <td>${meaning}</td>
    <td class="deeds">${deed}</td>
  </tr>`;
}

/**
 * @param {string} name
 * @param {string[]} ids the questions that it answers by the mapping
 */
function viewMapped(name, ids) {
  const isColumn = ids.length === 1 && state.mapping.questions[ids[0] ?? ""]?.column !== undefined;
  const isBusy = state.busy === "map";
  return viewRow(
    name,
    "answers",
    ids.map((id) => html`<span class="meaning">${tellMapped(id)}</span>`),
    html`${isColumn ? viewMapButton(name, "change") : nothing}
      <button type="button" class="quiet" ?disabled=${isBusy} aria-label=${say("columns.undo_this", { name })} @click=${() => unmap(ids).then(() => stayAt(name))}>
        ${say("columns.undo")}
      </button>`,
  );
}

/** @param {string} id */
function tellMapped(id) {
  const { unit, sql } = state.mapping.questions[id] ?? {};
  const told = say(sql ? "columns.worked_out" : "columns.mapped", { label: nameQuestion(id) });
  return unit ? html`${told}, ${say("columns.in_unit", { unit: nameUnit(unit) })}` : told;
}

/**
 * @param {string} name
 * @param {string} id the question whose name is nearly that of the column
 */
function viewNear(name, id) {
  const label = nameQuestion(id);
  return viewRow(
    name,
    "near",
    say("columns.near", { label }),
    html`<button
        type="button"
        ?disabled=${state.busy === "map"}
        aria-label=${say("columns.accept_this", { name, label })}
        @click=${() => mapQuestion(id, { column: name.trim() }).then(() => stayAt(name))}
      >
        ${say("columns.accept")}
      </button>
      ${viewMapButton(name)}`,
  );
}

/**
 * @param {string} name
 * @param {"map" | "change"} deed
 */
function viewMapButton(name, deed = "map") {
  return html`<button
    type="button"
    class="quiet"
    ?disabled=${state.busy === "map" || !state.sections.length}
    aria-label=${say(`columns.${deed}_this`, { name })}
    @click=${() => openEditor(name.trim())}
  >
    ${say(`columns.${deed}`)}
  </button>`;
}

/** @param {ColumnsRead} look */
function viewAcceptAll({ columns }) {
  const ids = Object.values(columns.near);
  if (ids.length < 2 || new Set(ids).size < ids.length || !ids.every(findQuestion)) return nothing;
  return html`<p><button type="button" @click=${acceptAll}>${say("columns.accept_all", { n: ids.length })}</button></p>`;
}

function viewMapping() {
  const { mappingText, busy } = state;
  if (busy === "map") return html`<p class="busy">${say("mapping.checking")}</p>`;
  if (!mappingText) return nothing;
  return html`<h3>${say("mapping.title")}</h3>
    <p>${say("mapping.about")}</p>
    <p class="line">
      <button type="button" class="quiet" @click=${saveMapping}>${say("mapping.save")}</button>
      <button type="button" class="quiet" @click=${dropMapping}>${say("mapping.drop")}</button>
    </p>`;
}

function saveMapping() {
  save(new Blob([state.mappingText], { type: "application/toml" }), say("mapping.name"));
}
