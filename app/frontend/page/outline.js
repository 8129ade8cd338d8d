/* Steps as cards in the order in which rows pass: the outline of Build and of Run. */

import { chips, h, sentence } from "./dom.js";
import { icon } from "./icons.js";

/** The list of cards. `footer(card)` draws the right end and the progress, `note(card)` what stands beside the class and
    `after(card)` what stands below the card; `choose(name)` is called on a click. */
export function outline(cards, { selected, choose, footer, after, note, label = "Steps, in the order in which rows pass" }) {
  const list = h(
    "ol",
    { class: "df-outline", "aria-label": label },
    cards.map((card) => item(card, { selected, choose, footer, after, note })),
  );
  list.addEventListener("keydown", (event) => {
    const step = { ArrowDown: 1, ArrowUp: -1, ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step || !event.target.matches(".df-card")) return;
    event.preventDefault();
    const all = [...list.querySelectorAll(".df-card[data-key]")];
    const next = all[all.indexOf(event.target) + step];
    next?.focus();
    if (next) choose(next.dataset.step);
  });
  return list;
}

function item(card, { selected, choose, footer, after, note }) {
  const isSelected = card.name === selected;
  const hasProblem = card.problems.length > 0;
  const foot = footer(card);
  return h(
    "li",
    { style: { "--depth": card.depth }, class: card.depth ? "is-branch" : null, "data-item": card.name },
    h(
      "button",
      {
        type: "button",
        class: `df-card ${isSelected ? "is-selected" : ""} ${hasProblem ? "is-problem" : ""} ${foot.state ?? ""}`,
        "aria-current": isSelected ? "true" : null,
        "aria-label": [card.name, card.use, card.asks ? "asks a model" : null, ...card.problems.map((problem) => problem.title), foot.said].filter(Boolean).join(", "),
        "data-key": `step-${card.name}`,
        "data-step": card.name,
        "data-testid": `node-${card.name}`,
        onclick: () => choose(card.name),
      },
      h("span", { class: `df-tile ${card.asks ? "llm" : ""}` }, icon(card.icon)),
      h("span", { class: "df-card-name" }, h("span", { class: "nm" }, card.name), h("span", { class: "cl" }, card.use, note?.(card))),
      h("span", { class: "df-card-chips" }, chips(card.adds)),
      h("span", { class: "df-card-foot" }, foot.parts),
      foot.bar,
    ),
    after?.(card),
  );
}

/** A problem as a callout; `actions` are buttons that mend it. */
export function problemCallout(problem, name, actions = []) {
  return h(
    "div",
    { class: "df-callout fail", role: "alert", "data-testid": `problem-${problem.code}` },
    h("p", { class: "df-callout-title" }, icon("warn"), h("span", {}, name && h("b", {}, `${name}: `), problem.title)),
    h("p", { class: "df-callout-text" }, sentence(problem.what)),
    problem.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), sentence(problem.fix)),
    actions.length > 0 && h("div", { class: "df-row df-uses" }, actions),
  );
}
