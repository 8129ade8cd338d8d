/* Why a row is as it is: its way through the steps, from the source on, with what was asked on the way. */

import { count, empty, failure, h, money, number, put, sentence, sourceRow } from "./dom.js";
import { icon } from "./icons.js";
import { cell } from "./rows.js";
import { fetchJson } from "./store.js";

const MOST_COLUMNS = 4;
const SHORT_CHARS = 160;

/** Draw why row `index` (from 0) of a part of a run's result is as it is. Resolves when it is drawn; `signal` gives up. */
export async function drawWhy(element, { run, part, index, signal }) {
  element.setAttribute("aria-busy", "true");
  if (!element.childElementCount) put(element, head(null));
  try {
    const told = await fetchJson(`runs/${encodeURIComponent(run)}/why?part=${encodeURIComponent(part)}&index=${index}`, signal);
    put(element, head(told), h("ol", { class: "df-why", "data-testid": "why" }, grouped(told.steps).map((group) => (group.length > 1 ? parallel(group) : single(group[0])))));
  } catch (error) {
    if (error.name === "AbortError") return;
    put(element, head(null), error.status === 404 ? empty("Nothing is noted of this row", [sentence(error.message), error.fix && sentence(error.fix)].filter(Boolean).join(" ")) : failure(error));
  } finally {
    element.removeAttribute("aria-busy");
  }
}

function head(told) {
  return h("div", { class: "df-why-head" }, h("h3", {}, "Why this row"), h("span", { class: "df-mute" }, told ? used(told) : "Looking…"));
}

function used({ requests, cost }) {
  if (!requests) return "no request";
  return `${count(requests, "request")} · ${cost === null ? "price unknown" : cost ? money(cost) : "free"}`;
}

/** Steps in the order in which rows passed; those that took the same row side by side come as one group. */
function grouped(steps) {
  const groups = [];
  const of = new Map();
  for (const step of steps) {
    const key = step.kind === "ask" && step.after.length === 1 ? step.after[0] : null;
    if (key !== null && of.has(key)) of.get(key).push(step);
    else {
      const group = [step];
      if (key !== null) of.set(key, group);
      groups.push(group);
    }
  }
  return groups;
}

/* ---- one step */

function item(sign, asks, ...content) {
  return h("li", { class: "df-why-step" }, h("span", { class: `df-why-tile ${asks ? "llm" : ""}` }, icon(sign)), h("div", { class: "df-why-body" }, content));
}

function single(step) {
  const beside = step.kind === "source" ? `row ${sourceRow(step.row.split(".")[0])}` : step.kind === "ask" ? asking(step) : step.use;
  return item(
    step.icon,
    step.kind === "ask",
    h("p", { class: "df-why-title" }, h("b", {}, step.step), h("span", { class: "df-mute" }, beside)),
    step.kind === "source" && step.setting && h("p", { class: "df-why-line" }, step.setting),
    notes(step),
    step.replies.map((reply, at) => trouble(reply, at)),
    step.kind === "ask" && step.replies.length > 0 && h("p", { class: "df-why-line" }, sum(step.replies)),
    added(step),
    step.replies.length > 0 && opener(step),
  );
}

/** Several steps that asked about the same row at the same time, as lines of one. */
function parallel(group) {
  return item(
    group[0].icon,
    true,
    h("p", { class: "df-why-title" }, h("b", {}, `${group.length} answers`), h("span", { class: "df-mute" }, "in parallel")),
    group.map((step) => [
      h("p", { class: "df-why-line" }, h("b", {}, step.step), " ", [step.model, sum(step.replies)].filter(Boolean).join(" · ")),
      notes(step),
      step.replies.map((reply, at) => trouble(reply, at)),
      step.replies.length > 0 && opener(step),
    ]),
  );
}

function asking(step) {
  const tried = step.replies.length;
  return tried > 1 && step.replies.slice(0, -1).some((reply) => reply.problem) ? `${step.model} · request ${tried} of ${tried}` : step.model;
}

/** What the requests of a step took: seconds, tokens, money. */
function sum(replies) {
  if (!replies.length) return "";
  if (replies.every((reply) => reply.is_free)) return replies[0].model === "rehearsal" ? "made up, no request" : "replayed, no request";
  if (replies.every((reply) => reply.is_copy)) return "replayed, no request";
  const paid = replies.filter((reply) => !reply.is_copy);
  const cost = paid.some((reply) => reply.cost === null) ? "price unknown" : paid.reduce((all, reply) => all + reply.cost, 0);
  const seconds = paid.reduce((all, reply) => all + reply.seconds, 0);
  const tokens = paid.reduce((all, reply) => all + reply.tokens, 0);
  return [`${seconds.toFixed(1)} s`, count(tokens, "token"), typeof cost === "string" ? cost : cost ? money(cost) : null].filter(Boolean).join(" · ");
}

function trouble(reply, at) {
  const lines = [];
  if (reply.problem) lines.push(`Reply ${at + 1} could not be used: ${sentence(reply.problem)}`);
  if (reply.attempts > 1) lines.push(`Sent ${reply.attempts} times until the server answered.`);
  return lines.map((line) => h("p", { class: "df-why-line warn" }, icon("warn", "s"), h("span", {}, line)));
}

function notes(step) {
  const lines = [];
  if (step.reused_from) lines.push(`Taken over from ${step.reused_from}.`);
  if (step.siblings > 1) lines.push(`One of ${number(step.siblings)} rows made of the same row.`);
  if (step.note) lines.push(sentence(step.note));
  return [
    lines.map((line) => h("p", { class: "df-why-line" }, line)),
    step.refused.map((one) => h("p", { class: "df-why-line warn" }, icon("warn", "s"), h("span", {}, `Row ${sourceRow(one.row)} of the same row failed in ${one.step}: ${sentence(one.message)}`))),
  ];
}

/* ---- columns and texts */

function added(step) {
  const columns = Object.entries(step.added).filter(([name, value]) => !(name === "model_name" && value.text === step.model));
  if (!columns.length) return null;
  const shown = columns.slice(0, MOST_COLUMNS);
  const rest = columns.slice(MOST_COLUMNS);
  return h(
    "dl",
    { class: "df-why-added" },
    shown.map(([name, value]) => [h("dt", {}, name), h("dd", {}, cell(short(value)))]),
    rest.length > 0 && h("dt", { class: "df-mute", title: rest.map(([name]) => name).join(", ") }, `${count(rest.length, "more column")}`),
  );
}

function short(value) {
  return value.kind === "text" && value.text.length > SHORT_CHARS ? { kind: "text", text: value.text.slice(0, SHORT_CHARS), chars: value.chars ?? value.text.length } : value;
}

/** The links that open the prompt and the replies of a step, below it. */
function opener(step) {
  const { replies } = step;
  const texts = h("div", { class: "df-why-texts", role: "group", tabindex: "0", "aria-label": `What ${step.step} asked and was told`, hidden: true });
  const links = [
    ["Prompt", () => chatOf(replies[0])],
    [replies.length > 2 ? `All ${replies.length} replies` : replies.length === 2 ? "Both replies" : "Reply", () => replies.map(replyOf)],
  ].map(([label, content]) => {
    const button = h("button", {
      type: "button",
      class: "df-why-open",
      "aria-expanded": "false",
      "aria-label": `${label} of ${step.step}`,
      onclick: () => {
        const opens = button.getAttribute("aria-expanded") === "false";
        for (const one of links) one.setAttribute("aria-expanded", String(one === button && opens));
        texts.hidden = !opens;
        put(texts, opens && content());
      },
    }, label);
    return button;
  });
  return [h("p", { class: "df-why-links" }, links), texts];
}

function chatOf(reply) {
  return cell(reply.chat, true);
}

function replyOf(reply, at, all) {
  const about = [all.length > 1 && `Request ${at + 1}`, reply.is_repair && "asked to correct the reply before", reply.problem && "could not be used"].filter(Boolean);
  return h("div", { class: "df-why-reply" }, about.length > 0 && h("p", { class: "df-mute" }, about.join(", ")), reply.texts.length ? reply.texts.map((text) => h("div", { class: "df-bub" }, cell(text, true))) : h("p", { class: "df-none" }, "The model said nothing."));
}
