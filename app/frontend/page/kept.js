/* Pipelines by name in this browser, for servers that keep none: one entry each in its local storage, which holds 5 MB in all. */

import { get, on, route, set } from "./store.js";

const PREFIX = "distilflow-pipeline:";
let opening = () => null; // what is being opened
let openIt = null;
let last = null; // {name, version}: what this tab wrote or read last

export function keepInBrowser(open, asked) {
  openIt = open;
  opening = asked;
  let isFirst = true;
  on("build", (view) => {
    if (isFirst) {
      isFirst = false;
      const record = read(route().pipeline);
      if (record && (view.file.name !== route().pipeline || view.text !== record.text)) {
        open({ do: "text", text: record.text, name: route().pipeline });
        return;
      }
      if (record) last = { name: view.file.name, version: record.version };
    }
    if (!opening()) keep(view);
  });
  window.addEventListener("storage", (event) => {
    const name = get("build")?.file.name;
    if (event.key !== PREFIX + name || !event.newValue) return;
    if (read(name).text !== get("build").text) set("elsewhere", "tab");
    else last = { name, version: read(name).version };
  });
}

/** Names that are taken here: the server does not know them. */
export function fitted(told) {
  if (told.do === "new") return { ...told, name: freeName("untitled") };
  if (told.do === "duplicate") return { ...told, name: freeName(`${get("build").file.name.slice(0, 70)}_copy`) };
  if (told.do === "delete") localStorage.removeItem(PREFIX + get("build").file.name);
  if (told.do === "open" && has(told.name)) return { do: "text", text: read(told.name).text, name: told.name };
  if (told.do === "example" || (told.do === "text" && told.name)) return told;
  return told.do === "text" ? { ...told, name: freeName(/^name:\s*["']?([\w-]{1,80})/m.exec(told.text)?.[1] ?? "pipeline") } : told;
}

export function noteOpened(told, view) {
  const record = read(view.file.name);
  last = record && told.do !== "example" ? { name: view.file.name, version: record.version } : null;
  set("kept", { at: record && told.do !== "example" ? record.saved_at : null });
  if (["text", "new", "duplicate"].includes(told.do)) keep(view, true);
}

export function has(name) {
  return localStorage.getItem(PREFIX + name) !== null;
}

export function entries() {
  return Object.keys(localStorage)
    .filter((key) => key.startsWith(PREFIX))
    .map((key) => ({ name: key.slice(PREFIX.length), ...read(key.slice(PREFIX.length)) }))
    .sort((one, other) => other.saved_at - one.saved_at);
}

export function loadTheirs() {
  const { name } = get("build").file;
  openIt({ do: "text", text: read(name).text, name });
}

export function keepMine() {
  const view = get("build");
  last = { name: view.file.name, version: read(view.file.name)?.version };
  set("elsewhere", null);
  keep(view, true);
}

function read(name) {
  try {
    return name ? JSON.parse(localStorage.getItem(PREFIX + name)) : null;
  } catch {
    return null;
  }
}

function keep(view, isNew = false) {
  const { name } = view.file;
  if (!name || !view.text.trim() || get("elsewhere")) return;
  const record = read(name);
  if (record?.text === view.text) {
    set("kept", { at: record.saved_at });
    last = { name, version: record.version };
    return;
  }
  if (!isNew && !record && !view.undo && !view.redo) return; // an example that nobody changed
  if (record && last?.version !== record.version) {
    set("elsewhere", "tab");
    return;
  }
  const written = { text: view.text, steps: view.steps.length, about: view.description, saved_at: Date.now() / 1000, version: crypto.randomUUID() };
  try {
    localStorage.setItem(PREFIX + name, JSON.stringify(written));
  } catch {
    set("kept", { problem: "this browser has no room left, it holds 5 MB. Download the YAML, or delete other pipelines" });
    return;
  }
  if (last && last.name !== name && isRenamed(last.name, view)) localStorage.removeItem(PREFIX + last.name);
  last = { name, version: written.version };
  set("kept", { at: written.saved_at });
}

/** Whether what is kept under another name is this pipeline, but for its name: a pipeline that was opened meanwhile is not. */
function isRenamed(before, view) {
  const nameless = (text) => text.replace(/^name:.*$/m, "");
  const record = read(before);
  return Boolean(record) && nameless(record.text) === nameless(view.text);
}

function freeName(stem) {
  let name = stem;
  for (let at = 2; has(name); at++) name = `${stem.slice(0, 70)}_${at}`;
  return name;
}
