/* Search and commands (Ctrl K): steps to add or to go to, columns, and everything that can be done, by keyboard. */

import { papers } from "./about.js";
import { catalogue, lacking, ranked } from "./catalogue.js";
import { change } from "./changes.js";
import { chip, count, h, put, say, tag } from "./dom.js";
import { icon } from "./icons.js";
import { pipelineCommands } from "./pipelines.js";
import { startPreview } from "./preview.js";
import { get, go, onCalmly, route, set } from "./store.js";

const MOST = 40;

/** Open it: for everything, to `add` a step after others, to `connect` a step, or for what can be done `of` one. */
export function openCommands(asked = {}) {
  if (document.querySelector(".df-commands")) return;
  const opener = document.activeElement;
  let scope = asked;
  let entries = [];
  let items = [];
  let at = 0;

  const input = h("input", { type: "text", role: "combobox", "aria-expanded": "true", "aria-controls": "commands-list", "aria-label": "Search steps, columns and commands", autocomplete: "off", spellcheck: "false", "data-testid": "commands-search" });
  const scopeChip = h("span", {});
  const found = h("span", { class: "df-small t3", role: "status" });
  const list = h("div", { id: "commands-list", role: "listbox", "aria-label": "Found", class: "df-commands-list" });
  const detail = h("div", { class: "df-commands-detail" });
  const dialog = h(
    "dialog",
    { class: "df-dialog df-commands", "aria-label": "Search and commands", "data-testid": "commands" },
    h("div", { class: "df-commands-head" }, icon("search"), scopeChip, input, found),
    h("div", { class: "df-commands-body" }, list, detail),
    h("div", { class: "df-commands-foot" }, [["↑ ↓", "choose"], ["Enter", "do it"], ["Shift Enter", "add, and connect nothing after it"]].map(([key, does]) => h("span", { class: key === "Shift Enter" ? "df-only-add" : null }, h("kbd", {}, key), ` ${does}`)), h("span", { class: "df-grow" }), h("span", {}, h("kbd", {}, "Esc"), " close")),
  );

  const find = () => sectionsOf(scope, input.value, entries);
  const draw = (sections = find()) => {
    items = sections.flatMap((section) => section.items);
    at = Math.max(0, Math.min(at, items.length - 1));
    dialog.classList.toggle("is-adding", Boolean(scope.add));
    put(scopeChip, scopeText(scope) && h("button", { type: "button", class: "df-scope", "aria-label": `${scopeText(scope)}; search everything`, onclick: () => ((scope = {}), (at = 0), draw(), input.focus()) }, scopeText(scope), icon("cross", "s")));
    found.textContent = input.value ? count(items.length, "result") : "";
    put(
      list,
      items.length === 0 && h("p", { class: "df-hint df-pad" }, "Nothing has these words in its name, its columns or its description."),
      sections.filter((section) => section.items.length).map((section) => h("section", { role: "group", "aria-label": section.title }, h("div", { class: "df-commands-title", "aria-hidden": "true" }, section.title), section.items.map((item) => row(item, items.indexOf(item), input.value)))),
    );
    mark();
  };
  /** A run that ends, or can be resumed, has other commands. */
  const drawChanged = () => {
    const sections = find();
    const labels = (some) => some.map((item) => item.label).join("\n");
    if (labels(sections.flatMap((section) => section.items)) !== labels(items)) draw(sections);
  };
  const mark = () => {
    for (const one of list.querySelectorAll("[role=option]")) one.setAttribute("aria-selected", String(Number(one.dataset.at) === at));
    const current = list.querySelector(`[data-at="${at}"]`);
    current?.scrollIntoView({ block: "nearest" });
    input.setAttribute("aria-activedescendant", current?.id ?? "");
    put(detail, items[at]?.detail?.() ?? h("p", { class: "df-hint" }, items[at]?.about ?? ""));
  };
  const act = (item, isShift) => {
    if (!item) return;
    if (item.scope) {
      scope = item.scope;
      input.value = "";
      at = 0;
      draw();
      return;
    }
    dialog.close();
    (isShift && item.shift ? item.shift : item.run)();
  };
  const row = (item, number, query) =>
    h(
      "div",
      { role: "option", id: `command-${number}`, class: "df-command", "data-at": String(number), "data-name": item.label, onclick: (event) => act(item, event.shiftKey), onpointermove: () => number !== at && ((at = number), mark()) },
      h("span", { class: `df-tile sm ${item.asks ? "llm" : ""}` }, icon(item.icon)),
      h("span", { class: "df-command-text" }, h("b", {}, highlighted(item.label, query)), item.about && h("small", {}, item.about)),
      item.badge,
      item.keys && h("kbd", {}, item.keys),
    );

  input.addEventListener("input", () => ((at = 0), draw()));
  dialog.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      at = (at + step + items.length) % Math.max(1, items.length);
      mark();
    } else if (event.key === "Enter" && event.target === input) {
      event.preventDefault();
      act(items[at], event.shiftKey);
    } else if (event.key === "Backspace" && !input.value && scopeText(scope)) {
      scope = {};
      draw();
    }
  });
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  const stopListening = onCalmly("run", drawChanged);
  dialog.addEventListener("close", () => {
    stopListening();
    dialog.remove();
    if (opener?.isConnected) opener.focus?.({ preventScroll: true });
  });
  document.body.append(dialog);
  dialog.showModal();
  input.focus();
  draw();
  catalogue().then(
    (all) => ((entries = all), draw()),
    (error) => put(detail, h("p", { class: "fail" }, error.message)),
  );
}

function scopeText({ add, connect, of }) {
  if (add) return add.length ? `Add after ${add[0]}` : "Add a step";
  if (connect) return `Connect ${connect} to`;
  return of ?? "";
}

function highlighted(text, query) {
  const start = query.trim() ? text.toLowerCase().indexOf(query.trim().toLowerCase()) : -1;
  if (start < 0) return text;
  const end = start + query.trim().length;
  return [text.slice(0, start), h("mark", {}, text.slice(start, end)), text.slice(end)];
}

function sectionsOf(scope, query, entries) {
  if (scope.connect) return [{ title: "Steps", items: targets(scope.connect, query) }];
  if (scope.of) return [{ title: "Commands", items: named(stepCommands(scope.of), query) }];
  const adding = addable(entries, query, scope.add ?? [get("build")?.selected].filter(Boolean), scope.at);
  if (scope.add) return [{ title: "Steps", items: adding }];
  const isBuild = route().place === "build";
  const wanted = query.trim().toLowerCase();
  return [
    { title: "Commands", items: named(commands(), query) },
    { title: "Steps of this pipeline", items: named(places(), query) },
    { title: "Columns", items: wanted ? columns(wanted) : [] },
    { title: "Add a step", items: isBuild && wanted ? adding : [] },
  ].sort((one, other) => (wanted ? best(one.items, wanted) - best(other.items, wanted) : 0));
}

/** Sections whose names begin with what is sought come first. */
function best(items, wanted) {
  return items.some((item) => item.label.toLowerCase().startsWith(wanted)) ? 0 : 1;
}

function named(items, query) {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return items;
  const hits = items.filter((item) => `${item.label} ${item.also ?? ""}`.toLowerCase().includes(wanted));
  return hits.sort((one, other) => Number(!one.label.toLowerCase().startsWith(wanted)) - Number(!other.label.toLowerCase().startsWith(wanted)));
}

/* ---- steps that can be added */

function addable(entries, query, after, place) {
  const view = get("build");
  const from = view?.steps.find((step) => step.name === after[0]);
  const followers = (view?.steps ?? []).filter((step) => step.after.includes(from?.name));
  const next = followers.length === 1 ? followers[0].name : "";
  const some = ranked(entries, query).map((entry) => ({ entry, lacks: from ? lacking(entry, from.columns) : null }));
  if (!query.trim() && from) some.sort((one, other) => effort(one) - effort(other));
  return some.slice(0, MOST).map(({ entry, lacks }) => {
    const between = next && !entry.is_source ? next : "";
    const add = (before) => {
      change({ do: "add", use: entry.name, after: entry.is_source ? [] : after, before, ...(place ? { at: place } : {}) });
      say(`Added ${entry.name}`);
    };
    return {
      label: entry.name,
      about: entry.summary,
      icon: entry.icon,
      asks: entry.asks,
      badge: fit(entry, lacks),
      run: () => add(between),
      shift: () => add(""),
      detail: () => aboutStep(entry, from, lacks, between),
    };
  });
}

/** What can follow comes first: steps whose columns are there, then those that need a mapping, sources last. */
function effort({ entry, lacks }) {
  return entry.is_source ? 1000 : (lacks?.length ?? 0);
}

function fit(entry, lacks) {
  if (entry.is_source) return tag("Makes rows");
  if (!lacks) return null;
  return lacks.length ? tag(`Map ${count(lacks.length, "column")}`, "warn", "warn") : tag("Columns fit", "done", "tick");
}

function aboutStep(entry, from, lacks, between) {
  const part = (title, ...content) => [h("h4", {}, title), h("div", { class: "df-row df-wrap" }, content)];
  return [
    h("h3", {}, entry.name),
    h("p", { class: "t2" }, entry.summary),
    papers(entry.papers),
    part("Reads", entry.needs.length ? entry.needs.map((name) => chip(name, lacks?.includes(name) ? "miss" : "")) : entry.is_source ? "nothing: it makes rows" : "the columns that you choose"),
    entry.uses.length > 0 && part("Can use", entry.uses.map((name) => chip(name, "maybe"))),
    part("Adds", entry.adds.length ? entry.adds.map((name) => chip(`+${name}`, "new")) : "what its parameters say"),
    from && !entry.is_source && part("Will connect", chip(from.name), icon("right", "s"), chip(entry.name, "new"), between && [icon("right", "s"), chip(between)]),
    entry.example && [h("h4", {}, "Example"), h("pre", { class: "df-pre is-whole" }, entry.example)],
  ];
}

/* ---- steps that are there */

function places() {
  const steps = route().place === "run" ? (get("run")?.steps ?? []) : (get("build")?.steps ?? []);
  return steps.map((step) => ({
    label: step.name,
    about: step.use,
    also: step.use,
    icon: step.icon,
    asks: step.asks,
    run: () => (route().place === "run" ? go({ step: step.name }, { replace: true }) : change({ do: "select", step: step.name })),
  }));
}

function targets(source, query) {
  const steps = get("build")?.steps ?? [];
  const before = new Set([source]);
  for (const waiting = [source]; waiting.length; ) {
    for (const name of steps.find((step) => step.name === waiting.pop())?.after ?? []) if (!before.has(name)) before.add(name), waiting.push(name);
  }
  const from = steps.find((step) => step.name === source);
  const some = steps.filter((step) => !before.has(step.name) && !step.is_source && !step.after.includes(source));
  return named(
    some.map((step) => {
      const lacks = from?.columns ? step.needs.filter((name) => !from.columns.includes(name)) : null;
      return { label: step.name, about: step.use, icon: step.icon, asks: step.asks, badge: lacks && fit(step, lacks), run: () => change({ do: "connect", source, target: step.name }) };
    }),
    query,
  );
}

function columns(wanted) {
  const found = new Map();
  for (const step of get("build")?.steps ?? []) for (const name of step.adds) if (name.toLowerCase().includes(wanted) && !found.has(name)) found.set(name, step);
  return [...found].slice(0, 8).map(([name, step]) => ({ label: name, about: `made by ${step.name}`, icon: "tag", run: () => change({ do: "select", step: step.name }) }));
}

/* ---- commands */

function stepCommands(step) {
  return [
    { label: `Run ${step} on 5 rows`, icon: "play", keys: "P", run: () => startPreview(step) },
    { label: `Add a step after ${step}`, icon: "plus", keys: "A", scope: { add: [step] } },
    { label: `Connect ${step} to another step`, icon: "link", keys: "C", scope: { connect: step } },
    { label: `Rename ${step}`, icon: "pencil", keys: "F2", run: () => set("renaming", step) },
    { label: `Duplicate ${step}`, icon: "copy", keys: "Ctrl D", run: () => change({ do: "paste", steps: (window.distilflow.graph()?.steps ?? []).filter((one) => one.name === step), is_duplicate: true }) },
    { label: `Delete ${step}`, icon: "trash", keys: "Del", run: () => change({ do: "remove", steps: [step] }) },
  ];
}

function press(id) {
  return () => document.getElementById(id)?.click();
}

function commands() {
  const view = get("build");
  const { place, run, project } = route();
  const can = (id) => document.getElementById(id)?.offsetParent && !document.getElementById(id).getAttribute("aria-disabled");
  const build = [
    { label: "Run", also: "start", icon: "play", keys: "Ctrl Enter", id: "build-run" },
    { label: "Rehearse", also: "free dry run", icon: "mask", id: "build-rehearse" },
    { label: "Preview 5 rows", icon: "eye", id: "build-preview" },
    { label: "Check models", also: "key reachable connection test", icon: "link", keys: "M", id: "build-check" },
  ];
  const running = [
    { label: "Pause", icon: "pause", id: "run-pause" },
    { label: "Stop & keep", icon: "stop", id: "run-stop" },
    { label: "Resume", icon: "play", id: "run-resume" },
    { label: "Run again", also: "restart repeat", icon: "again", id: "run-again" },
    { label: "Open the result", icon: "table", id: "run-result" },
    { label: "Compare runs", also: "difference", icon: "copy", id: "compare-runs" },
    { label: "Push to Hub", also: "publish", icon: "upload", id: "data-push" },
    { label: "Review labels", also: "annotate", icon: "tag", id: "data-review" },
    { label: "Learn anew", also: "strategy", icon: "again", id: "labels-learn" },
    { label: "Compare strategies", also: "versions difference", icon: "copy", id: "labels-compare" },
    { label: "Export labels", also: "download save", icon: "download", id: "labels-export" },
  ];
  const step = view?.selected;
  return [
    ...[...build, ...running].filter((one) => can(one.id)).map((one) => ({ ...one, run: press(one.id) })),
    ...(place === "build" && step ? stepCommands(step) : []),
    place === "build" && view?.undo && { label: `Undo: ${view.undo}`, icon: "undo", keys: "Ctrl Z", run: () => change({ do: "undo" }) },
    place === "build" && view?.redo && { label: `Redo: ${view.redo}`, icon: "redo", keys: "Shift Ctrl Z", run: () => change({ do: "redo" }) },
    place === "build" && view?.steps.length && { label: "Tidy the canvas", icon: "graph", keys: "T", run: () => change({ do: "tidy" }) },
    place === "build" && { label: "Show the canvas", icon: "graph", run: () => go({ view: "" }) },
    place === "build" && { label: "Show the outline", icon: "lines", run: () => go({ view: "outline" }) },
    place === "build" && { label: "Show the YAML", icon: "braces", run: () => go({ view: "yaml" }) },
    place === "build" && { label: "Show the Python", icon: "braces", run: () => go({ view: "python" }) },
    place !== "build" && { label: "Go to Build", icon: "graph", run: () => go({ place: "build" }) },
    (place !== "run" || run) && { label: "Go to all runs", icon: "play", run: () => go({ place: "run", run: "" }) },
    (place !== "data" || run) && { label: "Go to all results", icon: "table", run: () => go({ place: "data", run: "" }) },
    place !== "gallery" && { label: "Go to the gallery", also: "new example", icon: "grid", run: () => go({ place: "gallery" }) },
    (place !== "labels" || project) && { label: "Go to all label projects", also: "review annotate", icon: "tag", run: () => go({ place: "labels", project: "" }) },
    ...pipelineCommands(),
    { label: "Switch light and dark", also: "theme mode", icon: "moon", run: press("theme-toggle") },
    { label: "Help and shortcuts", also: "keys", icon: "help", keys: "?", run: press("help") },
  ].filter(Boolean);
}
