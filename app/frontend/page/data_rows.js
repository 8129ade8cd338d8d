/* The rows of a result: a page at a time, as a table, or as cards on a phone. */

import { count, empty, failure, h, keepingFocus, number, put } from "./dom.js";
import { icon } from "./icons.js";
import { LIVE } from "./follow.js";
import { cell, table } from "./rows.js";
import { asked, isAsked, query, setFilters, turnSort } from "./data_query.js";
import { Tools } from "./data_tools.js";
import { bars } from "./plots.js";
import { looked } from "./looked.js";
import { eachStatistics } from "./statistics.js";
import { fetchJson, go, route, set } from "./store.js";

const phone = matchMedia("(max-width: 767px)");
let newest = null; // the rows that are drawn anew when the page gets narrow or wide
phone.addEventListener("change", () => newest?.element.isConnected && newest.draw());
const LEADS = ["prompt", "instruction", "question", "input", "text"];

export class Rows {
  constructor(run, openChanges) {
    this.run = run;
    this.tools = new Tools(openChanges);
    this.body = h("div", { class: "df-scroll", tabindex: "0", role: "region", "aria-label": "Rows of the result" });
    this.foot = h("div", { class: "df-pager" });
    this.element = h("div", { class: "df-rows-view" }, this.tools.element, this.body, this.foot);
    this.page = null;
    this.found = new Map();
    newest = this;
  }

  /** Ask for what the address says, and show it. */
  async show(signal) {
    this.tools.draw();
    const slow = setTimeout(() => this.tools.busy(), 100);
    try {
      const page = await fetchJson(`runs/${encodeURIComponent(this.run.id)}/data?${asked({ page: route().rowpage || "1", columns: route().columns })}`, signal);
      clearTimeout(slow);
      if (!page.parts.length) return void put(this.element, this.nothing());
      if (page.stamp !== this.page?.stamp || page.part !== this.page?.part) this.found = new Map();
      this.page = page;
      looked(this.run, page.places, page.part);
      set("dataPage", { run: this.run.id, columns: page.columns.length, dropped: page.dropped, matched: page.matched, part: page.part, parts: page.parts.length });
      this.tools.take(page);
      this.draw();
      this.body.scrollTop = 0;
      void eachStatistics(this.run, page, page.shown, signal, (one) => {
        this.found.set(one.name, one);
        const slot = this.body.querySelector(`[data-column="${CSS.escape(one.name)}"]`);
        if (slot) put(slot, chart(one));
      });
    } catch (error) {
      clearTimeout(slow);
      if (error.name === "AbortError") return;
      this.tools.element.classList.remove("is-busy");
      put(this.tools.matched);
      const reset = isAsked() || route().sort ? h("button", { type: "button", class: "df-btn", onclick: () => go({ search: "", filters: "", sort: "", rowpage: "" }) }, "Show all rows") : null;
      put(this.body, h("div", { class: "df-narrow" }, failure(error, ...(reset ? [reset] : []))));
      put(this.foot);
    }
  }

  nothing() {
    const state = this.run.report.state;
    const open = h("button", { type: "button", class: "df-btn pri", onclick: () => go({ place: "run" }) }, LIVE.includes(state) ? "Watch the run" : "Open the run");
    if (LIVE.includes(state)) return empty("The run is going on", "Its result is written when it ends. Until then its newest rows are in Run.", open);
    return empty("No result", state === "failed" ? "The run failed before it could write one. Resume it in Run: finished rows are kept." : "This run left no rows.", open);
  }

  draw() {
    const { page, body } = this;
    if (!page) return;
    keepingFocus(body, () => {
      if (!page.rows.length) return put(body, isAsked() ? empty("No row fits", "Remove a filter, or search for something else.", h("button", { type: "button", class: "df-btn", onclick: () => (setFilters([]), go({ search: "" })) }, "Show all rows")) : empty("No rows", "This part of the result is empty."));
      return put(body, phone.matches ? this.cards() : this.table());
    });
    this.drawFoot();
  }

  selected() {
    return this.page.places.indexOf(Number(route().row || 0) - 1);
  }

  table() {
    const { page } = this;
    const { sort } = query();
    const isPair = page.shown.includes("chosen") && page.shown.includes("rejected");
    const rows = isPair ? page.rows.map((row) => ({ ...row, chosen: lastTurn(row.chosen), rejected: lastTurn(row.rejected) })) : page.rows;
    const named = page.shown.map((name) => page.columns.find((one) => one.name === name));
    const made = table(named, rows, {
      start: page.start,
      open: (at) => this.open(at),
      selected: this.selected(),
      label: `Rows of ${page.part}`,
      numberOf: (at) => page.places[at] + 1,
      isEdited: (at, name) => page.edited[at].includes(name),
      head: (column) => {
        const isSorted = sort?.column === column.name;
        return h(
          "th",
          { scope: "col", "aria-sort": isSorted ? (sort.isDown ? "descending" : "ascending") : "none" },
          h("button", { type: "button", class: "df-sort", "data-key": `sort-${column.name}`, title: `${column.name} (${column.type})`, onclick: () => turnSort(column.name) }, h("span", { class: "df-one-line" }, column.name), h("span", { class: "df-sort-sign", "aria-hidden": "true" }, isSorted ? (sort.isDown ? "▼" : "▲") : "")),
          h("div", { class: "df-chart", "data-column": column.name }, this.found.has(column.name) ? chart(this.found.get(column.name)) : h("span", { class: "df-chart-words" }, column.type)),
        );
      },
    });
    made.dataset.testid = "rows-table";
    return made;
  }

  cards() {
    const { page } = this;
    const texts = (name) => page.rows[0][name]?.kind === "text";
    const lead = LEADS.find((name) => page.shown.includes(name)) ?? page.shown.find(texts) ?? page.shown[0];
    const selected = this.selected();
    return h(
      "ul",
      { class: "df-row-cards", "data-testid": "rows-table" },
      page.rows.map((row, at) =>
        h(
          "li",
          { class: at === selected ? "is-selected" : null, "data-testid": "row", onclick: () => this.open(at) },
          h("div", { class: "df-row-card-head" }, h("button", { type: "button", class: "df-linkish", "data-key": `row-${at}`, "aria-label": `Open row ${page.places[at] + 1}` }, `Row ${number(page.places[at] + 1)}`), margin(row), h("span", { class: "df-grow" }), h("span", { class: "acc" }, "Open")),
          cell(row[lead]),
          h("dl", {}, pairs(page.shown.filter((name) => name !== lead), row)),
        ),
      ),
    );
  }

  open(at) {
    go({ row: String(this.page.places[at] + 1) }, { replace: Boolean(route().row) });
  }

  /** Mark the row of the address without asking for the page again. */
  mark() {
    if (this.page?.rows.length) this.draw();
  }

  drawFoot() {
    const { page } = this;
    const last = Math.min(page.start + page.size, page.matched);
    const turn = (to) => go({ rowpage: to > 1 ? String(to) : "", row: "" });
    keepingFocus(this.foot, () =>
      put(
        this.foot,
        page.parts.length > 1
          ? h("label", { class: "df-small" }, "Part ", h("select", { class: "df-select", onchange: (event) => go({ part: event.target.value, rowpage: "", row: "", filters: "", sort: "", columns: "" }) }, page.parts.map((part) => h("option", { value: part, selected: part === page.part }, part))))
          : h("span", { class: "df-small t2 df-part-name" }, page.part),
        h("span", { class: "df-small t3 df-shown" }, page.shown.length < page.columns.length ? `${page.shown.length} of ${count(page.columns.length, "column")} shown` : count(page.columns.length, "column")),
        h("span", { class: "df-grow" }),
        h("span", { class: "df-small", "data-testid": "pager" }, page.matched ? `${number(page.start + 1)}–${number(last)} of ${number(page.matched)}` : "No rows"),
        h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Previous page", "data-key": "previous", disabled: page.page <= 1, onclick: () => turn(page.page - 1) }, icon("left", "s")),
        h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Next page", "data-key": "next", disabled: page.page >= page.pages, onclick: () => turn(page.page + 1) }, icon("right", "s")),
      ),
    );
  }
}

function chart(found) {
  return [found.bars.length > 1 && bars(found, { width: 162, height: 28 }), h("span", { class: "df-chart-words", title: found.caption }, found.caption)];
}

function margin(row) {
  const [best, worst] = [row.chosen_rating, row.rejected_rating].map((one) => Number(one?.text ?? NaN));
  return Number.isFinite(best - worst) && h("span", { class: "df-small t3" }, `margin ${best - worst}`);
}

/** Columns of a card: a pair with its ratings first, then a few more. */
function pairs(names, row) {
  const isPair = row.chosen && row.rejected;
  const lines = isPair ? ["chosen", "rejected"] : names.slice(0, 3);
  return lines.map((name) => [
    h("dt", { class: isPair && name === "chosen" ? "done" : null }, isPair && icon(name === "chosen" ? "done" : "cross", "s"), h("span", { class: "df-one-line" }, name)),
    h("dd", {}, h("div", { class: "df-grow" }, cell(lastTurn(row[name]))), isPair && row[`${name}_rating`] && h("b", { class: "df-num" }, row[`${name}_rating`].text ?? "")),
  ]);
}

/** What was answered, of a chat. */
export function lastTurn(found) {
  return found?.kind === "chat" && found.items.length ? { kind: "text", ...found.items.at(-1) } : found;
}
