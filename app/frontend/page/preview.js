/* A few rows through the pipeline, or as far as one step: asked for from anywhere, shown at the steps and in a drawer below. */

import { count, failure, h, keepingFocus, put, say, sentence, tag } from "./dom.js";
import { afterEdits } from "./edits.js";
import { icon } from "./icons.js";
import { unapplied } from "./problems.js";
import { table } from "./rows.js";
import { keys } from "./shell.js";
import { get, on, postJson, set } from "./store.js";

let asked = null;

/** Try the whole pipeline on 5 rows, or one step with those before it. */
export function startPreview(step = null) {
  if (unapplied() || !get("build")?.steps.length) return;
  afterEdits(async () => {
    const { text } = get("build");
    const before = get("preview");
    asked?.abort();
    asked = new AbortController();
    set("preview", { isBusy: true, only: step, text, steps: before?.text === text ? before.steps : {} });
    set("drawer", true);
    try {
      const found = await postJson("preview", { text, step }, asked.signal);
      const kept = step && before?.text === text ? before.steps : {};
      set("preview", { ...found, steps: { ...kept, ...found.steps }, text, only: step });
      const failed = Object.values(found.steps).reduce((sum, one) => sum + one.failures.length, 0);
      say(found.notice ? "The preview could not run" : `Preview done${failed ? `, ${failed} rows failed` : ""}`);
    } catch (error) {
      if (error.name !== "AbortError") set("preview", { text, steps: {}, notice: { what: error.message, fix: error.fix ?? "" } });
    }
  });
}

/** What a preview of this very pipeline made of a step; nothing once the pipeline is another one. */
export function previewOf(name) {
  const preview = get("preview");
  return preview && !preview.isBusy && !preview.notice && preview.text === get("build")?.text ? preview.steps[name] : undefined;
}

export function mountPreview(element) {
  const place = document.documentElement;
  on("drawer", (isOpen) => {
    place.dataset.drawer = isOpen ? "open" : "";
  });
  const draw = () => {
    const view = get("build");
    const preview = get("preview");
    if (!preview || !view) return;
    keepingFocus(element, () => put(element, head(view, preview), h("div", { class: "df-drawer-body", tabindex: "0", role: "region", "aria-label": "Previewed rows", "data-testid": "preview-rows" }, rows(view, preview))));
  };
  on("preview", draw);
  on("build", draw);
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.("#build-preview");
    if (button && !button.getAttribute("aria-disabled")) startPreview();
  });
  keys("build", {
    p: () => startPreview(get("build")?.selected),
    r: () => set("drawer", !get("drawer")),
    Escape: () => set("drawer", false),
  });
}

/** Below the form: the step is tried where it is edited. */
export function mountStepFoot(element) {
  const draw = () => {
    const view = get("build");
    const step = view?.selected;
    const isBusy = get("preview")?.isBusy;
    put(
      element,
      step &&
        h(
          "button",
          { type: "button", class: "df-btn", "data-testid": "preview-step", "data-key": "preview-step", "aria-disabled": isBusy ? "true" : null, title: "P", onclick: () => isBusy || startPreview(step) },
          icon(isBusy ? "arc" : "play", isBusy ? "s spin" : "s"),
          "Run this step on 5 rows",
        ),
    );
  };
  let shown = "";
  const look = () => {
    const now = `${get("build")?.selected}|${get("preview")?.isBusy}`;
    if (now === shown) return;
    shown = now;
    keepingFocus(element, draw);
  };
  on("build", look);
  on("preview", look);
}

function head(view, preview) {
  const card = view.steps.find((step) => step.name === view.selected);
  const isStale = !preview.isBusy && preview.text !== undefined && preview.text !== view.text;
  const made = preview.steps?.[card?.name];
  const took = preview.seconds !== undefined ? `, ${preview.seconds < 10 ? preview.seconds.toFixed(1) : Math.round(preview.seconds)} s` : "";
  return h(
    "div",
    { class: "df-drawer-head" },
    card && h("span", { class: `df-tile ${card.asks ? "llm" : ""}` }, icon(card.icon)),
    h("b", {}, card?.name ?? ""),
    h("span", { class: "df-small t3" }, preview.isBusy || !made ? "" : `Preview, ${count(made.rows.length, "row")}${took}`),
    isStale && tag("Out of date: the pipeline was changed", "", "again"),
    h("span", { class: "df-grow" }),
    h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Close preview (Esc)", "data-key": "close-drawer", onclick: () => set("drawer", false) }, icon("cross", "s")),
  );
}

function rows(view, preview) {
  if (preview.isBusy) return h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), preview.only ? `Running 5 rows as far as ${preview.only}` : `Running 5 rows through ${count(view.steps.length, "step")}`);
  if (preview.notice) return h("div", { class: "df-pad" }, failure({ message: preview.notice.what, fix: preview.notice.fix }));
  const made = preview.steps[view.selected];
  if (!made) return h("p", { class: "df-hint df-pad" }, preview.only ? `Only ${preview.only} and the steps before it were tried.` : "This step was not reached: it, or a step before it, has a problem.");
  const card = view.steps.find((step) => step.name === view.selected);
  return [
    made.failures.length > 0 &&
      h("div", { class: "df-pad df-stack" }, made.failures.slice(0, 5).map((one) => h("div", { class: "df-callout warn" }, h("p", { class: "df-callout-title" }, icon("warn"), one.title), h("p", { class: "df-callout-text" }, sentence(one.message)), one.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), sentence(one.fix))))),
    made.rows.length ? table(made.columns, made.rows, { label: `Rows of ${view.selected}`, added: card?.adds ?? [] }) : h("p", { class: "df-hint df-pad" }, "No row left this step."),
  ];
}
