/* The panel of the selected step: its form, its documentation and its previewed rows, under a head in which it is renamed. */

import { papers, passing } from "./about.js";
import { count, h, keepingFocus, put, sentence, tablist, tag } from "./dom.js";
import { change } from "./changes.js";
import { watchForm } from "./form.js";
import { icon } from "./icons.js";
import { startPreview } from "./preview.js";
import { unapplied, useButtons } from "./problems.js";
import { cell } from "./rows.js";
import { get, go, on, route, set } from "./store.js";
import { LANGUAGES } from "./texts.js";
import { markWrongEntries } from "./wrong_entries.js";

const TABS = ["step", "docs", "rows"];
const REPLIES = { model: "asks a model", rehearsal: "rehearsal", recordings: "recorded replies" };
const NAME = /^[A-Za-z0-9][A-Za-z0-9_-]{0,79}$/;

export const cardOf = (view = get("build")) => view?.steps.find((step) => step.name === view.selected);

/** The tab that is shown: "step", "docs" or "rows". */
export const tab = () => (route().place === "build" && TABS.includes(route().tab) ? route().tab : "step");

export function mountTabs(element) {
  const draw = () => {
    document.documentElement.dataset.panel = tab();
    const made = get("preview")?.steps?.[get("build")?.selected];
    const tabs = [
      { id: "step", label: "Step" },
      { id: "docs", label: "Docs" },
      { id: "rows", label: "Rows", count: made?.rows.length },
    ];
    const choose = (id) => go({ tab: id === "step" ? "" : id }, { replace: true });
    keepingFocus(element, () => put(element, route().place === "build" && tablist("Step panel", tabs, tab(), choose)));
  };
  on("route", draw);
  on("build", draw);
  on("preview", draw);
}

/* ---- head */

let renaming = null; // {step, typed, wrong} while the name is a field

export function mountHead(element) {
  watchForm();
  markWrongEntries();
  const draw = () => {
    const view = get("build");
    if (!view) return;
    const card = cardOf(view);
    if (renaming && renaming.step !== card?.name) renaming = null;
    keepingFocus(element, () => put(element, card ? head(card, draw) : h("p", { class: "df-hint" }, view.text.trim() ? "Select a step to edit it." : "The form of the selected step will be here.")));
  };
  on("build", draw);
  on("route", draw);
  on("renaming", (step) => {
    if (!step) return;
    set("renaming", null);
    if (LANGUAGES[get("shown")]) go({ view: "" }); // where the panel is
    if (get("build")?.selected !== step) change({ do: "select", step });
    renaming = { step, typed: step, wrong: "" };
    draw();
    element.querySelector("input")?.select();
  });
}

/** Make the name of a step a field, with the focus in it. */
function startRename(step) {
  set("renaming", step);
}

function head(card, draw) {
  const problems = card.problems.filter((problem) => problem.code !== "wrong-entry"); // those are told at their fields
  const isOnlyModel = problems.every((problem) => problem.code === "model-not-ready");
  return [
    h(
      "div",
      { class: "df-step-head" },
      h("span", { class: `df-tile xl ${card.asks ? "llm" : ""}` }, icon(card.icon)),
      h("div", { class: "df-grow" }, renaming ? nameField(card, draw) : h("h2", {}, card.name), h("p", { class: "df-small t3" }, [card.use, REPLIES[card.replies]].filter(Boolean).join(" · "))),
      !renaming && h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": `Rename ${card.name} (F2)`, "data-key": "rename", "data-testid": "rename-step", onclick: () => startRename(card.name) }, icon("pencil", "s")),
    ),
    tab() === "step" && [
      h("div", { class: "df-step-about df-small t2" }, h("p", {}, card.summary), h("p", { class: "df-passing" }, passing({ ...card, makes: card.adds })), papers(card.papers)),
      problems.length > 0 &&
        h("div", { class: "df-stack", id: "step-problems" }, problems.map((problem) => h("div", { class: "df-callout fail slim" }, h("p", { class: "df-callout-text" }, icon("warn"), h("span", {}, sentence(problem.what))), !isOnlyModel && problem.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), sentence(problem.fix)), problem.uses.length > 0 && h("div", { class: "df-row df-uses" }, useButtons(problem))))),
    ],
  ];
}

function nameField(card, draw) {
  const end = (isKept) => {
    if (!renaming) return;
    const name = renaming.typed.trim();
    const wrong = isKept && name !== card.name ? whatIsWrong(name) : "";
    if (wrong) {
      renaming.wrong = wrong;
      return draw();
    }
    renaming = null;
    draw();
    if (isKept && name !== card.name) change({ do: "rename", step: card.name, name });
    document.querySelector("[data-testid=rename-step]")?.focus();
  };
  const field = h("input", {
    type: "text",
    class: "df-rename",
    value: renaming.typed,
    maxlength: "80",
    spellcheck: "false",
    "aria-label": `New name of ${card.name}`,
    "aria-invalid": renaming.wrong ? "true" : null,
    "aria-describedby": renaming.wrong ? "rename-wrong" : null,
    "data-key": "rename-field",
    "data-testid": "rename-field",
    oninput: () => (renaming.typed = field.value),
    onblur: () => setTimeout(() => !field.isConnected || document.activeElement === field || end(!whatIsWrong(field.value.trim()))),
    onkeydown: (event) => {
      if (event.key === "Enter") (event.preventDefault(), end(true));
      if (event.key === "Escape") (event.stopPropagation(), end(false));
    },
  });
  return [field, renaming.wrong && h("p", { class: "df-small fail", id: "rename-wrong", role: "alert" }, sentence(renaming.wrong))];
}

function whatIsWrong(name) {
  if (unapplied()) return unapplied();
  if (!NAME.test(name)) return "a name has letters, digits, - and _, at most 80, and starts with a letter or digit";
  const isTaken = get("build").steps.some((step) => step.name === name && step.name !== renaming?.step);
  return isTaken ? `there is a step ${name} already; choose another name` : "";
}

/* ---- rows */

export function mountRows(element) {
  const draw = () => {
    if (!get("build") || tab() !== "rows") return put(element);
    return put(element, rows(cardOf(), get("preview")));
  };
  on("route", draw);
  on("build", draw);
  on("preview", draw);
}

function rows(card, preview) {
  if (!card) return null;
  if (preview?.isBusy) return h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), "Running 5 rows");
  const made = preview?.steps?.[card.name];
  if (!made) {
    return h("div", { class: "df-stack" }, h("p", { class: "df-hint" }, "What this step makes of 5 rows is shown here, without a run."), h("button", { type: "button", class: "df-btn", onclick: () => startPreview(card.name) }, icon("play", "s"), "Run this step on 5 rows"));
  }
  const isStale = preview.text !== undefined && preview.text !== get("build").text;
  return [
    isStale && h("p", {}, tag("Out of date: the pipeline was changed", "", "again")),
    made.failures.length > 0 && h("div", { class: "df-callout warn slim" }, h("p", { class: "df-callout-text" }, icon("warn"), h("span", {}, `${count(made.failures.length, "row")} failed: ${made.failures[0].title}`))),
    h("ol", { class: "df-row-cards" }, made.rows.map((row, at) => h("li", {}, h("h3", {}, `Row ${at + 1}`), h("dl", {}, ordered(made.columns, card.adds).map((column) => [h("dt", { class: card.adds.includes(column) ? "acc df-mono" : "df-mono" }, column), h("dd", {}, cell(row[column]))]))))),
    made.rows.length === 0 && h("p", { class: "df-hint" }, "No row left this step."),
  ];
}

/** What the step made first. */
function ordered(columns, adds) {
  return [...columns.filter((column) => adds.includes(column)), ...columns.filter((column) => !adds.includes(column))];
}
