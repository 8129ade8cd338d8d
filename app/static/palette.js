/* The palette: every step there is, by kind, found by name, by column or by what it does. */

import { change } from "./changes.js";
import { h, put, say } from "./dom.js";
import { icon } from "./icons.js";
import { keys } from "./shell.js";
import { fetchJson, get, on, set } from "./store.js";

const DRAGGED = "application/x-distilflow-step";
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
  const foot = h("div", { class: "df-palette-foot" });
  put(element, h("div", { class: "df-palette", "data-region": "palette", role: "region", "aria-label": "Steps to add" }, h("label", { class: "df-search" }, icon("search"), input, h("kbd", {}, "/")), list, foot));

  const add = (entry) => {
    const after = get("adding")?.after ?? [get("build")?.selected].filter(Boolean);
    change({ do: "add", use: entry.name, after });
    set("adding", null);
    say(`Added ${entry.name}`);
    query = input.value = "";
    draw();
  };
  const draw = () => {
    if (!entries) return;
    const found = ranked(entries, query);
    const groups = Map.groupBy(found, (entry) => (query ? "Found" : entry.kind));
    put(
      list,
      found.length === 0 && h("p", { class: "df-hint df-pad" }, "Nothing has this name, and no step makes or needs such a column."),
      [...groups].map(([kind, some]) => h("section", {}, h("h3", {}, kind, h("span", { class: "df-count" }, String(some.length))), h("ul", {}, some.map((entry) => h("li", {}, item(entry, add)))))),
    );
  };
  const keydown = (event) => {
    const buttons = [...list.querySelectorAll(".df-palette-item")];
    if (event.key === "Enter" && buttons[0]) {
      event.preventDefault();
      add(entries.find((entry) => entry.name === buttons[0].dataset.step));
    }
    if (event.key === "ArrowDown") (event.preventDefault(), buttons[0]?.focus());
    if (event.key === "Escape") {
      set("adding", null);
      document.querySelector(".df-canvas .react-flow__node.selected")?.focus();
    }
  };
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (!step || !event.target.matches(".df-palette-item")) return;
    event.preventDefault();
    const buttons = [...list.querySelectorAll(".df-palette-item")];
    const next = buttons[buttons.indexOf(event.target) + step];
    (next ?? input).focus();
  });
  on("adding", (adding) => {
    put(foot, adding?.after?.length ? `Adds after ${adding.after[0]}` : "Double-click adds after the selected step");
    element.classList.toggle("is-adding", Boolean(adding));
    if (adding) input.focus();
  });
  keys("build", { "/": () => input.focus() });
  fetchJson("catalogue").then((found) => {
    entries = found;
    draw();
  });
}

function item(entry, add) {
  const made = h(
    "button",
    {
      type: "button",
      class: "df-palette-item",
      draggable: "true",
      title: entry.summary,
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

/** Names that begin with it first, then names that hold it, columns, and what steps do. */
export function ranked(all, query) {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return all;
  const words = (name) => name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  const rank = (entry) => {
    const name = entry.name.toLowerCase();
    if (name.startsWith(wanted)) return 0;
    if (name.includes(wanted) || words(entry.name).includes(wanted)) return 1;
    if (entry.columns.some((column) => column.toLowerCase() === wanted)) return 2;
    if (entry.columns.some((column) => column.toLowerCase().includes(wanted))) return 3;
    return entry.summary.toLowerCase().includes(wanted) ? 4 : 5;
  };
  return all
    .map((entry) => ({ entry, rank: rank(entry) }))
    .filter((one) => one.rank < 5)
    .sort((one, other) => one.rank - other.rank)
    .map((one) => one.entry);
}
