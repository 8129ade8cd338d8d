/* How an item is answered: one key for each label or grade; for other questions what their kind needs. */

import { capital, failure, h, put, say } from "./dom.js";
import { icon } from "./icons.js";
import { signOf } from "./labels_item.js";
import { act, isNameDrawn, load, loadItem, move, moveOn, overview, reviewer, setReviewer, shownItem } from "./labels_state.js";
import { get, go, route, set } from "./store.js";

const DIGITS = ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9"];

/** The key of each label: its place, but where labels are digits, the label itself; nobody would press 2 for 1. */
function keysOf(labels) {
  const values = labels.map((label) => label.value);
  return values.every((value) => DIGITS.includes(value)) ? values : values.map((_, at) => DIGITS[at + 1]);
}

/* What was typed or chosen for the item that is open, and not sent yet: kept over reloads, as nothing that a person typed may be lost. */
const DRAFTS = "distilflow-label-drafts";
const MOST_DRAFTS = 50;
let isOpen = false;
let isBusy = false;

const place = () => `${route().project}\n${route().item}`;

function drafts() {
  try {
    return JSON.parse(localStorage.getItem(DRAFTS)) ?? {};
  } catch {
    return {};
  }
}

function draft() {
  return drafts()[place()] ?? {};
}

function keepDraft(changes) {
  const all = drafts();
  const one = { ...all[place()], ...changes };
  delete all[place()];
  if (Object.keys(one).length) all[place()] = one;
  for (const old of Object.keys(all).slice(0, -MOST_DRAFTS)) delete all[old];
  localStorage.setItem(DRAFTS, JSON.stringify(all));
}

function dropDraft() {
  const all = drafts();
  delete all[place()];
  localStorage.setItem(DRAFTS, JSON.stringify(all));
}

const mine = () => shownItem()?.view?.mine ?? null;
const labels = () => overview()?.question.labels ?? [];
const type = () => overview()?.question.type;
const comment = () => draft().comment ?? mine()?.comment ?? "";
const chosen = () => draft().chosen ?? (Array.isArray(mine()?.label) ? mine().label : []);
const redraw = () => set("labelsItem", get("labelsItem"));

/* ---- sending: one thing at a time, so that no key reaches an item that is about to leave */

async function alone(does) {
  if (isBusy || document.querySelector(".df-popover")) return;
  isBusy = true;
  try {
    await does();
  } finally {
    isBusy = false;
  }
}

function send(label) {
  return alone(async () => {
    if (!shownItem()?.view || !(await act({ do: "answer", item: route().item, label, comment: comment() }))) return;
    dropDraft();
    isOpen = false;
    say(`Answered: ${inWords(label)}`);
    await moveOn();
  });
}

const inWords = (label) => (Array.isArray(label) ? label.map((one) => one.label ?? one).join(", ") || "none" : String(label));

function skip() {
  return alone(async () => {
    if (!shownItem()?.view || !(await act({ do: "skip", item: route().item }))) return;
    say("Skipped");
    await moveOn();
  });
}

function undo() {
  return alone(async () => {
    const undone = overview()?.can_undo && (await act({ do: "undo" }));
    if (!undone) return;
    say("Undone");
    const isHere = undone.item === route().item;
    await load();
    if (isHere) await loadItem();
    else go({ item: undone.item }, { replace: true });
  });
}

function toggleExample() {
  return alone(async () => {
    const view = shownItem()?.view;
    const isOn = view && view.example !== null;
    if (!view || !(await act({ do: "example", item: route().item, text: isOn ? null : comment() }))) return;
    say(isOn ? "No longer an onboarding example" : "Added to the onboarding examples");
    await Promise.all([load(), loadItem()]);
  });
}

function openComment() {
  isOpen = true;
  redraw();
  document.querySelector("#label-comment")?.focus();
}

function sendAgain() {
  return alone(async () => {
    const { told, project } = get("labelsSent");
    if (!(await act(told, project))) return;
    const isHere = project === route().project && told.item === route().item;
    if (told.do === "answer" && isHere) dropDraft();
    if (["answer", "skip"].includes(told.do) && isHere) await moveOn();
    else await Promise.all([load(), loadItem()]);
  });
}

/* ---- keys */

function press(at) {
  const label = labels()[at];
  if (!label) return;
  if (type() === "label") send(label.value);
  else if (type() === "rating") send(Number(label.value));
  else choose(label.value);
}

export const answerKeys = {
  undo,
  bound: { s: skip, c: openComment, u: undo, o: toggleExample, ...Object.fromEntries(DIGITS.map((key) => [key, () => press(keysOf(labels()).indexOf(key))])) },
};

document.addEventListener("keydown", (event) => {
  if (event.key !== "Enter" || route().place !== "labels" || event.defaultPrevented) return;
  if (event.target.closest?.("button, a, summary, input, select, textarea, dialog, .df-popover")) return;
  if (!["multi_label", "ranking", "spans"].includes(type()) || !shownItem()?.view) return;
  event.preventDefault();
  confirm();
});

function confirm() {
  if (type() === "ranking" && chosen().length < 2) return say("A ranking needs at least two");
  return send(chosen());
}

/* ---- choosing several */

function choose(value) {
  if (type() === "multi_label") keepDraft({ chosen: chosen().includes(value) ? chosen().filter((one) => one !== value) : [...chosen(), value] });
  if (type() === "ranking") keepDraft({ chosen: chosen().includes(value) ? chosen().filter((one) => one !== value) : [...chosen(), value] });
  if (type() === "spans") {
    const span = selected();
    if (!span) return say("Select some text first");
    keepDraft({ chosen: [...chosen(), { ...span, label: value }].sort((one, other) => one.start - other.start) });
    getSelection().removeAllRanges();
  }
  return redraw();
}

/** What is selected in the first column, in characters as Python counts them. */
function selected() {
  const text = document.querySelector(".df-labels-item [data-column]");
  const range = getSelection().rangeCount ? getSelection().getRangeAt(0) : null;
  if (!text || !range || range.collapsed || !text.contains(range.commonAncestorContainer)) return null;
  const before = document.createRange();
  before.setStart(text, 0);
  before.setEnd(range.startContainer, range.startOffset);
  const start = [...before.toString()].length;
  return { start, end: start + [...range.toString()].length };
}

/* ---- drawing */

export function answers(element, view, item) {
  const sent = get("labelsSent");
  put(
    element,
    sent?.error && sent.project !== route().project && h("p", { class: "df-small t2" }, `This was meant for the project ${sent.project}, and is sent there:`),
    sent?.error && failure(sent.error, h("button", { type: "button", class: "df-btn pri", "data-testid": "send-again", onclick: sendAgain }, icon("again", "s"), "Send again"), h("button", { type: "button", class: "df-btn", onclick: () => (set("labelsSent", null), redraw()) }, "Leave it")),
    (isOpen || comment()) && commentBox(),
    ways(view, item),
    foot(view, item),
  );
}

function commentBox() {
  const box = h("textarea", { class: "df-input", id: "label-comment", rows: "2", "aria-label": "Comment: why you answer so", placeholder: "Why? Others see it beside your answer.", maxlength: "20000", "data-key": "comment" });
  box.value = comment();
  box.addEventListener("input", () => keepDraft({ comment: box.value }));
  box.addEventListener("keydown", (event) => {
    if (event.key === "Escape") box.blur();
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey) && mine()) send(mine().label);
  });
  const hint = mine() ? "Ctrl Enter keeps your answer with this comment" : "It is sent with your answer";
  return h("div", { class: "df-comment" }, box, h("span", { class: "df-hint" }, hint));
}

function ways(view, item) {
  const { question } = view;
  if (question.type === "text") return textBox();
  if (!question.labels.length) return h("p", { class: "df-hint" }, "There are no labels to choose from yet. Name them in the settings at the top right.");
  const isOn = (label) => {
    if (["label", "rating"].includes(question.type)) return item.mine !== null && String(item.mine.label) === String(question.type === "rating" ? Number(label.value) : label.value);
    return chosen().some((one) => (one.label ?? one) === label.value);
  };
  const rank = (label) => (question.type === "ranking" ? chosen().indexOf(label.value) + 1 : 0);
  const buttons = question.labels.map((label, at) =>
    h(
      "button",
      { type: "button", class: "df-way", "data-key": `way-${at}`, "data-testid": `answer-${label.value}`, "aria-pressed": String(isOn(label)), onclick: () => press(at) },
      keysOf(question.labels)[at] && h("kbd", {}, keysOf(question.labels)[at]),
      signOf(label.tone) && h("span", { class: label.tone }, icon(signOf(label.tone))),
      h("span", { class: "df-one-line" }, capital(label.value)),
      rank(label) > 0 && h("span", { class: "df-tag acc" }, `place ${rank(label)}`),
      isOn(label) && ["label", "rating"].includes(question.type) && h("span", { class: "df-small t3" }, "yours"),
    ),
  );
  const many = question.labels.length;
  return [
    question.type === "spans" && spans(item),
    h("div", { class: `df-ways-grid ${many > 4 ? "is-many" : ""}`, role: "group", "aria-label": question.title, style: { "--ways": String(Math.min(many, 4)) } }, buttons),
    ["multi_label", "ranking", "spans"].includes(question.type) && h("div", { class: "df-row" }, h("button", { type: "button", class: "df-btn pri", "data-testid": "confirm", "data-key": "confirm", onclick: confirm }, "Confirm", h("kbd", {}, "Enter")), h("span", { class: "df-hint" }, HOW[question.type])),
  ];
}

const HOW = {
  multi_label: "Keys switch labels on and off; none is an answer too.",
  ranking: "Press them from best to worst; press one again to take it out.",
  spans: "Select text in the first column, then press the key of its label.",
};

function spans(item) {
  const text = [...(item.columns[0]?.text ?? "")];
  if (!chosen().length) return null;
  return h(
    "ul",
    { class: "df-spans", "aria-label": "Spans" },
    chosen().map((one, at) => h("li", {}, h("button", { type: "button", class: "df-filter", "aria-label": `Remove ${one.label}: ${text.slice(one.start, one.end).join("")}`, onclick: () => (keepDraft({ chosen: chosen().filter((_, other) => other !== at) }), redraw()) }, h("b", {}, one.label), h("span", { class: "df-one-line" }, text.slice(one.start, one.end).join("")), icon("cross", "s")))),
  );
}

function textBox() {
  const box = h("textarea", { class: "df-input", id: "label-text", rows: "4", "aria-label": "Your answer", "data-key": "text" });
  box.value = draft().text ?? (typeof mine()?.label === "string" ? mine().label : "");
  box.addEventListener("input", () => keepDraft({ text: box.value }));
  const go = () => (box.value.trim() ? send(box.value) : box.focus());
  box.addEventListener("keydown", (event) => event.key === "Enter" && (event.ctrlKey || event.metaKey) && go());
  return h("div", { class: "df-stack" }, box, h("div", { class: "df-row" }, h("button", { type: "button", class: "df-btn pri", "data-testid": "confirm", onclick: go }, "Confirm", h("kbd", {}, "Ctrl Enter"))));
}

function foot(view, item) {
  const key = (id, letter, words, does, isOff = false) => h("button", { type: "button", class: "df-key-way", "data-key": id, "data-testid": `do-${id}`, "aria-disabled": isOff ? "true" : null, onclick: () => !isOff && does() }, h("kbd", {}, letter), words);
  return h(
    "div",
    { class: "df-foot-keys df-small t2" },
    key("skip", "S", "skip", skip),
    key("comment", "C", "comment", openComment),
    key("undo", "U", "undo", undo, !view.can_undo),
    h("span", { class: "df-row df-moves" }, key("next", "J", "next", () => move(1)), key("previous", "K", "previous", () => move(-1))),
    h("span", { class: "df-grow" }),
    whoAmI(),
    key("example", "O", item.example === null ? [h("span", { class: "df-only-wide" }, "add as example"), h("span", { class: "df-only-narrow" }, "example")] : [h("span", { class: "df-only-wide" }, "take out of examples"), h("span", { class: "df-only-narrow" }, "no example")], toggleExample),
  );
}

function whoAmI() {
  const button = h("button", { type: "button", class: "df-linkish df-who", "data-key": "who", "data-testid": "who", "aria-label": `Your name: ${reviewer()}`, title: "The name that your answers get. Press to change it; whoever has the same one counts as the same annotator.", onclick: () => {
    const field = h("input", { class: "df-input df-who-field", "aria-label": "Your name, as answers get it", maxlength: "100", "data-testid": "who-field" });
    field.value = reviewer();
    const keep = () => field.isConnected && setReviewer(field.value);
    field.addEventListener("keydown", (event) => event.key === "Enter" && field.blur());
    field.addEventListener("blur", keep, { once: true });
    button.replaceWith(field);
    field.select();
  } }, icon("person", "s"), h("span", { class: "df-who-name df-one-line" }, reviewer()), isNameDrawn() && h("span", { class: "acc df-only-wide" }, "your name?"));
  return button;
}
