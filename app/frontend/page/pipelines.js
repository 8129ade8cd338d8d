/* Pipelines by name: what opens them, the title with its menu, and whether what is shown is saved. */

import { change } from "./changes.js";
import { ago, clockTime, count, h, put, saveFile, say, tag } from "./dom.js";
import { afterEdits, isSettled } from "./edits.js";
import { icon } from "./icons.js";
import * as kept from "./kept.js";
import { fetchJson, get, go, on, route, set, whenReady } from "./store.js";

const LOOK_MS = 3000;
const SEARCHED = 8; // with more pipelines than this the list has a search
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/;

let where = "server";
let send = null;
let asked = null; // what is being opened

/* ---- opening */

export function mountOpener(element, { props, trigger }) {
  where = props.value.where;
  send = (told) => trigger("submit", told);
  if (where === "browser") kept.keepInBrowser(open, () => asked);
  else watchDisk();
  on("build", (view) => {
    if (asked || !view.file.name || view.file.name === route().pipeline) return;
    go({ pipeline: view.file.name }, { replace: true });
  });
  window.addEventListener("popstate", () => {
    const name = route().pipeline;
    if (name && get("build") && name !== get("build").file.name) open({ do: "open", name });
  });
  window.addEventListener("df-lost", () => {
    asked = null;
  });
  dropFiles();
}

/** Open something in Build, as `app/handlers/opening.py` knows it: {do: "example", file}. What was edited before is saved first. */
export function open(told) {
  whenReady(() =>
    afterEdits(() => {
      asked = told;
      set("deleted", null);
      send(where === "browser" ? kept.fitted(told) : told);
    }),
  );
}

/** Gradio calls this when an opening has been answered. */
export function opened() {
  const told = asked;
  asked = null;
  set("elsewhere", null);
  const view = get("build");
  if (where === "browser") kept.noteOpened(told, view);
  if (told?.do === "delete") {
    go({ place: "build", view: "", pipeline: "" });
    return;
  }
  if (["load-theirs", "keep-mine"].includes(told?.do)) return;
  go({ place: "build", view: "", pipeline: view.file.name || route().pipeline });
}

/** Open the pipeline of a run: the one of its name, else as it ran. */
export async function openPipelineOf(run) {
  const name = run.report.pipeline;
  const isThere = (where === "browser" && kept.has(name)) || (await fetchJson(`pipelines/${encodeURIComponent(name)}/view`).then(() => true, () => false));
  const found = isThere ? null : await fetchJson(`runs/${encodeURIComponent(run.id)}/pipeline`).catch(() => null);
  open(found ? { do: "text", text: found.text } : { do: "open", name });
}

/** A pipeline file dropped anywhere on the page is looked at as an import. */
function dropFiles() {
  document.addEventListener("dragover", (event) => {
    if ([...(event.dataTransfer?.types ?? [])].includes("Files")) event.preventDefault();
  });
  document.addEventListener("drop", async (event) => {
    const [file] = event.dataTransfer?.files ?? [];
    if (!file || event.defaultPrevented) return;
    event.preventDefault();
    const { importDialog } = await import("./importing.js");
    importDialog({ file });
  });
}

/* ---- is it saved */

/** Whether what lies on disk is still what is shown: editors, git and other tabs write there too. */
function watchDisk() {
  const look = async () => {
    const view = get("build");
    const { name, version } = view?.file ?? {};
    if (!name || !version || route().place !== "build" || document.hidden || get("elsewhere")) return;
    const found = await fetchJson(`pipelines/${encodeURIComponent(name)}`).catch(() => null);
    if (found && get("build").file === view.file && isSettled() && found.version !== version) set("elsewhere", found.version ?? "gone");
  };
  setInterval(look, LOOK_MS);
  window.addEventListener("focus", look);
}

export function savedState(view) {
  const { name, problem, saved_at, version } = view.file;
  if (!name) return null;
  if (get("elsewhere") || problem === "changed-on-disk") return conflict();
  if (problem || get("kept")?.problem) return tag(`Not saved: ${problem || get("kept").problem}`, "warn", "warn");
  const at = where === "browser" ? get("kept")?.at : version && saved_at;
  if (at) return h("span", { class: "df-saved", "data-testid": "saved" }, icon("tick", "s"), `Saved ${clockTime(at)}`);
  return h("span", { class: "df-saved", "data-testid": "saved", title: "It is saved when you change it" }, "Example");
}

function conflict() {
  const isGone = get("elsewhere") === "gone";
  const button = (key, label, act) => h("button", { type: "button", class: "df-btn sm", "data-key": key, "data-testid": key, onclick: act }, label);
  return h(
    "span",
    { class: "df-row df-conflict", role: "alert" },
    tag(isGone ? "The file is gone" : where === "browser" ? "Changed in another tab" : "Changed on disk", "warn", "warn"),
    !isGone && button("load-theirs", "Load it", () => (where === "browser" ? kept.loadTheirs() : open({ do: "load-theirs" }))),
    button("keep-mine", "Keep mine", () => (where === "browser" ? kept.keepMine() : open({ do: "keep-mine" }))),
  );
}

/* ---- the title and its menu */

export function titleOf(view) {
  const name = view.file.name || view.name;
  if (!name) {
    return h("span", { class: "df-titled" }, h("h1", { class: "df-title" }, "No pipeline yet"), chevron());
  }
  if (get("renamingPipeline")) return h("span", { class: "df-titled" }, renameBox(name));
  return h("span", { class: "df-titled" }, h("h1", { class: "df-title", title: "Double click to rename", ondblclick: rename }, name), chevron());
}

function chevron() {
  return h(
    "button",
    { type: "button", class: "df-btn ghost ic sm", id: "pipelines", "data-key": "pipelines", "data-testid": "pipelines", "aria-label": "Pipelines", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: showMenu },
    icon("down", "s"),
  );
}

function rename() {
  set("renamingPipeline", true);
  const box = document.getElementById("rename-pipeline");
  box?.focus();
  box?.select();
}

function renameBox(name) {
  const box = h("input", { type: "text", class: "df-input df-rename", id: "rename-pipeline", "aria-label": "Name of the pipeline", "data-key": "rename-pipeline", maxlength: "80", spellcheck: "false" });
  box.value = name;
  const end = (isTaken) => {
    if (!get("renamingPipeline")) return;
    const wanted = box.value.trim();
    if (isTaken && wanted !== name) {
      const wrong = !NAME.test(wanted) ? "Letters, digits, '-' and '_' only, a letter or digit first" : where === "browser" && kept.has(wanted) ? "There is a pipeline of this name already" : "";
      box.setCustomValidity(wrong);
      if (wrong) return void box.reportValidity();
      change({ do: "rename-pipeline", name: wanted });
    }
    set("renamingPipeline", false);
    document.getElementById("pipelines")?.focus();
  };
  box.addEventListener("input", () => box.setCustomValidity(""));
  box.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== "Escape") return;
    event.preventDefault(); // the button that gets the focus would take it for a click
    end(event.key === "Enter");
  });
  box.addEventListener("blur", () => setTimeout(() => document.activeElement !== box && box.isConnected && (NAME.test(box.value.trim()) ? end(true) : end(false)), 0));
  return box;
}

async function showMenu(event) {
  const opener = event.currentTarget;
  if (document.getElementById("pipelines-menu")) return document.getElementById("pipelines-menu").close();
  const view = get("build");
  const name = view?.file.name;
  const list = h("div", { class: "df-menu-list", "aria-busy": "true" });
  const isSaved = name && (where === "browser" ? kept.has(name) : view.file.version);
  const act = (label, sign, does, id, classes = "") =>
    h("button", { type: "button", class: `df-menu-item ${classes}`, "data-testid": id, onclick: () => (menu.close(), does()) }, icon(sign, "s"), label);
  const search = h("input", { type: "search", class: "df-input", id: "pipelines-search", placeholder: "Find a pipeline", "aria-label": "Find a pipeline", hidden: true });
  const menu = h(
    "dialog",
    { class: "df-menu", id: "pipelines-menu", "aria-label": "Pipelines" },
    search,
    list,
    h(
      "div",
      { class: "df-menu-acts" },
      act("New", "plus", () => open({ do: "new" }), "pipeline-new", "df-edits"),
      name && act("Rename", "pencil", rename, "pipeline-rename", "df-edits"),
      name && act("Duplicate", "copy", () => open({ do: "duplicate" }), "pipeline-duplicate", "df-edits"),
      name && act("Download YAML", "download", () => download(view), "pipeline-download"),
      act("Import", "upload", async () => (await import("./importing.js")).importDialog(), "pipeline-import"),
      isSaved && act("Delete", "trash", () => remove(view), "pipeline-delete"),
    ),
  );
  opener.setAttribute("aria-expanded", "true");
  menu.addEventListener("close", () => {
    menu.remove();
    const again = document.getElementById("pipelines"); // the title may have been drawn anew
    again?.setAttribute("aria-expanded", "false");
    if (!get("renamingPipeline")) again?.focus();
  });
  menu.addEventListener("click", (click) => click.target === menu && menu.close());
  menu.addEventListener("keydown", (key) => {
    const step = { ArrowDown: 1, ArrowUp: -1 }[key.key];
    if (!step) return;
    key.preventDefault();
    const items = [...menu.querySelectorAll(".df-menu-item:not([hidden])")];
    items[(items.indexOf(document.activeElement) + step + items.length) % items.length]?.focus();
  });
  const box = opener.closest(".df-titled").getBoundingClientRect();
  menu.style.setProperty("--left", `${Math.max(8, Math.min(box.left, innerWidth - 328))}px`);
  menu.style.setProperty("--top", `${box.bottom + 6}px`);
  document.body.append(menu);
  menu.showModal();
  await fillList(list, search, name, menu);
}

async function fillList(list, search, name, menu) {
  const found = where === "browser" ? kept.entries() : await fetchJson("pipelines").catch((error) => error);
  list.removeAttribute("aria-busy");
  if (found instanceof Error) return put(list, h("p", { class: "df-hint df-pad" }, `The list cannot be read: ${found.message}`));
  if (!found.length) return put(list, h("p", { class: "df-hint df-pad" }, "No pipeline is saved yet."));
  const draw = () => {
    const wanted = search.value.trim().toLowerCase();
    const shown = found.filter((one) => one.name.toLowerCase().includes(wanted) || (one.about ?? "").toLowerCase().includes(wanted));
    if (shown.length) list.setAttribute("role", "list");
    else list.removeAttribute("role"); // what is no list must not say so
    put(list, shown.length ? shown.slice(0, 200).map((one) => entry(one, name, menu)) : h("p", { class: "df-hint df-pad" }, "No pipeline has this in its name."));
  };
  search.hidden = found.length <= SEARCHED;
  search.addEventListener("input", draw);
  draw();
  (search.hidden ? list.querySelector(".df-menu-item") : search)?.focus();
  return undefined;
}

function entry(one, name, menu) {
  const facts = [one.steps === null ? "cannot be read" : count(one.steps, "step"), ago(one.saved_at)].join(" · ");
  const isOpen = one.name === name;
  return h(
    "div",
    { role: "listitem" },
    h(
      "button",
      { type: "button", class: "df-menu-item two", "aria-current": isOpen ? "true" : null, "data-testid": `pipeline-${one.name}`, onclick: () => (menu.close(), isOpen || open({ do: "open", name: one.name })) },
      isOpen ? icon("tick", "s") : h("span", { class: "df-i s" }),
      h("span", { class: "df-grow" }, h("span", { class: "df-one-line df-block" }, one.name), h("span", { class: "df-small t3" }, facts)),
    ),
  );
}

function download(view) {
  saveFile(`${view.file.name}.yaml`, view.text, "application/yaml");
}

/** What the search for commands offers of pipelines. */
export function pipelineCommands() {
  const view = get("build");
  const isOpen = route().place === "build" && Boolean(view?.file.name);
  return [
    { label: "New pipeline", also: "blank canvas", icon: "plus", run: () => open({ do: "new" }) },
    { label: "Import a pipeline", also: "yaml distilabel hub", icon: "upload", run: async () => (await import("./importing.js")).importDialog() },
    isOpen && { label: "Rename the pipeline", icon: "pencil", run: rename },
    isOpen && { label: "Duplicate the pipeline", icon: "copy", run: () => open({ do: "duplicate" }) },
    isOpen && { label: "Download the YAML", icon: "download", run: () => download(view) },
  ];
}

/* ---- deleting, and back */

function remove(view) {
  const gone = { name: view.file.name, text: view.text };
  const stop = on("build", (now) => {
    if (now.file.name) return;
    queueMicrotask(() => stop());
    set("deleted", gone);
    say(`Deleted ${gone.name}`);
  });
  open({ do: "delete" });
}

export function deletedNotice() {
  const gone = get("deleted");
  if (!gone) return null;
  return h(
    "div",
    { class: "df-callout slim", "data-testid": "deleted" },
    h("p", { class: "df-callout-text df-middle" }, icon("tick"), h("span", { class: "df-grow" }, `Deleted ${gone.name}.`), h("button", { type: "button", class: "df-btn sm", "data-key": "undelete", onclick: () => open(where === "browser" ? { do: "text", text: gone.text, name: gone.name } : { do: "restore", name: gone.name }) }, "Undo")),
  );
}
