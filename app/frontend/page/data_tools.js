/* Above the rows: search, filters, how many rows fit, what was changed by hand, which columns are shown. */

import { count, h, number, put } from "./dom.js";
import { icon } from "./icons.js";
import { inWords, query, setFilters, setSearch } from "./data_query.js";
import { closePopover, popover } from "./popover.js";
import { go } from "./store.js";

const TYPING_MS = 250;

export class Tools {
  constructor(showChanges) {
    this.showChanges = showChanges;
    this.page = null;
    this.search = h("input", { type: "search", class: "df-find-field", placeholder: "Search all columns", "aria-label": "Search all columns", "data-testid": "search-rows", maxlength: "1000" });
    this.search.addEventListener("input", () => {
      clearTimeout(this.timer);
      this.timer = setTimeout(() => setSearch(this.search.value), TYPING_MS);
    });
    this.search.addEventListener("keydown", (event) => {
      if (event.key !== "Enter") return;
      clearTimeout(this.timer);
      setSearch(this.search.value);
    });
    this.chips = h("div", { class: "df-filters" });
    this.add = h("button", { type: "button", class: "df-btn ghost sm", "aria-haspopup": "dialog", "aria-expanded": "false", "data-testid": "add-filter", disabled: true, onclick: () => this.askFilter() }, icon("plus", "s"), "Filter");
    this.matched = h("span", { class: "df-small t2 df-num", "data-testid": "matched", role: "status" });
    this.changes = h("span", {});
    this.columns = h("button", { type: "button", class: "df-btn sm", "aria-haspopup": "dialog", "aria-expanded": "false", "data-testid": "choose-columns", disabled: true, onclick: () => this.askColumns() }, icon("table", "s"), "Columns");
    this.element = h("div", { class: "df-data-tools" }, h("label", { class: "df-find-rows" }, icon("search", "s"), this.search), this.chips, this.add, h("span", { class: "df-grow" }), this.changes, this.matched, h("span", { class: "df-sep" }), this.columns);
  }

  /** What the address says; typing is left alone. */
  draw() {
    const { search, filters } = query();
    if (document.activeElement !== this.search && this.search.value !== search) this.search.value = search;
    put(
      this.chips,
      filters.map((one, at) =>
        h("button", { type: "button", class: "df-filter", "data-testid": "filter", "aria-label": `Remove the filter ${inWords(one)}`, onclick: () => (setFilters(filters.filter((_, other) => other !== at)), this.add.focus()) }, h("span", { class: "df-one-line" }, inWords(one)), icon("cross", "s")),
      ),
    );
  }

  /** What came back. */
  take(page) {
    this.page = page;
    this.add.disabled = false;
    this.columns.disabled = false;
    this.element.classList.remove("is-busy");
    put(this.matched, page.matched === page.total ? count(page.total, "row") : [h("b", {}, number(page.matched)), ` of ${count(page.total, "row")}`]);
    const { applied, lost } = page.changes;
    put(
      this.changes,
      applied + lost > 0 &&
        h("button", { type: "button", class: `df-btn ghost sm ${lost ? "df-lost" : ""}`, "data-testid": "changes", onclick: this.showChanges }, icon(lost ? "warn" : "pencil", "s"), `${count(applied + lost, "change")} by hand${lost ? `, ${number(lost)} no longer ${lost === 1 ? "applies" : "apply"}` : ""}`),
    );
  }

  busy() {
    this.element.classList.add("is-busy");
    put(this.matched, icon("arc", "s spin"), " Looking");
  }

  askFilter() {
    const page = this.page;
    if (!page) return;
    const column = h("select", { class: "df-select", "aria-label": "Column" }, page.columns.map((one) => h("option", { value: one.name }, one.name)));
    const operator = h("select", { class: "df-select", "aria-label": "Operator" });
    const value = h("input", { class: "df-input", "aria-label": "Value", placeholder: "Value", maxlength: "10000" });
    const fill = () => {
      const chosen = page.columns.find((one) => one.name === column.value);
      put(operator, chosen.operators.map((one) => h("option", { value: one }, { empty: "is empty", filled: "is not empty" }[one] ?? one)));
      hide();
    };
    const hide = () => (value.hidden = ["empty", "filled"].includes(operator.value));
    column.addEventListener("change", fill);
    operator.addEventListener("change", hide);
    fill();
    const form = h("form", { class: "df-ask" }, column, operator, value, h("button", { type: "submit", class: "df-btn pri sm" }, "Add filter"));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      const added = value.hidden ? [column.value, operator.value] : [column.value, operator.value, value.value];
      closePopover({ refocus: true });
      setFilters([...query().filters, added]);
    });
    popover(this.add, "Add a filter", form);
  }

  askColumns() {
    const page = this.page;
    if (!page) return;
    const shown = new Set(page.shown);
    const boxes = page.columns.map((one) => {
      const box = h("input", { type: "checkbox" });
      box.checked = shown.has(one.name);
      box.addEventListener("change", () => {
        if (box.checked) shown.add(one.name);
        else shown.delete(one.name);
        if (!shown.size) return void (box.checked = shown.add(one.name));
        const names = page.columns.map((column) => column.name).filter((name) => shown.has(name));
        go({ columns: names.length === page.columns.length ? "" : JSON.stringify(names) }, { replace: true });
      });
      return h("label", { class: "df-check" }, box, h("span", { class: "df-one-line" }, one.name), h("span", { class: "df-small t3" }, one.type));
    });
    popover(this.columns, "Columns shown", h("div", { class: "df-ask" }, boxes));
  }
}
