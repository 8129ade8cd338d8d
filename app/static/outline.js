/* Steps as cards in the order in which rows pass: the outline of Build and of Run. */

import { chips, duration, h, number, sentence } from "./dom.js";
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

/* ---- while a run goes on */

const LOOKS = {
  waiting: { icon: "dotted", word: "Waiting" },
  loading: { icon: "clock", word: "Starting" },
  running: { icon: "arc", word: "Running", kind: "acc" },
  done: { icon: "done", word: "Done", kind: "done" },
  failed: { icon: "cross", word: "Failed", kind: "fail" },
  stopped: { icon: "stop", word: "Stopped" },
};

/** How one step stands, in icon, words and a bar. */
export function standing(progress, { isOver = false } = {}) {
  const found = progress ?? { state: "waiting", taken: 0, made: 0, failed: 0, reused: 0, total: null, rows_per_s: 0 };
  const begun = found.taken > 0 && ["waiting", "loading"].includes(found.state) ? "running" : found.state;
  const state = isOver && begun !== "done" && begun !== "failed" ? "stopped" : begun;
  const look = LOOKS[state];
  const settled = found.taken;
  const expected = found.total ?? (state === "done" ? settled : null);
  const failed = found.failed > 0;
  const share = expected ? Math.min(1, settled / expected) : state === "done" ? 1 : 0;
  const kind = failed && state !== "failed" ? "warn" : (look.kind ?? "");
  const isReused = state === "done" && found.reused > 0 && found.reused >= settled;
  const amount =
    state === "waiting" && !settled ? look.word : state === "loading" ? look.word : expected && found.total !== null ? `${number(settled)} / ${number(expected)}` : `${number(settled)} rows`;
  const right = [];
  if (failed) right.push(h("span", { class: "warn" }, `${number(found.failed)} failed`));
  if (state === "running" && found.rows_per_s) right.push(h("span", {}, `${found.rows_per_s}/s`));
  if (isReused) right.push(h("span", {}, "reused"));
  else if (state === "done" && !failed) right.push(h("span", {}, "done"));
  if (state === "stopped") right.push(h("span", {}, "stopped"));
  return {
    state: `is-${state} ${failed ? "has-failures" : ""}`,
    said: `${look.word}, ${amount}${failed ? `, ${found.failed} failed` : ""}`,
    parts: [
      h("span", { class: `df-amount ${kind}` }, icon(isReused ? "replay" : failed && state === "done" ? "warn" : look.icon, state === "running" ? "spin" : ""), amount),
      h("span", { class: "df-aside" }, right.flatMap((part, at) => (at ? [" · ", part] : [part]))),
    ],
    bar: h("span", { class: `df-bar-line ${state === "done" ? "done" : ""}` }, h("i", { style: { width: `${100 * share}%` } }), failed && h("b", { style: { width: `${Math.max(2, (100 * found.failed) / Math.max(1, expected ?? settled))}%` } })),
  };
}

export function elapsed(report) {
  return duration((report.ended_at ?? Date.now() / 1000) - report.started_at);
}
