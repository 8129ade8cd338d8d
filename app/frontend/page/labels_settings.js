/* What can be changed of a project, and what can be taken out of it. */

import { failure, h, put } from "./dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icons.js";
import { importDialog } from "./labels_new.js";
import { nextRound } from "./labels_rounds.js";
import { base, load, loadItem, overview, segment } from "./labels_state.js";
import { closePopover } from "./popover.js";
import { api, go, postJson } from "./store.js";

const STRATEGIES = [
  ["auto", "Chosen by what suits the answers best"],
  ["learned", "Learned: annotators, families, confidence"],
  ["dawid_skene", "Dawid-Skene"],
  ["one_coin", "One coin for each annotator"],
  ["weighted", "Weighted votes"],
  ["majority", "Majority"],
];

export function exportChoices() {
  const view = overview();
  const link = (words, about, path, id) => h("a", { class: "df-choice", href: api(`${base()}/${path}`), download: "", "data-testid": id, onclick: () => closePopover({ refocus: true }) }, h("b", {}, words), h("span", { class: "df-small t3" }, about));
  const form = (words, path, id, about) => h("a", { class: "df-choice df-small", href: api(`${base()}/${path}`), download: "", "data-testid": id, "aria-label": `${about} as ${words}`, onclick: () => closePopover({ refocus: true }) }, words);
  const row = (title, about, what, asked, id) => h("div", { class: "df-export" }, h("span", {}, title, h("span", { class: "df-small t3 df-block" }, about)), form("JSON Lines", `export/${what}.jsonl?${asked}`, id, title), form("CSV", `export/${what}.csv?${asked}`, `${id}-csv`, title), form("Parquet", `export/${what}.parquet?${asked}`, `${id}-parquet`, title));
  const both = (title, asked, id) => [
    h("h3", {}, title),
    row("Annotations", "Who said what", "annotations", asked, `${id}-annotations`),
    view.version && row("Labels", "And how sure each is", "labels", asked, `${id}-labels`),
  ];
  return h(
    "div",
    { class: "df-choices df-exports" },
    view.round && both(`Round ${view.round.number}`, new URLSearchParams({ rounds: view.round.number }), "round"),
    segment().size > 0 && both("What the queue shows", segment(), "segment"),
    both("Everything", "", "all"),
    view.version && [
      h("h3", {}, "For new reviewers and pipelines"),
      link("Onboarding examples", "Markdown, with explanations", "onboarding.md", "onboarding-md"),
      link("Onboarding examples as rows", "JSON Lines", "onboarding.jsonl", "onboarding-jsonl"),
      link(`Strategy v${view.version.number}`, "JSON, for strategy_file of ConsolidateLabels", `strategy.json?version=${view.version.number}`, "save-strategy"),
    ],
  );
}

export function settingsDialog() {
  const view = overview();
  if (!view) return;
  const { question, settings } = view;
  const title = h("input", { class: "df-input", id: "set-title", maxlength: "500" });
  title.value = question.title;
  const text = h("textarea", { class: "df-input", id: "set-guideline", rows: "5", maxlength: "20000", placeholder: "What counts, and what does not. Reviewers read it beside the question." });
  text.value = question.guideline;
  const labels = h("input", { class: "df-input", id: "set-labels" });
  labels.value = question.labels.map((one) => one.value).join(", ");
  const columns = view.columns.map((name) => {
    const box = h("input", { type: "checkbox", value: name });
    box.checked = !settings.shown.length || settings.shown.includes(name);
    return { box, element: h("label", { class: "df-check" }, box, name) };
  });
  const choice = (id, options, value) => {
    const made = h("select", { class: "df-select", id }, options.map(([key, words]) => h("option", { value: key }, words)));
    made.value = value;
    return made;
  };
  const topic = choice("set-topic", [["", "none"], ...view.columns.map((name) => [name, name])], settings.topic);
  const strategy = choice("set-strategy", STRATEGIES, settings.strategy);
  const size = h("input", { class: "df-input", id: "set-size", type: "number", min: "1", max: "1000" });
  size.value = settings.round_size;
  const found = h("div", { "aria-live": "polite" });
  const save = async () => {
    const shown = columns.filter((one) => one.box.checked).map((one) => one.box.value);
    const told = {
      title: title.value.trim() || question.title,
      guideline: text.value,
      labels: labels.value.split(",").map((one) => one.trim()).filter(Boolean),
      shown: shown.length === columns.length ? [] : shown,
      topic: topic.value,
      strategy: strategy.value,
      round_size: Math.max(1, Math.min(1000, Number(size.value) || 40)),
    };
    try {
      await postJson(`${base()}/settings`, told);
      dialog.close();
      await load();
      loadItem();
    } catch (error) {
      put(found, failure(error));
    }
  };
  const field = (words, element) => h("div", {}, h("label", { class: "df-label", for: element.id }, words), element);
  const remove = async () => {
    await postJson(`${base()}/delete`, {}).catch(() => null);
    dialog.close();
    go({ project: "", item: "" });
  };
  const dialog = openDialog("Question, columns and rounds", () => [
    field("Question", title),
    field("Guideline", text),
    field("Labels in the order of their keys, with commas", labels),
    columns.length > 0 && h("fieldset", { class: "df-set-columns" }, h("legend", { class: "df-label" }, "Columns that reviewers see"), columns.map((one) => one.element)),
    h("div", { class: "df-two df-new" }, field("Column that parts items into topics", topic), field("Strategy", strategy), field("Items in a round", size)),
    h("div", { class: "df-row df-set-more" }, h("button", { type: "button", class: "df-btn", "data-testid": "add-rows", onclick: () => (dialog.close(), importDialog({ into: view.name })) }, icon("upload", "s"), "Add rows"), h("button", { type: "button", class: "df-btn", "data-testid": "close-round", onclick: () => (dialog.close(), nextRound()) }, icon("again", "s"), view.round ? "Close this round, open the next" : "Open the next round"), h("span", { class: "df-grow" }), h("button", { type: "button", class: "df-btn danger", onclick: remove }, icon("trash", "s"), "Delete project")),
    found,
    h("div", { class: "df-row df-end" }, h("button", { type: "button", class: "df-btn", onclick: () => dialog.close() }, "Cancel"), h("button", { type: "button", class: "df-btn pri", "data-testid": "save-settings", onclick: save }, "Save")),
  ], "wide");
}
