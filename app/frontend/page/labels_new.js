/* Label projects: the list, and how a new one comes about: from a file, or from a run. */

import { ago, capital, count, empty, failure, h, number, put, say } from "./dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icons.js";
import { busy, problemOf } from "./importing.js";
import { knownProjects, load, loadItem } from "./labels_state.js";
import { address, fetchJson, go, postJson } from "./store.js";

const TYPES = [
  ["label", "One label"],
  ["rating", "A rating"],
  ["multi_label", "Several labels"],
  ["ranking", "A ranking"],
  ["spans", "Spans of the text"],
  ["text", "Free text"],
];
const RUNS = "distilflow-runs";

export async function drawList(element, isPublic) {
  put(element, h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), "Looking for label projects"));
  try {
    const names = isPublic ? `?${new URLSearchParams({ names: knownProjects().join(",") })}` : "";
    const projects = await fetchJson(`labels${names}`);
    put(element, projects.length ? table(projects) : beginning());
  } catch (error) {
    put(element, h("div", { class: "df-narrow" }, failure(error)));
  }
}

const importButton = (kind) => h("button", { type: "button", class: `df-btn ${kind}`, "data-testid": "labels-import", onclick: () => importDialog() }, icon("upload", "s"), "Import annotations");
const runButton = () => h("button", { type: "button", class: "df-btn", "data-testid": "labels-from-run", onclick: fromRun }, icon("play", "s"), "From a run");

function beginning() {
  return empty("Here people review labels", "Bring what people, LLMs and templates said about your items. You see where they disagree, answer what is least sure, and get labels that you can trust.", importButton("pri"), runButton());
}

function table(projects) {
  const row = (one) =>
    h(
      "tr",
      { class: "is-open", onclick: () => go({ project: one.name, item: "" }) },
      h("th", { scope: "row" }, h("a", { href: address({ project: one.name }).href, "data-testid": `project-${one.name}`, onclick: (event) => event.preventDefault() }, one.name), h("span", { class: "df-small t3 df-block" }, one.problem ?? one.question)),
      h("td", { class: "df-num" }, one.problem ? "–" : number(one.items)),
      h("td", { class: "df-num" }, one.problem ? "–" : number(one.annotations)),
      h("td", { class: "df-num" }, one.gold ? number(one.gold) : "–"),
      h("td", {}, one.round ? `Round ${one.round}` : "–"),
      h("td", {}, one.made_from ? capital(one.made_from) : "–"),
    );
  return h(
    "div",
    { class: "df-narrow wide df-stack" },
    h("div", { class: "df-row df-list-head" }, h("p", { class: "t2 df-grow" }, count(projects.length, "label project")), runButton(), importButton("pri")),
    h("table", { class: "df-table plain df-card-table", "data-testid": "projects-table" }, h("caption", { class: "df-sr" }, "Label projects, the newest first"), h("thead", {}, h("tr", {}, ["Project", "Items", "Annotations", "Gold", "Open", "Made from"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, projects.map(row))),
  );
}

/* ---- from a run */

async function fromRun() {
  const place = h("div", { class: "df-choices" }, busy("Looking for runs with annotations"));
  const dialog = openDialog("Review the labels of a run", () => place);
  try {
    const ids = JSON.parse(localStorage.getItem(RUNS) ?? "[]").join(",");
    const runs = await fetchJson(`labels/runs?${new URLSearchParams({ ids })}`);
    if (!runs.length) return put(place, h("p", { class: "t2" }, "No run has annotations. A run has some when its result has the columns item, annotator and label, or when its pipeline ends with ConsolidateLabels."));
    const open = async (run) => {
      if (await openRun(run.id, (error) => put(place, failure(error)))) dialog.close();
    };
    return put(place, runs.map((run) => h("button", { type: "button", class: "df-choice", "data-testid": `run-${run.id}`, onclick: () => open(run) }, h("b", {}, run.id), h("span", { class: "df-small t3" }, `${count(run.rows, "row")}, ${ago(run.started_at)}${run.project ? `, open as ${run.project}` : ""}`))));
  } catch (error) {
    return put(place, failure(error));
  }
}

/** Open the project of a run; it is made if there is none. Gives whether that went well. */
export async function openRun(run, fail) {
  try {
    const { name } = await postJson("labels/from-run", { run });
    go({ place: "labels", project: name, item: "" });
    return true;
  } catch (error) {
    fail(error);
    return false;
  }
}

/* ---- from a file */

/** `into`: the project that the rows are added to. */
export function importDialog({ into } = {}) {
  const picker = h("input", { type: "file", accept: ".csv,.tsv,.jsonl,.json,.ndjson", id: "labels-file", class: "df-file" });
  const area = h("textarea", { class: "df-area", rows: "6", id: "labels-text", spellcheck: "false", placeholder: "item,annotator,label\nq1,ann,good\nq1,bob,bad" });
  const name = h("input", { class: "df-input", id: "labels-name", maxlength: "80", placeholder: "from the file" });
  const title = h("input", { class: "df-input", id: "labels-question", maxlength: "500", value: "Which label fits?" });
  const type = h("select", { class: "df-select", id: "labels-type" }, TYPES.map(([id, words]) => h("option", { value: id }, words)));
  const labels = h("input", { class: "df-input", id: "labels-labels", placeholder: "those that occur; or correct, partly, wrong" });
  const found = h("div", { class: "df-found", "aria-live": "polite", "data-testid": "labels-found" });
  const create = h("button", { type: "button", class: "df-btn pri", id: "labels-create", onclick: () => make() }, into ? "Add rows" : "Create project");
  let file = "pasted.csv";
  let timer = 0;

  const look = async () => {
    clearTimeout(timer);
    if (!area.value.trim()) return put(found);
    put(found, busy("Reading it"));
    try {
      const told = await postJson("labels/look", { text: area.value, file });
      if (told.type !== "label") type.value = told.type;
      return put(found, h("p", { class: "df-small t2" }, understood(told)));
    } catch (error) {
      return put(found, problemOf({ what: error.message, fix: error.fix }));
    }
  };
  picker.addEventListener("change", async () => {
    if (!picker.files[0]) return;
    file = picker.files[0].name;
    name.placeholder = file.replace(/\.[^.]*$/, "");
    area.value = await picker.files[0].text();
    look();
  });
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, 400);
  });
  const make = async () => {
    if (!area.value.trim()) return put(found, problemOf({ what: "there are no rows yet", fix: "choose a file, or paste some rows" }));
    put(found, busy(into ? "Adding the rows" : "Making the project"));
    create.disabled = true;
    try {
      if (into) {
        const added = await postJson(`labels/${encodeURIComponent(into)}/rows`, { text: area.value, file });
        say(addedWords(added));
        dialog.close();
        await load();
        return loadItem();
      }
      const question = { type: type.value, title: title.value.trim() || "Which label fits?", labels: labels.value.split(",").map((one) => one.trim()).filter(Boolean) };
      const made = await postJson("labels", { name: name.value.trim(), text: area.value, file, question });
      dialog.close();
      return go({ place: "labels", project: made.name, item: "" });
    } catch (error) {
      create.disabled = false;
      return put(found, problemOf({ what: error.message, fix: error.fix }));
    }
  };
  const field = (label, element) => [h("label", { class: "df-label", for: element.id }, label), element];
  const dialog = openDialog(into ? "Add rows" : "Import annotations", () => [
    field("File: CSV or JSON Lines, a row for each annotation: item, annotator, label. Other columns are shown with the item; gold is used.", picker),
    field("Or paste it", area),
    found,
    !into && h("div", { class: "df-two df-new" }, h("div", {}, field("Question", title)), h("div", {}, field("Answers are", type)), h("div", {}, field("Name of the project", name)), h("div", {}, field("Labels, with commas; empty for those that occur", labels))),
    h("div", { class: "df-row df-end" }, h("button", { type: "button", class: "df-btn", onclick: () => dialog.close() }, "Cancel"), create),
  ], "wide");
  picker.focus();
}

/** What came of adding rows. */
function addedWords(added) {
  const parts = [[added.annotations, "annotation"], [added.items, "item"], [added.gold, "gold label"]].filter(([number]) => number).map(([number, what]) => count(number, what));
  return `${parts.length ? parts.join(", ") : "Nothing"} added${added.replaced ? `, ${added.replaced} replaced` : ""}${added.known ? `, ${added.known} known already` : ""}`;
}

function understood(told) {
  const shown = told.columns.length ? ` Shown with each: ${told.columns.join(", ")}.` : "";
  if (!told.annotations) return `No column says who answered: ${count(told.items, "item")} without answers.${shown}${told.gold ? ` ${count(told.gold, "row")} with gold.` : ""} Name the labels below, and begin.`;
  const labels = told.labels.length <= 8 ? `: ${told.labels.join(", ")}` : "";
  return `${count(told.annotations, "annotation")} of ${count(told.items, "item")} by ${count(told.annotators, "annotator")}, ${count(told.labels.length, "label")}${labels}.${told.gold ? ` ${count(told.gold, "row")} with gold.` : ""}${shown}`;
}
