/* The queue: what is reviewed next, what orders it, and which part of the project it shows. */

import { capital, count, h, keepingFocus, put } from "./dom.js";
import { icon } from "./icons.js";
import { overview, segment } from "./labels_state.js";
import { closePopover, popover } from "./popover.js";
import { address, go, route } from "./store.js";

const ORDERS = [
  ["", "by expected gain", "Where an answer puts most labels right"],
  ["uncertainty", "by uncertainty", "Where the label is least sure"],
  ["file", "as they came", "In the order of the file"],
];

export function queuePart() {
  const head = h("div", { class: "df-queue-head" });
  const entries = h("ol", { class: "df-queue-list", tabindex: "0", "aria-label": "Items to review" });
  const foot = h("div", { class: "df-queue-foot df-small t3" });
  const element = h("aside", { class: "df-labels-queue", "aria-label": "Queue", "data-region": "queue" }, head, entries, foot);
  const toggle = (isOpen) => element.classList.toggle("is-open", isOpen);
  let last = "";

  const draw = () => {
    const view = overview();
    if (!view) return put(entries);
    const at = view.queue.findIndex((one) => one.item === route().item);
    const left = view.queue.filter((one) => !one.is_done).length;
    keepingFocus(head, () => put(head, heading(view, at, left, () => toggle(!element.classList.contains("is-open")))));
    keepingFocus(entries, () => put(entries, view.queue.map((one) => entry(one, () => toggle(false)))));
    const more = view.queued - view.queue.length;
    put(foot, segment().size > 0 ? h("span", {}, filterWords(), " ", h("button", { type: "button", class: "df-linkish acc", onclick: clear }, "Show the open round")) : more > 0 ? `${count(more, "more item")} in this round` : view.round && left === 0 ? "All done" : "");
    foot.hidden = !foot.textContent;
    if (last !== route().item) entries.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest" });
    last = route().item;
    return undefined;
  };
  return { element, draw, close: () => toggle(false) };
}

const clear = () => go({ rounds: "", annotator: "", column: "", value: "", item: "" });

function filterWords() {
  const { rounds, annotator, column, value } = route();
  return [rounds && `round ${rounds}`, annotator && `answered by ${annotator}`, column && value && `${column}: ${value}`].filter(Boolean).join(", ");
}

function heading(view, at, left, open) {
  const order = ORDERS.find(([id]) => id === route().order) ?? ORDERS[0];
  const button = h("button", { type: "button", class: "df-linkish df-small t3 df-row df-order", "data-key": "order", "data-testid": "queue-order", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => popover(button, "Order and filter", choices(view)) }, view.is_reckoned || order[0] ? order[1] : "by uncertainty", icon("down", "s"));
  return [
    h("button", { type: "button", class: "df-linkish df-row df-queue-open", "data-key": "open", "aria-label": "Show the queue", onclick: open }, icon("list"), h("span", { class: "df-num" }, at < 0 ? count(left, "item") : `${at + 1} of ${view.queue.length}`)),
    h("h2", { class: "df-queue-title" }, "Queue"),
    button,
  ];
}

function choices(view) {
  const pick = (changes) => (closePopover({ refocus: true }), go({ ...changes, item: "" }));
  const choice = (label, about, changes, isOn) => h("button", { type: "button", class: "df-choice", "aria-pressed": String(isOn), onclick: () => pick(changes) }, h("b", {}, label), about && h("span", { class: "df-small t3" }, about));
  const select = (label, key, options, changes) => {
    const made = h("select", { class: "df-select df-grow", "aria-label": label, "data-testid": `filter-${key}` }, h("option", { value: "" }, "all"), options.map((one) => h("option", { value: one, selected: String(route()[key]) === String(one) }, one)));
    made.addEventListener("change", () => pick(changes(made.value)));
    return h("label", { class: "df-row df-small" }, h("span", { class: "df-filter-name" }, label), made);
  };
  return h(
    "div",
    { class: "df-choices df-order-choices" },
    h("h3", {}, "Order"),
    ORDERS.map(([id, label, about]) => choice(capital(label), about, { order: id }, route().order === id)),
    h("h3", {}, "Instead of the open round"),
    select("Round", "rounds", view.rounds, (value) => ({ rounds: value })),
    select("Annotator", "annotator", view.annotators.map((one) => one.name), (value) => ({ annotator: value })),
    view.topics.length > 0 && select(view.settings.topic, "value", view.topics, (value) => ({ column: value ? view.settings.topic : "", value })),
  );
}

function entry(one, close) {
  const isHere = one.item === route().item;
  const words = one.is_done ? "answered" : one.is_skipped ? "skipped" : one.unsure === null ? "no answers" : `${Math.round(100 * one.unsure)}% unsure`;
  return h(
    "li",
    {},
    h(
      "a",
      {
        class: `df-queue-entry ${one.is_done ? "is-done" : ""}`,
        href: address({ item: one.item }).href,
        "aria-current": isHere ? "true" : null,
        "data-key": `item-${one.item}`,
        "data-testid": "queue-entry",
        onclick: (event) => {
          if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
          event.preventDefault();
          close();
          go({ item: one.item });
        },
      },
      h("span", { class: "df-queue-name df-one-line" }, one.title),
      h(
        "span",
        { class: "df-queue-facts df-num" },
        one.is_done ? icon("tick", "s") : h("span", { class: "df-meter calm", "aria-hidden": "true" }, h("i", { style: { width: `${100 * (one.unsure ?? 1)}%` } })),
        words,
        h("span", { class: "df-queue-count" }, count(one.answers, "answer")),
      ),
    ),
  );
}
