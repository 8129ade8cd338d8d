/* One row whole, beside the table: its values, editing and dropping it, and why it is as it is. */

import { failure, h, keepingFocus, number, put, tag } from "./dom.js";
import { icon } from "./icons.js";
import { asked } from "./data_query.js";
import { cell } from "./rows.js";
import { lastTurn } from "./data_rows.js";
import { editForm } from "./data_edit.js";
import { fetchJson, go, postJson, route, set } from "./store.js";
import { drawWhy } from "./why.js";

const CALM_MS = 700; // after a drop, in which a second click does not drop the next row
const PROMPTS = ["prompt", "instruction", "question"];

export class Sheet {
  constructor(again) {
    this.again = again;
    this.element = h("aside", { class: "df-sheet", "aria-label": "Row", "data-region": "row", hidden: true });
    this.found = null;
    this.isEditing = false;
    this.dropped = null; // {index, change, next}: what was dropped last, and the row that came in its place
    this.isCalm = false; // from a drop until a moment after the next row has come
  }

  /** The row of the address, or nothing. */
  async show(run, part, signal) {
    this.run = run;
    this.part = part;
    const index = Number(route().row) - 1;
    if (!route().row || !Number.isInteger(index) || index < 0) return this.close();
    if (index !== this.dropped?.next) this.dropped = null;
    try {
      const found = await fetchJson(`runs/${encodeURIComponent(run.id)}/data/row?${asked({ part, index })}`, signal);
      if (Number(route().row) - 1 !== index) return undefined; // closed, or another row, since it was asked for
      this.isEditing = false;
      this.found = found;
      this.draw();
    } catch (error) {
      if (error.name === "AbortError") return undefined;
      this.open();
      put(this.element, this.head(null), h("div", { class: "df-sheet-body" }, failure(error)));
    }
    return undefined;
  }

  open() {
    set("push", false);
    this.element.hidden = false;
    document.documentElement.dataset.sheet = "open";
  }

  close() {
    if (this.element.hidden) return;
    this.element.hidden = true;
    this.found = null;
    this.isEditing = false;
    this.dropped = null;
    document.documentElement.dataset.sheet = "";
  }

  get isOpen() {
    return !this.element.hidden;
  }

  move(step) {
    const to = step > 0 ? this.found?.next : this.found?.previous;
    if (this.isEditing || to === null || to === undefined) return;
    const page = step > 0 ? this.found.next_page : this.found.previous_page;
    go({ row: String(to + 1), rowpage: page > 1 ? String(page) : "" }, { replace: true });
  }

  leave() {
    if (this.isEditing) {
      this.isEditing = false;
      this.draw();
      return;
    }
    const row = Number(route().row) - 1;
    go({ row: "" });
    document.querySelector(`[data-row="${row}"]`)?.focus();
  }

  head(found) {
    const index = Number(route().row);
    return h(
      "div",
      { class: "df-sheet-head" },
      h("h2", {}, `Row ${number(index)}`),
      h("span", { class: "df-small t3 df-one-line" }, found && (found.position === null ? "not among these rows" : `${number(found.position + 1)} of ${number(found.matched)}`)),
      h("span", { class: "df-grow" }),
      found && [
        h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Previous row (K)", "data-key": "previous-row", disabled: found.previous === null || this.isEditing, onclick: () => this.move(-1) }, icon("up", "s")),
        h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Next row (J)", "data-key": "next-row", disabled: found.next === null || this.isEditing, onclick: () => this.move(1) }, icon("down", "s")),
        !this.isEditing && h("button", { type: "button", class: "df-btn sm", "data-key": "edit-row", "data-testid": "edit-row", onclick: () => this.edit() }, icon("pencil", "s"), "Edit"),
        !this.isEditing && !found.is_dropped && this.dropButton(),
      ],
      h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Close row (Esc)", "data-key": "close-row", onclick: () => (this.isEditing = false, this.leave()) }, icon("cross", "s")),
    );
  }

  draw() {
    const { found, element } = this;
    if (!found) return;
    this.open();
    const slot = h("section", { "data-slot": "why", class: "df-why" });
    keepingFocus(element, () => put(element, this.head(found), h("div", { class: "df-sheet-body", tabindex: "0" }, this.droppedNotice(), pair(found), pairOf(found) ? [slot, values(found)] : [values(found), slot])));
    void drawWhy(slot, { run: this.run.id, part: this.part, index: found.index });
  }

  async edit() {
    const { found, element } = this;
    this.isEditing = true;
    const saved = async () => {
      this.isEditing = false;
      await this.again();
    };
    try {
      const form = await editForm(this.run, this.part, found.index, saved, () => this.leave());
      put(element, this.head(found), form);
      (form.querySelector("textarea:not([disabled]), input:not([disabled], [type=checkbox])") ?? form.querySelector("select, input:not([disabled])"))?.focus();
    } catch (error) {
      this.isEditing = false;
      put(element, this.head(found), h("div", { class: "df-sheet-body" }, failure(error)));
    }
  }

  dropButton() {
    const button = h("button", { type: "button", class: "df-btn sm", "aria-disabled": this.isCalm ? "true" : null, "data-key": "drop-row", "data-testid": "drop-row", onclick: () => this.drop(button) }, icon("trash", "s"), "Drop");
    return button;
  }

  /** What was dropped, with the way back. */
  droppedNotice() {
    const { found, dropped } = this;
    if (!dropped) return found.is_dropped && h("p", { class: "df-callout warn slim" }, "This row was dropped by hand.");
    const undo = h("button", { type: "button", class: "df-btn sm", "data-key": "undo-drop", "data-testid": "undo-drop", onclick: () => this.undoDrop(undo) }, icon("undo", "s"), "Undo");
    return h("div", { class: "df-callout slim", role: "status", "data-testid": "dropped" }, h("p", { class: "df-callout-text df-middle" }, icon("trash"), h("span", { class: "df-grow" }, `Row ${number(dropped.index + 1)} dropped.`), undo));
  }

  async undoDrop(button) {
    button.disabled = true;
    const { index, change } = this.dropped;
    try {
      await postJson(`runs/${encodeURIComponent(this.run.id)}/changes/undo`, { change });
      this.dropped = null;
      go({ row: String(index + 1) }, { replace: true });
      await this.again();
    } catch (error) {
      put(this.element, this.head(this.found), h("div", { class: "df-sheet-body" }, failure(error)));
    }
  }

  async drop(button) {
    if (this.isCalm) return;
    this.isCalm = true;
    button.setAttribute("aria-disabled", "true");
    const { found } = this;
    try {
      const { change } = await postJson(`runs/${encodeURIComponent(this.run.id)}/data/drop`, { part: this.part, index: found.index });
      const next = found.next ?? found.previous ?? found.index;
      this.dropped = { index: found.index, change, next };
      const page = found.next === null && found.previous !== null ? found.previous_page : Number(route().rowpage || 1);
      go({ row: String(next + 1), rowpage: page > 1 ? String(page) : "" }, { replace: true });
      await this.again();
    } catch (error) {
      put(this.element, this.head(found), h("div", { class: "df-sheet-body" }, failure(error)));
    }
    setTimeout(() => {
      this.isCalm = false;
      this.element.querySelector("[data-key=drop-row]")?.removeAttribute("aria-disabled");
    }, CALM_MS);
  }
}

const pairOf = ({ row }) => Boolean(row.chosen && row.rejected);

/** Chosen beside rejected, with their ratings and who wrote them. */
function pair(found) {
  const { row } = found;
  if (!pairOf(found)) return null;
  const prompt = PROMPTS.map((name) => row[name]).find(Boolean) ?? (row.chosen.kind === "chat" ? { kind: "text", ...row.chosen.items[0] } : null);
  const one = (name, words, sign) =>
    h(
      "section",
      { class: `df-pair-card ${name === "chosen" ? "is-best" : ""}` },
      h("h3", {}, icon(sign, "s"), words, h("span", { class: "df-grow" }), row[`${name}_rating`] && cell(row[`${name}_rating`])),
      cell(lastTurn(row[name]), true),
      row[`${name}_model`]?.text && h("p", { class: "df-small t3" }, row[`${name}_model`].text),
    );
  return [prompt && h("section", { class: "df-pair-prompt" }, h("h3", {}, "prompt"), cell(prompt, true)), h("div", { class: "df-two" }, one("chosen", "chosen", "done"), one("rejected", "rejected", "cross"))];
}

function values({ row, columns, edited }) {
  const isPair = row.chosen && row.rejected;
  const told = new Set(isPair ? ["chosen_rating", "rejected_rating", "chosen_model", "rejected_model", ...PROMPTS, ...["chosen", "rejected"].filter((name) => row[name].kind === "text")] : []);
  const left = columns.filter((name) => !told.has(name) || edited.includes(name));
  return h("dl", { class: "df-sheet-values" }, left.map((name) => [h("dt", {}, name, edited.includes(name) && tag("Edited", "acc")), h("dd", {}, cell(row[name], true))]));
}
