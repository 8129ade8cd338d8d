/* Two runs side by side, row by row: rows that come from the same row of the source stand together. */

import { capital, count, duration, empty, failure, h, keepingFocus, money, number, put, sentence, tag } from "./dom.js";
import { icon } from "./icons.js";
import { cell } from "./rows.js";
import { address, fetchJson, go, on, route } from "./store.js";

const FILTERS = [
  ["changed", "Changed", (found) => found.changed],
  ["same", "Same", (found) => found.same],
  ["a", "Only before", (found) => found.only_a],
  ["b", "Only after", (found) => found.only_b],
];
const SIGNS = { same: ["Same", "", "done"], changed: ["Changed", "warn", "again"], a: ["Only before", "", "undo"], b: ["Only after", "acc", "plus"] };

const newest = new WeakMap();

/** Show the comparison that the address asks for: `run` beside `compare`; nothing without one. */
export function mountCompare(element) {
  let shown = "";
  const follow = ({ run, compare, part }) => {
    const wanted = compare && run ? `${run}|${compare}|${part}` : "";
    if (wanted === shown) return;
    shown = wanted;
    if (wanted) drawCompare(element, { a: compare, b: run, part });
    else put(element);
  };
  on("route", follow);
}

/** Draw run `a` (before) beside run `b` (after). The newest call into an element counts. */
export async function drawCompare(element, { a, b, part = "", page = 1, only = "" }) {
  const request = new AbortController();
  newest.get(element)?.abort();
  newest.set(element, request);
  element.setAttribute("aria-busy", "true");
  if (!element.childElementCount) put(element, h("p", { class: "df-hint df-pad" }, "Comparing the rows of both runs…"));
  const query = new URLSearchParams({ page, ...(part ? { part } : {}), only: only || "changed" });
  try {
    let found = await fetchJson(`runs/${encodeURIComponent(a)}/compare/${encodeURIComponent(b)}?${query}`, request.signal);
    if (!only && !found.changed) found = await fetchJson(`runs/${encodeURIComponent(a)}/compare/${encodeURIComponent(b)}?${new URLSearchParams({ ...Object.fromEntries(query), only: "all" })}`, request.signal);
    keepingFocus(element, () => draw(element, found, (changes) => drawCompare(element, { a, b, part, only: found.only, page: found.page, ...changes })));
  } catch (error) {
    if (error.name === "AbortError") return;
    put(element, closing(), error.status === 404 ? empty("These runs cannot be compared", [sentence(error.message), error.fix && sentence(error.fix)].filter(Boolean).join(" ")) : failure(error));
  } finally {
    if (newest.get(element) === request) element.removeAttribute("aria-busy");
  }
}

function closing() {
  const leave = (event) => (event.preventDefault(), go({ compare: "" }));
  return h("a", { class: "df-btn ghost ic sm", href: address({ compare: "" }).href, "aria-label": "Close the comparison", "data-key": "close-compare", onclick: leave }, icon("cross", "s"));
}

function draw(element, found, turn) {
  put(
    element,
    h(
      "div",
      { class: "df-compare", "data-testid": "compare" },
      h("div", { class: "df-compare-head" }, h("h2", {}, "Compare runs"), found.leaf !== "default" && h("span", { class: "df-mute" }, "Part ", h("b", {}, found.leaf)), h("span", { class: "df-grow" }), route().compare && closing()),
      h("div", { class: "df-compare-sides" }, side("Before", found.a), side("After", found.b, found.a)),
      h("div", { class: "df-compare-filters", role: "group", "aria-label": "Rows to show" }, filter("all", "All", found.same + found.changed + found.only_a + found.only_b), FILTERS.map(([id, label, amount]) => filter(id, label, amount(found)))),
      Object.keys(found.changes).length > 0 && h("p", { class: "df-hint df-compare-columns" }, "Differs: ", Object.entries(found.changes).slice(0, 6).map(([name, rows], at) => [at > 0 && ", ", h("code", {}, name), ` in ${count(rows, "row")}`])),
      found.pairs.length ? h("ol", { class: "df-compare-rows" }, found.pairs.map((pair) => row(pair, found.columns))) : h("p", { class: "df-hint df-pad" }, "No row is of this kind."),
      found.pages > 1 && pager(),
    ),
  );

  function filter(id, label, amount) {
    return h("button", { type: "button", class: "df-btn sm", "aria-pressed": String(found.only === id), "data-key": `only-${id}`, "data-testid": `only-${id}`, onclick: () => turn({ only: id, page: 1 }) }, label, h("span", { class: "df-count" }, number(amount)));
  }

  function pager() {
    const arrow = (label, sign, by, isAtEnd) => h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": label, "data-key": label, disabled: isAtEnd, onclick: () => turn({ page: found.page + by }) }, icon(sign, "s"));
    return h("div", { class: "df-pager" }, h("span", { class: "df-grow" }), h("span", {}, `Page ${number(found.page)} of ${number(found.pages)}`), arrow("Rows before", "left", -1, found.page <= 1), arrow("Rows after", "right", 1, found.page >= found.pages));
  }
}

function side(label, run, before = null) {
  const facts = [count(run.rows, "row"), duration(run.duration_s), run.requests ? count(run.requests, "request") : "no request", run.cost === null ? "price unknown" : run.cost ? money(run.cost) : null];
  const saved = before && before.cost && run.cost !== null ? run.cost - before.cost : 0;
  return h("div", { class: "df-compare-side" }, h("span", { class: "df-mute" }, label), h("b", {}, run.run_id), h("span", { class: "df-num" }, facts.filter(Boolean).join(" · ")), Math.abs(saved) > 1e-9 && h("span", { class: "df-mute" }, `${money(Math.abs(saved))} ${saved > 0 ? "more" : "less"}`));
}

function row(pair, columns) {
  const [word, kind, sign] = SIGNS[pair.kind];
  const at = [pair.a !== null && `row ${number(pair.a + 1)} before`, pair.b !== null && `row ${number(pair.b + 1)} after`].filter(Boolean).join(", ");
  const changed = new Set(pair.changed);
  const known = columns.filter((name) => !changed.has(name) && short((pair.cells.a ?? pair.cells.b)[name])).slice(0, pair.kind === "changed" ? 2 : 8);
  const shown = [...known, ...columns.filter((name) => changed.has(name))];
  return h(
    "li",
    { class: "df-compare-row" },
    h("p", { class: "df-compare-about" }, tag(word, kind, sign), h("span", { class: "df-mute" }, capital(at))),
    h("dl", {}, shown.map((name) => [h("dt", {}, name), changed.has(name) ? [value(pair.cells.a[name], "before", "Before"), value(pair.cells.b[name], "after", "After")] : value((pair.cells.a ?? pair.cells.b)[name], "both", "")])),
  );
}

/** Whether a value helps to recognise a row without taking much room. */
function short(value) {
  return value && value.kind !== "none" && (value.text?.length ?? 999) < 400;
}

function value(found, classes, label) {
  return h("dd", { class: classes }, label && h("span", { class: "df-sr" }, `${label}: `), cell(found));
}
