/* One item: its columns, what it is taken for now, who said what and what that weighed, and what is alike. */

import { count, h, sentence } from "./dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icons.js";
import { go } from "./store.js";

const SIGNS = { done: "done", warn: "paused", fail: "cross" };
const KINDS = { human: ["person", "person"], llm: ["spark", "LLM"], template: ["braces", "template"] };
const HALF = 50;
const SHORT = 60; // a column that has no more than this needs no box of its own

export function answerTag(answer, more = "") {
  return h("span", { class: `df-tag df-answer ${answer.tone}` }, SIGNS[answer.tone] && icon(SIGNS[answer.tone]), h("span", { class: "df-one-line" }, answer.words), more);
}

export function signOf(tone) {
  return SIGNS[tone];
}

export function kindIcon(kind, classes = "") {
  const [sign, word] = KINDS[kind] ?? KINDS.human;
  return h("span", { class: "df-kind", title: word }, icon(sign, classes), h("span", { class: "df-sr" }, `${word} `));
}

export const percent = (share) => `${Math.round(100 * share)}%`;

/** A number with its sign, as columns have them: a real minus. */
export const signed = (value) => (Math.abs(value) < 0.05 ? "0.0" : `${value < 0 ? "−" : "+"}${Math.abs(value).toFixed(1)}`);

export function guideline(view) {
  return view.question.guideline ? h("section", { class: "df-label-card df-guideline" }, h("h3", {}, "Guideline"), h("p", {}, view.question.guideline)) : null;
}

export function drawItem(view, item) {
  return [heading(view, item), columns(view, item), whoSaid(view, item), why(view, item), alike(item), history(item)];
}

function heading(view, item) {
  const { now } = item;
  const showGuideline = () => openDialog("Guideline", () => h("div", { class: "df-guideline" }, h("p", {}, h("b", {}, view.question.title)), h("p", {}, view.question.guideline || "Nobody wrote one yet. Open the settings at the top right and write what counts, and what does not.")));
  return h(
    "div",
    { class: "df-item-head" },
    h("h2", {}, view.question.title),
    h("button", { type: "button", class: "df-linkish acc df-small", "data-testid": "guideline", "data-key": "guideline", onclick: showGuideline }, "Guideline"),
    h("span", { class: "df-grow" }),
    now && h(
      "span",
      { class: "df-row df-small df-now", "data-testid": "now", title: "How probable each answer is by the strategy" },
      h("span", { class: "t2" }, now.is_gold ? "Gold" : "Now"),
      answerTag(now, now.is_gold ? "" : ` ${percent(now.probability)}`),
      !now.is_gold && h("span", { class: "t3 df-num" }, now.others.filter((one) => one.probability >= 0.005).slice(0, 3).map((one) => `${one.label} ${percent(one.probability)}`).join(" · ")),
    ),
  );
}

function columns(view, item) {
  if (!item.columns.length) return h("div", { class: "df-label-card df-lab-columns" }, h("p", { class: "t2" }, `Item ${item.item}`), h("p", { class: "df-hint" }, "It has no columns to show. Add rows with its text, and they appear here."));
  const isShort = (one, at) => at > 1 && one.text.length <= SHORT && !one.text.includes("\n");
  const texts = item.columns.filter((one, at) => !isShort(one, at));
  const facts = item.columns.filter(isShort);
  return h(
    "div",
    { class: "df-label-card df-lab-columns" },
    h("div", { class: `df-lab-texts ${texts.length === 2 ? "is-pair" : ""}` }, texts.map((one, at) => h("div", { class: "df-column" }, h("h3", { class: "df-column-name" }, one.name), h("div", { class: `df-bub ${at === 0 ? "u" : ""}`, "data-column": one.name, "data-testid": "column" }, one.text)))),
    facts.length > 0 && h("dl", { class: "df-lab-facts df-small" }, facts.map((one) => h("div", {}, h("dt", { class: "t3" }, one.name), h("dd", { "data-testid": "column" }, one.text)))),
  );
}

function whoSaid(view, item) {
  if (!item.said.length) return h("div", { class: "df-label-card" }, h("div", { class: "df-card-head" }, h("h3", {}, "Who said what")), h("p", { class: "df-hint df-pad" }, "Nobody answered yet. Yours is the first."));
  const most = Math.max(...item.said.map((one) => Math.abs(one.pull ?? 0)), 1e-9);
  const hasPulls = item.said.some((one) => one.pull !== null);
  const [first, last] = [item.rounds[0], item.rounds.at(-1)];
  const facts = `${count(item.said.length, "annotation")}, ${first === last ? `round ${first}` : `rounds ${first}–${last}`}`;
  return h(
    "div",
    { class: "df-label-card" },
    h("div", { class: "df-card-head" }, h("h3", { id: "who-said-what" }, "Who said what"), h("span", { class: "df-small t3 df-num" }, facts), h("span", { class: "df-grow" }), hasPulls && h("span", { class: "df-scale df-small t3", "aria-hidden": "true" }, h("span", {}, "against"), h("span", { class: "df-one-line" }, `for “${item.now.words}”`))),
    h(
      "ul",
      { class: "df-lab-said", "aria-labelledby": "who-said-what" },
      item.said.map((one) => h("li", { class: "df-said-row", "data-testid": "said" }, kindIcon(one.kind), h("span", { class: "df-small df-said-who df-one-line", title: one.annotator }, one.annotator), answerTag(one), h("span", { class: "df-small t2 df-said-text", title: one.explanation || null }, one.explanation), one.pull === null ? h("span", {}) : pull(one.pull, most, item.now.words))),
    ),
  );
}

function pull(value, most, label) {
  const width = `${(HALF * Math.abs(value)) / most}%`;
  const words = `${signed(value)}, ${value < 0 ? "against" : "for"} ${label}`;
  return h(
    "span",
    { class: "df-pull" },
    h("span", { class: "df-pull-bar", role: "img", "aria-label": words }, h("i", { class: value < 0 ? "is-against" : "", style: value < 0 ? { right: "50%", width } : { left: "50%", width } })),
    h("b", { class: "df-num", "aria-hidden": "true" }, signed(value)),
  );
}

function why(view, item) {
  const settles = item.settles >= 1 ? ` Your answer is expected to settle ${count(item.settles, "similar item")}.` : "";
  const text = [item.problem && `${sentence(item.problem.what)} ${sentence(item.problem.fix)}`, item.why, settles.trim()].filter(Boolean).join(" ");
  return text && h("p", { class: "df-lab-why df-small t2", "data-testid": "why" }, icon(item.problem ? "warn" : "help", "s"), h("span", {}, text));
}

function alike(item) {
  if (!item.alike.length) return null;
  return h(
    "div",
    { class: "df-label-card" },
    h("div", { class: "df-card-head" }, h("h3", { id: "most-alike" }, "Settled before, most alike"), h("span", { class: "df-grow" }), h("span", { class: "df-small t3" }, "from the onboarding set")),
    h(
      "ul",
      { class: "df-lab-said is-alike", "aria-labelledby": "most-alike" },
      item.alike.map((one) => h("li", { class: "df-alike", "data-testid": "alike" }, h("button", { type: "button", class: "df-linkish df-small df-one-line", title: one.texts[0] || one.item, onclick: () => go({ item: one.item }) }, one.texts[0] || `Item ${one.item}`), h("b", { class: "df-small df-one-line" }, one.texts[1] ?? ""), answerTag(one), h("span", { class: "df-small t2 df-one-line", title: one.text }, one.text))),
    ),
  );
}

/** What earlier versions and rounds said of it. */
function history(item) {
  if (item.history.length < 2) return null;
  const words = item.history.map((one) => `v${one.version}, round ${one.round}: ${one.words} ${percent(one.probability)}`);
  return h("details", { class: "df-history df-small" }, h("summary", { "data-key": "history" }, `What ${item.history.length} versions and rounds said of it`), h("ol", {}, words.map((line) => h("li", { class: "df-num" }, line))));
}
