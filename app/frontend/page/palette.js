/* The palette: every step there is, by kind, found by name, by column or by what it does. */

import { inWords } from "./about.js";
import { catalogue, ranked } from "./catalogue.js";
import { change } from "./changes.js";
import { h, put, say } from "./dom.js";
import { focusNextSelected, focusSelected } from "./focus.js";
import { icon } from "./icons.js";
import { keys } from "./shell.js";
import { get } from "./store.js";

export const DRAGGED = "application/x-distilflow-step";
const KIND_ICONS = { Sources: "file", "Ask a model": "spark", Columns: "table", Filters: "funnel", Formats: "lines", Results: "box" };
let entries = null;

export function mountPalette(element) {
  let query = "";
  const input = h("input", {
    type: "search",
    placeholder: "Steps or columns",
    "aria-label": "Search steps by name or column (/)",
    "data-testid": "palette-search",
    autocomplete: "off",
    oninput: () => ((query = input.value), draw()),
    onkeydown: (event) => keydown(event),
  });
  const list = h("div", { class: "df-palette-list" });
  const foot = h("div", { class: "df-palette-foot" }, "Add after selection ", h("kbd", {}, "A"));
  const rail = h("div", { class: "df-rail" });
  put(element, rail, h("div", { class: "df-palette", "data-region": "palette", role: "region", "aria-label": "Steps to add" }, h("label", { class: "df-search" }, icon("search"), input, h("kbd", {}, "/")), list, foot));

  const add = (entry) => {
    change({ do: "add", use: entry.name, after: [get("build")?.selected].filter(Boolean) });
    say(`Added ${entry.name}`);
    query = input.value = "";
    draw();
    if (element.contains(document.activeElement)) focusNextSelected();
  };
  const draw = () => {
    if (!entries) return;
    const found = ranked(entries, query);
    const groups = Map.groupBy(found, (entry) => (query ? "Found" : entry.kind));
    put(
      list,
      found.length === 0 && h("p", { class: "df-hint df-pad" }, "Nothing has these words in its name, its columns or its description."),
      [...groups].map(([kind, some]) => h("section", { "data-kind": kind }, h("h3", {}, kind, h("span", { class: "df-count" }, String(some.length))), h("ul", {}, some.map((entry) => h("li", {}, item(entry, add)))))),
    );
  };
  /** On a narrow screen the palette lies over the canvas, and is opened from a rail. */
  const open = (kind = "") => {
    element.classList.add("is-open");
    if (kind) list.querySelector(`[data-kind="${CSS.escape(kind)}"]`)?.scrollIntoView();
    if (kind) list.querySelector(`[data-kind="${CSS.escape(kind)}"] button`)?.focus();
    else input.focus();
  };
  const close = () => element.classList.remove("is-open");
  const drawRail = () => {
    const kinds = Map.groupBy(entries, (entry) => entry.kind);
    const button = (label, sign, action) => h("button", { type: "button", class: "df-btn ghost ic", "aria-label": label, title: label, onclick: action }, icon(sign));
    put(rail, button("Search steps (/)", "search", () => open()), [...kinds].map(([kind, some]) => button(`${kind}, ${some.length}`, KIND_ICONS[kind] ?? some[0].icon, () => open(kind))));
  };
  element.addEventListener("focusout", (event) => {
    if (!element.contains(event.relatedTarget)) close();
  });
  const keydown = (event) => {
    const buttons = [...list.querySelectorAll(".df-palette-item")];
    if (event.key === "Enter" && buttons[0]) {
      event.preventDefault();
      add(entries.find((entry) => entry.name === buttons[0].dataset.step));
    }
    if (event.key === "ArrowDown") (event.preventDefault(), buttons[0]?.focus());
  };
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    close();
    focusSelected();
  });
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches(".df-palette-item")) return;
    event.preventDefault();
    const buttons = [...list.querySelectorAll(".df-palette-item")];
    const next = buttons[buttons.indexOf(event.target) + step];
    (next ?? input).focus();
  });
  keys("build", { "/": () => open() });
  catalogue().then(
    (found) => {
      entries = found;
      draw();
      drawRail();
    },
    (error) => put(list, h("p", { class: "df-hint df-pad" }, `The steps could not be read: ${error.message}`)),
  );
}

function item(entry, add) {
  const made = h(
    "button",
    {
      type: "button",
      class: "df-palette-item",
      draggable: "true",
      title: inWords(entry),
      "data-step": entry.name,
      "data-testid": `palette-${entry.name}`,
      ondblclick: () => add(entry),
      onkeydown: (event) => event.key === "Enter" && (event.preventDefault(), add(entry)),
    },
    h("span", { class: `df-tile sm ${entry.asks ? "llm" : ""}` }, icon(entry.icon)),
    h("span", { class: "df-palette-text" }, h("b", {}, entry.name), h("small", {}, entry.summary)),
  );
  made.addEventListener("dragstart", (event) => {
    event.dataTransfer.setData(DRAGGED, entry.name);
    event.dataTransfer.effectAllowed = "copy";
  });
  return made;
}
