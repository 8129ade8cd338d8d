/* Whether the models of the pipeline can be asked: one tiny question to each, the answers in a dialog and as marks at their steps. */

import { change } from "./changes.js";
import { openDialog } from "./dialog.js";
import { capital, count, failure, h, keepingFocus, money, put, say, sentence } from "./dom.js";
import { afterEdits } from "./edits.js";
import { icon } from "./icons.js";
import { unapplied } from "./problems.js";
import { keys } from "./shell.js";
import { get, go, on, postJson, set } from "./store.js";

const SIGNS = { fine: ["tick", "done"], odd: ["warn", "warn"], wrong: ["cross", "fail"], unknown: ["dotted", "t3"] };
let asked = null;
let dialog = null;

/** Models that may be asked for money, or that this machine loads: without any there is nothing to check. */
export const canCheck = (view = get("build")) => Boolean(view?.facts?.paid);

/** Why nothing can be checked now. */
const whyNot = (view) => unapplied() || view.why_no_run || "";

export function watchChecks() {
  keys("build", { m: showCheck });
  on("check", () => dialog && fill());
  on("build", (view) => {
    if (get("check")?.isBusy && get("check").text !== view.text) set("check", null); // what is being asked about is no more
  });
}

/** Ask, or show what was answered about this very pipeline. */
export function showCheck() {
  const view = get("build");
  if (!canCheck(view) || whyNot(view)) return;
  afterEdits(() => {
    if (current()) return open();
    return ask();
  });
}

function ask() {
  const { text } = get("build");
  asked?.abort();
  asked = new AbortController();
  const { signal } = asked;
  set("check", { isBusy: true, text });
  open();
  postJson("check", { text }, signal).then(
    (found) => {
      if (signal.aborted) return;
      set("check", { ...found, text });
      say(found.notice ? "The models could not be checked" : headline(found));
    },
    (error) => error.name !== "AbortError" && set("check", { text, notice: { what: error.message, fix: error.fix ?? "" } }),
  );
}

/** What was answered about the pipeline as it is now. */
const current = () => (get("check")?.text === get("build")?.text ? get("check") : null);

/** What was answered to a step, if anything: the first of its models that cannot be asked, or else the slowest. */
export function checkOf(name) {
  const models = (current()?.models ?? []).filter((one) => one.steps.includes(name));
  return models.find((one) => !one.is_usable) ?? models.sort((a, b) => b.seconds - a.seconds)[0];
}

/** How long an answer took. */
export const took = (seconds) => (seconds === null ? "" : seconds < 0.01 ? "< 0.01 s" : `${seconds < 10 ? seconds.toFixed(2) : Math.round(seconds)} s`);

/* ---- the button below the canvas */

export function checkButton(view) {
  if (!canCheck(view)) return null;
  const found = current();
  const why = whyNot(view);
  const [sign, kind, words] = faceOf(found);
  return h(
    "button",
    { type: "button", id: "build-check", class: `df-btn sm ${kind}`, "data-key": "check-models", "data-testid": "check-models", "aria-disabled": why ? "true" : null, title: why || "Ask each model one tiny question (M)" },
    icon(sign, found?.isBusy ? "s spin" : "s"),
    words,
  );
}

function faceOf(found) {
  if (!found) return ["link", "", "Check models"];
  if (found.isBusy) return ["arc", "", "Asking the models"];
  if (found.notice) return ["warn", "danger", "Check failed"];
  if (!found.models.length) return ["link", "", "Nothing to ask"];
  return found.is_usable ? ["done", "is-done", headline(found)] : ["warn", "danger", headline(found)];
}

function headline({ models, is_usable }) {
  const bad = models.filter((one) => !one.is_usable).length;
  if (!models.length) return "No model is asked over the network";
  if (is_usable) return models.length === 1 ? "The model answers" : `All ${count(models.length, "model")} answer`;
  return models.length === 1 ? "The model cannot be asked" : `${bad} of ${count(models.length, "model")} cannot be asked`;
}

/* ---- the dialog */

function open() {
  if (!dialog) {
    dialog = openDialog("Check models", () => h("div", { class: "df-checks", "data-testid": "checks" }), "wide");
    dialog.addEventListener("close", () => {
      dialog = null;
      if (get("check")?.isBusy) {
        asked.abort();
        set("check", null);
      }
      if (document.activeElement === document.body) document.getElementById("build-check")?.focus(); // it was drawn again meanwhile
    });
  }
  fill();
}

function fill() {
  const found = get("check");
  const body = dialog.querySelector(".df-checks");
  if (!found) return put(body, h("p", { class: "df-hint" }, "The pipeline was changed: check its models again."));
  return keepingFocus(body, () => put(body, answers(found), foot(found)));
}

function answers(found) {
  if (found.isBusy) return h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), "Asking each model one tiny question");
  if (found.notice) return failure({ message: found.notice.what, fix: found.notice.fix });
  return [
    h("p", { class: found.models.length ? (found.is_usable ? "df-check-said done" : "df-check-said fail") : "df-check-said", role: "status" }, icon(found.models.length ? (found.is_usable ? "done" : "warn") : "link"), headline(found)),
    h("ul", { class: "df-check-list" }, found.models.map(aboutModel), found.not_asked.map(aboutOther)),
  ];
}

function aboutModel(one) {
  return h(
    "li",
    { class: `df-check-model ${one.is_usable ? "" : "is-wrong"}`, "data-testid": `check-${one.model}` },
    head(one.model, one.is_usable ? "done" : "fail", one.is_usable ? "done" : "warn", one.word, took(one.seconds), one.seconds !== null && one.is_usable && priceOf(one.cost)),
    h("p", { class: "df-small t3 df-check-where" }, one.endpoint, one.key && [" · ", h("span", { class: "df-mono" }, one.key)]),
    h("ul", { class: "df-check-signs", "aria-label": "What was tried" }, one.signs.map(aboutSign)),
    one.code && h("div", { class: "df-callout fail slim" }, h("p", { class: "df-callout-text" }, icon("warn"), h("span", {}, sentence(one.said))), one.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), h("span", {}, sentence(one.fix)))),
    !one.code && one.note && h("div", { class: "df-callout warn slim" }, h("p", { class: "df-callout-text" }, icon("warn"), h("span", {}, sentence(one.note)))),
    askedBy(one.steps),
  );
}

function aboutOther(one) {
  return h("li", { class: "df-check-model", "data-testid": `check-${one.model}` }, head(one.model, "", "dotted", "Not asked"), h("p", { class: "df-small t2" }, sentence(capital(one.why))), askedBy(one.steps));
}

function head(model, kind, sign, word, ...more) {
  return h("div", { class: "df-check-head" }, h("b", {}, model), h("span", { class: `df-tag ${kind}` }, icon(sign), word), h("span", { class: "df-check-took t2" }, more.filter(Boolean).join(" · ")));
}

function aboutSign({ what, state }) {
  const [sign, kind] = SIGNS[state];
  return h("li", { class: kind }, icon(sign, "s"), what);
}

/** The steps that ask it: each leads to its form. */
function askedBy(steps) {
  const show = (step) => {
    dialog?.close();
    go({ view: "", tab: "" });
    if (get("build")?.selected !== step) change({ do: "select", step });
  };
  return h("p", { class: "df-small t3 df-check-steps" }, "Asked by ", steps.map((step, at) => [at > 0 && ", ", h("button", { type: "button", class: "df-linkish acc", onclick: () => show(step) }, step)]));
}

const priceOf = (cost) => (cost === null ? "unknown price" : cost ? money(cost, 2) : "free");

function foot(found) {
  const spent = found.models?.length ? `The check cost ${found.cost === null ? "an unknown price" : found.cost ? money(found.cost, 2) : "nothing"}. Nothing of it is kept.` : "";
  return h("div", { class: "df-row df-end" }, h("span", { class: "df-small t3 df-grow" }, spent), h("button", { type: "button", class: "df-btn", "data-key": "check-again", "data-testid": "check-again", "aria-disabled": found.isBusy ? "true" : null, onclick: () => found.isBusy || ask() }, icon("again", "s"), "Check again"));
}
