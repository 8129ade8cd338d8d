/* What a step asked, and what it was told: newest first, page by page. */

import { ago, count, empty, failure, h, keepingFocus, money, number, put, sentence, sourceRow, tag } from "./dom.js";
import { icon } from "./icons.js";
import { cell } from "./rows.js";
import { fetchJson } from "./store.js";

const newest = new WeakMap();

/** Draw the requests of a step of a run, by page. Resolves with how many there are; the newest call into an element counts. */
export async function drawAsked(element, { run, step, page = 1 }) {
  const request = new AbortController();
  newest.get(element)?.abort();
  newest.set(element, request);
  element.setAttribute("aria-busy", "true");
  if (!element.childElementCount) put(element, h("p", { class: "df-hint df-pad" }, "Reading the replies…"));
  try {
    const found = await fetchJson(`runs/${encodeURIComponent(run)}/asked?step=${encodeURIComponent(step)}&page=${page}`, request.signal);
    keepingFocus(element, () => draw(element, run, found));
    return found.total;
  } catch (error) {
    if (error.name === "AbortError") return null;
    put(element, failure(error));
    return null;
  } finally {
    if (newest.get(element) === request) element.removeAttribute("aria-busy");
  }
}

function draw(element, run, found) {
  if (!found.items.length) return put(element, found.total ? empty("These replies cannot be shown", "They were made up or replayed, and would be others today.") : empty("No requests yet", "Prompts and replies of this step appear here as the replies come."));
  const turn = (page) => drawAsked(element, { run, step: found.step, page });
  return put(
    element,
    found.is_made_again && h("p", { class: "df-hint df-pad" }, "Nothing was sent: these replies are made up or recorded, and were made again for you to see."),
    h("ol", { class: "df-asked", "data-testid": "asked" }, found.items.map(request)),
    found.pages > 1 && pager(found, turn),
  );
}

function request(one) {
  return h(
    "li",
    { class: "df-asked-one" },
    h("div", { class: "df-asked-about" }, one.row && h("b", {}, `Source row ${sourceRow(one.row)}`), one.at && h("span", {}, ago(one.at)), h(one.row ? "span" : "b", {}, one.asked_as ? `${one.asked_as} (${one.model})` : one.model), h("span", { class: "df-num" }, amounts(one)), standing(one)),
    h("div", { class: "df-asked-side", role: "group", tabindex: "0", "aria-label": "Prompt" }, cell(one.chat, true)),
    h(
      "div",
      { class: "df-asked-side", role: "group", tabindex: "0", "aria-label": "Reply" },
      one.texts.length ? one.texts.map((text) => h("div", { class: "df-bub is-whole" }, cell(text, true))) : h("p", { class: "df-none" }, "The model said nothing."),
      one.problem && h("p", { class: "df-asked-problem" }, icon("warn", "s"), h("span", {}, sentence(one.problem))),
    ),
  );
}

function amounts(one) {
  if (one.is_free || one.is_copy) return one.model === "rehearsal" ? "made up" : "replayed";
  const cost = one.cost === null ? "price unknown" : one.cost ? money(one.cost) : null;
  return [`${one.seconds.toFixed(1)} s`, count(one.tokens, "token"), cost].filter(Boolean).join(" · ");
}

function standing(one) {
  return [one.is_repair && tag("Asked to correct", "", "again"), one.problem && tag("Could not be used", "warn", "warn"), one.attempts > 1 && tag(`Sent ${one.attempts} times`, "", "again")];
}

function pager(found, turn) {
  return h(
    "div",
    { class: "df-pager" },
    h("span", { class: "df-grow" }),
    h("span", {}, `Page ${number(found.page)} of ${number(found.pages)}, ${count(found.total, "request")}`),
    h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Newer requests", "data-key": "newer", disabled: found.page <= 1, onclick: () => turn(found.page - 1) }, icon("left", "s")),
    h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Older requests", "data-key": "older", disabled: found.page >= found.pages, onclick: () => turn(found.page + 1) }, icon("right", "s")),
  );
}
