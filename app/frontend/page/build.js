/* Build: what Python sends, the page bar, and the outline of the pipeline. */

import { capital, chips, count, failure, h, keepingFocus, put, tag } from "./dom.js";
import { change, startChanges } from "./changes.js";
import { checkOf, took } from "./check.js";
import { askForForms, enterForm } from "./form.js";
import { icon } from "./icons.js";
import { outline, problemCallout } from "./outline.js";
import { deletedNotice, savedState, titleOf } from "./pipelines.js";
import { previewOf } from "./preview.js";
import { useButtons } from "./problems.js";
import { keys } from "./shell.js";
import { beginning } from "./start.js";
import { get, go, on, route, set } from "./store.js";
import { unappliedNotice } from "./text_changes.js";
import { LANGUAGES } from "./texts.js";

/* ---- what Python sends: two parts without a face */

export function mountModel(element, { props, trigger, watch }) {
  askForForms((form) => trigger("submit", { form }));
  const take = () => props.value && set("build", { ...props.value });
  take();
  watch("value", take);
  startChanges((told) => trigger("input", told));
}

/* ---- page bar */

export function mountTitle(element) {
  let shown = "";
  const draw = () => {
    const view = get("build");
    if (!view) return;
    const told = JSON.stringify([view.name, view.file, view.is_kept, view.undo, view.redo, get("elsewhere"), get("renamingPipeline"), get("kept")]);
    if (told === shown) return; // a click that begins on a button and ends on its copy is none
    shown = told;
    keepingFocus(element, () =>
      put(
        element,
        titleOf(view),
        savedState(view),
        h("span", { class: "df-tag df-readonly" }, icon("eye"), "Read only"),
        h("span", { class: "df-sep" }),
        seg(),
        view.name && undoButtons(view),
      ),
    );
  };
  for (const name of ["build", "elsewhere", "renamingPipeline", "kept"]) on(name, draw);
  on("route", () => {
    for (const button of element.querySelectorAll(".df-seg button")) button.setAttribute("aria-pressed", String((route().view || "canvas") === button.dataset.view));
  });
  keys("build", { undo: () => get("build")?.undo && change({ do: "undo" }), redo: () => get("build")?.redo && change({ do: "redo" }) });
}

function seg() {
  const views = [
    ["canvas", "Canvas"],
    ["outline", "Outline"],
    ...Object.entries(LANGUAGES).map(([id, language]) => [id, language.label]),
  ];
  return h(
    "div",
    { class: "df-seg", role: "group", "aria-label": "View" },
    views.map(([id, label]) =>
      h("button", { type: "button", "data-view": id, "data-key": `view-${id}`, "data-testid": `view-${id}`, "aria-pressed": String((route().view || "canvas") === id), onclick: () => go({ view: id === "canvas" ? "" : id }) }, label),
    ),
  );
}

function undoButtons(view) {
  const one = (what, sign, keysText) =>
    h(
      "button",
      {
        type: "button",
        class: `df-btn ghost ic sm ${view[what] ? "" : "off"}`,
        "aria-label": view[what] ? `${capital(what)}: ${view[what]} (${keysText})` : `Nothing to ${what}`,
        title: view[what] ? `${capital(what)}: ${view[what]}` : null,
        "aria-disabled": view[what] ? null : "true",
        "data-key": what,
        onclick: () => view[what] && change({ do: what }),
      },
      icon(sign, "s"),
    );
  return h("span", { class: "df-row df-undo" }, one("undo", "undo", "Ctrl Z"), one("redo", "redo", "Shift Ctrl Z"));
}

/* ---- outline */

const choose = (step) => get("build")?.selected !== step && change({ do: "select", step });

export function mountOutline(element) {
  const draw = () => {
    const view = get("build");
    if (!view) return;
    keepingFocus(element, () => put(element, get("shown") === "outline" && body(view)));
  };
  on("build", draw);
  on("shown", draw);
  on("preview", draw);
  on("check", draw);
  on("unapplied", draw);
  const move = (step) => {
    const names = (get("build")?.steps ?? []).map((card) => card.name);
    const next = names[names.indexOf(get("build").selected) + step];
    if (!next) return;
    choose(next);
    element.querySelector(`[data-key="step-${CSS.escape(next)}"]`)?.focus();
  };
  keys("build", {
    j: () => move(1),
    k: () => move(-1),
  });
  element.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && event.target.matches?.(".df-card[aria-current]")) {
      enterForm();
    }
  });
}

/** What went wrong with the last change, over whatever is shown of the pipeline. */
export function mountNotice(element) {
  const draw = () => get("build") && keepingFocus(element, () => put(element, notice(get("build"))));
  on("build", draw);
  on("lost", draw);
  on("refused", draw);
  on("shown", () => get("refused") && set("refused", null));
  on("unapplied", draw);
  on("shown", draw);
  on("deleted", draw);
}

function notice(view) {
  const lost = get("lost");
  const told = [
    lost && failure({ message: `The server did not get, or did not answer, the last change (${lost})`, fix: "the form shows what is saved; make the change again, or reload the page" }),
    get("refused") && failure(get("refused")),
    unappliedNotice(),
    deletedNotice(),
    view.name && !view.steps.length && !view.error && h("div", { class: "df-callout slim", "data-testid": "no-steps" }, h("p", { class: "df-callout-text" }, icon("plus"), h("span", {}, "Nothing is here yet. Double-click a source in the palette, such as LoadDataFromFileSystem, then what comes after it."))),
    view.notice && failure({ message: view.notice.what, fix: view.notice.fix }),
  ].filter(Boolean);
  return told.length > 0 && h("div", { class: "df-notice df-stack" }, told);
}

function body(view) {
  if (!view.text.trim()) return beginning();
  if (view.error) {
    return h("div", { class: "df-narrow" }, problemCallout(view.error), h("button", { type: "button", class: "df-btn", onclick: () => go({ view: "yaml" }) }, "Open the YAML"));
  }
  const preview = get("preview");
  const general = view.problems.filter((problem) => !problem.step);
  const list = outline(view.steps, {
    selected: view.selected,
    choose,
    footer: (card) => footer(card, preview),
    after: (card) => card.problems.map((problem) => problemCallout(problem, card.name, useButtons(problem))),
  });
  list.append(...view.result.map(result));
  return h("div", { class: "df-narrow" }, view.description && h("p", { class: "df-about" }, view.description), general.map((problem) => problemCallout(problem)), list);
}

function result(one) {
  const columns = one.columns ?? [];
  return h(
    "li",
    { style: { "--depth": 0 } },
    h(
      "div",
      { class: "df-card is-result", "data-testid": `result-${one.leaf}` },
      h("span", { class: "df-tile" }, icon("box")),
      h("span", { class: "df-card-name" }, h("span", { class: "nm" }, "distiset"), h("span", { class: "cl" }, `Result of ${one.leaf}`)),
      h("span", { class: "df-card-chips" }, one.columns ? chips(columns, { limit: 4, sign: "", kind: "" }) : h("span", { class: "df-aside" }, "columns are known once it ran")),
      h("span", { class: "df-card-foot" }, h("span", { class: "df-amount" }, ""), h("span", { class: "df-aside" }, one.columns ? count(columns.length, "column") : "")),
    ),
  );
}

function footer(card, preview) {
  const made = previewOf(card.name);
  const checked = checkOf(card.name);
  if (card.problems.length) {
    return { parts: [h("span", { class: "df-amount fail" }, icon("warn"), card.problems.length > 1 ? count(card.problems.length, "problem") : card.problems[0].title)], state: "" };
  }
  if (checked && !checked.is_usable) return { said: checked.word, parts: [h("span", { class: "df-amount fail" }, icon("warn"), checked.word)] };
  if (preview?.isBusy) return { parts: [h("span", { class: "df-amount" }, card.setting), h("span", { class: "df-aside" }, card.price)] };
  if (made) {
    const failed = made.failures.length;
    return {
      said: `previewed, ${made.rows.length} rows`,
      parts: [
        h("span", { class: "df-amount" }, card.setting),
        failed ? h("span", { class: "df-aside warn" }, icon("warn"), `${failed} failed`) : h("span", { class: "df-aside acc" }, icon("eye"), count(made.rows.length, "row")),
      ],
    };
  }
  if (checked) return { said: "the model answers", parts: [h("span", { class: "df-amount" }, card.setting), h("span", { class: "df-aside done" }, icon("done"), took(checked.seconds))] };
  return { parts: [h("span", { class: "df-amount" }, card.setting), h("span", { class: "df-aside" }, card.price)] };
}
