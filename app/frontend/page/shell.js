/* The app bar, the places, the theme, and the keys that work everywhere. */

import { rememberRuns } from "./all_runs.js";
import { openCommands } from "./commands.js";
import { openDialog } from "./dialog.js";
import { h, put } from "./dom.js";
import { choose } from "./form.js";
import { icon, svg } from "./icons.js";
import { opened } from "./pipelines.js";
import { started, watchStarts } from "./starting.js";
import { address, get, go, on, route, set } from "./store.js";
import { adoptStyles } from "./styles.js";
import { isKeeping } from "./type_ahead.js";

const PLACES = [
  { id: "build", label: "Build", icon: "graph" },
  { id: "run", label: "Run", icon: "play" },
  { id: "data", label: "Data", icon: "table" },
  { id: "gallery", label: "Gallery", icon: "grid" },
  { id: "labels", label: "Labels", icon: "tag" },
];

function brand() {
  return svg(
    "svg",
    { viewBox: "0 0 20 20", "aria-hidden": "true" },
    svg("path", { d: "M10 1.5c3.2 4 6 6.7 6 10.2a6 6 0 0 1-12 0C4 8.2 6.8 5.5 10 1.5z", fill: "var(--accent-fill)" }),
    svg("path", { d: "M6.5 10.2h7M7.8 13h4.4", stroke: "#fff", "stroke-width": "1.6", "stroke-linecap": "round" }),
  );
}

const phone = matchMedia("(max-width: 767px)");

/** How Build shows the pipeline: as canvas, outline or text. A phone lists it; so does what is no pipeline yet. */
function shownView() {
  const view = get("build") ?? get("early");
  const isGraph = view && view.text.trim() && !view.error;
  if (route().place === "run" && route().run && !phone.matches) return "run-canvas";
  if (route().place !== "build") return "";
  if (["yaml", "python"].includes(route().view) && !phone.matches) return route().view;
  return phone.matches || !isGraph ? "outline" : route().view || "canvas";
}

function link(place, withIcon) {
  const target = { place: place.id };
  return h(
    "a",
    {
      href: address(target).href,
      "aria-current": route().place === place.id ? "page" : null,
      "data-testid": `place-${place.id}`,
      onclick: (event) => {
        if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
        event.preventDefault();
        go(target);
      },
    },
    withIcon && icon(place.icon),
    place.label,
    place.id === "run" && get("isRunning") && h("span", { class: "df-pulse" }, h("span", { class: "df-sr" }, "a run is going on")),
  );
}

export function mountAppBar(element, { props }) {
  docs = props.value?.docs ?? "";
  const nav = h("nav", { class: "df-nav", "aria-label": "Places" });
  const bottom = h("nav", { class: "df-botnav", "aria-label": "Places, bottom" });
  const theme = h("button", { type: "button", class: "df-btn ghost ic", id: "theme-toggle", onclick: toggleTheme });
  const help = h("button", { type: "button", class: "df-btn ghost ic", "aria-label": "Help and shortcuts", id: "help", onclick: showHelp }, icon("help"));
  const search = h(
    "button",
    { type: "button", class: "df-search-all", id: "search-all", "aria-label": "Search or run a command (Ctrl K)", onclick: () => openCommands() },
    icon("search"),
    h("span", {}, "Search or run a command"),
    h("kbd", {}, "Ctrl K"),
  );
  put(element, h("header", { class: "df-appbar" }, h("a", { class: "df-brand", href: "?place=gallery" }, brand(), "distilflow"), nav, h("span", { class: "df-grow" }), search, help, theme));
  document.body.append(bottom);

  const draw = () => {
    document.documentElement.dataset.place = route().place;
    const shown = shownView();
    document.documentElement.dataset.view = shown;
    if (get("shown") !== shown) set("shown", shown);
    document.documentElement.dataset.run = route().run ? "one" : "none";
    const [build, run, data, gallery, labels] = PLACES.map((place) => link(place, false));
    put(nav, build, run, data, h("span", { class: "df-sep" }), gallery, labels);
    put(bottom, PLACES.map((place) => link(place, true)));
    const name = PLACES.find((place) => place.id === route().place).label;
    const about = { build: get("build")?.name, run: route().run, data: route().run, labels: route().project }[route().place];
    document.title = `${about ? `${about} · ` : ""}${name} · distilflow`;
  };
  const drawTheme = () => {
    const isDark = document.body.classList.contains("dark");
    theme.setAttribute("aria-label", isDark ? "Light mode" : "Dark mode");
    put(theme, icon(isDark ? "sun" : "moon"));
  };
  phone.addEventListener("change", draw);
  on("route", draw);
  on("isRunning", draw);
  on("build", draw);
  on("early", draw);
  on("theme", drawTheme);
}

/* ---- theme: what was chosen, else what the system says */

function toggleTheme() {
  const isDark = !document.body.classList.contains("dark");
  document.body.classList.toggle("dark", isDark);
  localStorage.setItem("distilflow-theme", isDark ? "dark" : "light");
  set("theme", isDark ? "dark" : "light");
}

function startTheme() {
  const asked = new URLSearchParams(location.search).get("__theme");
  const chosen = asked ?? localStorage.getItem("distilflow-theme");
  const isDark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
  document.body.classList.toggle("dark", isDark);
  set("theme", isDark ? "dark" : "light");
}

/* ---- keys */

const SHORTCUTS = [
  ["Ctrl K", "Search and commands"],
  ["/", "Search the palette"],
  ["A", "Add a step after the selected one"],
  ["C", "Connect the selected step"],
  ["Arrows", "Walk along the rows"],
  ["Alt Arrows", "Move a step"],
  ["Enter, F2", "Go to the form, rename"],
  ["P, T, 1", "Try on 5 rows, tidy, show all"],
  ["M", "Check the models"],
  ["Ctrl C, Ctrl V, Ctrl D", "Copy, paste, duplicate"],
  ["Del", "Delete; rows pass on where they can"],
  ["Ctrl G", "Group the selected steps"],
  ["Ctrl Z, Shift Ctrl Z", "Undo, redo"],
  ["Ctrl Enter", "Run"],
  ["J, K", "Next, previous step or row"],
  ["R", "Show or hide rows"],
  ["1–9, S, C, U, O", "Labels: answer, skip, comment, undo, example"],
  ["Esc", "Close, go back"],
  ["F6", "Next region"],
  ["?", "This list"],
];

const HOW = [
  "Build: a pipeline is a list of steps. Rows pass from one to the next, and each step adds columns or changes rows.",
  "Preview sends 5 rows through all steps. Rehearse runs all rows with made-up replies, for free.",
  "A run keeps every finished row. Rows that fail wait in the quarantine, where they can be retried; the others are in Data.",
];
let docs = "";

function showHelp() {
  openDialog("Help", () => [
    h("h3", {}, "How it works"),
    h("ol", { class: "df-how" }, HOW.map((line) => h("li", {}, line))),
    docs && h("p", { class: "df-docs" }, h("a", { href: docs, target: "_blank", rel: "noopener" }, "Read the documentation")),
    h("h3", {}, "Keys"),
    h(
      "dl",
      { class: "df-keys" },
      SHORTCUTS.map(([keys, does]) => [h("dt", {}, keys.split(", ").map((key, at) => [at > 0 && ", ", h("kbd", {}, key)])), h("dd", {}, does)]),
    ),
    h("label", { class: "df-check" }, singleKeysBox(), "Single keys act when no field has the focus"),
  ]);
}

function singleKeysBox() {
  const box = h("input", { type: "checkbox", onchange: () => localStorage.setItem("distilflow-keys", box.checked ? "on" : "off") });
  box.checked = localStorage.getItem("distilflow-keys") !== "off";
  return box;
}

const handlers = new Map();

/** Let a place act on a key while it is shown: `keys(place, {j: () => ...})`. */
export function keys(place, bound) {
  handlers.set(place, { ...(handlers.get(place) ?? {}), ...bound });
}

function isTyping(target) {
  return target.closest?.("input:not([type=checkbox]):not([type=radio]), textarea, select, [contenteditable=true], .cm-editor, [role=listbox], dialog");
}

function press(event) {
  if (event.defaultPrevented) return;
  const bound = handlers.get(route().place) ?? {};
  const command = event.ctrlKey || event.metaKey;
  if (command && event.key === "Enter") return act(event, () => {
    document.activeElement?.blur?.();
    if (route().place === "build") document.querySelector("#build-run")?.click();
  });
  if (command && event.key.toLowerCase() === "k") return act(event, () => openCommands());
  if (event.key === "F6") return act(event, () => nextRegion(event.shiftKey ? -1 : 1));
  if (isTyping(event.target)) return undefined;
  if (command && event.key.toLowerCase() === "z") return act(event, bound[event.shiftKey ? "redo" : "undo"]);
  if (command || event.altKey) return undefined;
  if (event.key === "Escape") return act(event, bound.Escape);
  if (localStorage.getItem("distilflow-keys") === "off") return undefined;
  if (event.key === "?") return act(event, showHelp);
  const name = event.key.length === 1 ? event.key.toLowerCase() : event.key;
  if (bound[name]) act(event, bound[name]);
  return undefined;
}

function act(event, action) {
  if (!action) return;
  event.preventDefault();
  action();
}

function nextRegion(step) {
  const regions = [...document.querySelectorAll("[data-region]")].filter((region) => region.offsetParent !== null);
  const at = regions.findIndex((region) => region.contains(document.activeElement));
  const region = regions[(at + step + regions.length) % regions.length];
  region?.querySelector("a[href], button:not([disabled]), input, textarea, [tabindex='0']")?.focus();
}

window.distilflowEarly?.then((view) => view && !get("build") && set("early", view));
adoptStyles();
rememberRuns();
watchStarts();
startTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", startTheme);
document.addEventListener("keydown", press);

/* What Gradio's own events call, and tests ask. */
window.distilflow = {
  choose,
  isKeeping,
  runId: () => route().run,
  openRun: (id) => id && go({ place: "run", run: id }),
  started,
  opened,
  openResult: () => go({ place: "data" }),
  again: () => set("again", Date.now()),
  graph: () => (get("build") ?? get("early"))?.spec ?? null,
};
