/* Gallery: what data do you need? Described, from a working pipeline, or your own. */

import { count, empty, h, put, tag } from "./dom.js";
import { describeBox } from "./describe.js";
import { svg } from "./icons.js";
import { open } from "./pipelines.js";
import { ways } from "./start.js";

const ALL = "All";
const TAGS = ["Runs as it is", "Fine-tuning", "Evaluation"];

export function mountGallery(element, { props, watch }) {
  const cards = h("div", {});
  const title = h("div", { class: "df-gallery-title" });
  let chosen = ALL;
  const draw = () => {
    const all = props.value.cards;
    const tags = TAGS.filter((one) => all.some((card) => card.tags.includes(one)));
    if (!tags.includes(chosen)) chosen = ALL;
    const shown = all.filter((card) => chosen === ALL || card.tags.includes(chosen));
    const hadFocus = title.contains(document.activeElement);
    put(title, h("h2", {}, "Start from a working pipeline"), tags.length > 0 && filters([ALL, ...tags]));
    if (hadFocus) title.querySelector("[aria-pressed=true]")?.focus();
    put(cards, all.length ? h("ul", { class: "df-cards" }, shown.map(cardOf)) : empty("No examples here", "The folder with examples is empty."));
  };
  const filters = (names) =>
    h(
      "div",
      { class: "df-seg df-filters", role: "group", "aria-label": "Show" },
      names.map((name) => h("button", { type: "button", "aria-pressed": String(name === chosen), onclick: () => ((chosen = name), draw()) }, name)),
    );
  put(
    element,
    h(
      "div",
      { class: "df-gallery" },
      h("h1", { class: "df-hero" }, "What data do you need?"),
      h("p", { class: "df-hero-sub" }, "Describe it and get a pipeline to edit, or start from one that works."),
      describeBox(props.value.drafting),
      h("div", { class: "df-row df-ways" }, h("span", { class: "df-small t3" }, "Or"), ways("gallery")),
      title,
      cards,
    ),
  );
  draw();
  watch("value", draw);
}

function cardOf(card) {
  return h(
    "li",
    {},
    h(
      "button",
      { type: "button", class: "df-g", "data-testid": `example-${card.name}`, onclick: () => open({ do: "example", file: card.file }) },
      thumbnail(card.graph),
      h(
        "span",
        { class: "df-g-text" },
        h("span", { class: "df-g-title" }, card.title),
        h("span", { class: "df-g-about" }, card.description),
        h("span", { class: "df-g-foot" }, h("span", {}, [count(card.steps, "step"), card.kind].filter(Boolean).join(" · ")), readiness(card)),
      ),
    ),
  );
}

function readiness(card) {
  if (card.is_ready && card.reaches.length) return tag(`Needs ${card.reaches.join(" and ")}`, "", "out");
  if (card.is_ready) return tag("Runs as it is", "done", "done");
  if (card.lacks.length) return tag(`Needs ${card.lacks.join(" and ")}`, "", "key");
  return tag("Has problems here", "warn", "warn");
}

/** The graph in small: columns by distance from the start, blue where a model is asked. */
export function thumbnail(graph) {
  const level = new Map();
  for (const step of graph) level.set(step.name, Math.max(0, ...step.after.map((name) => (level.get(name) ?? -1) + 1)));
  const columns = new Map();
  for (const step of graph) columns.set(level.get(step.name), [...(columns.get(level.get(step.name)) ?? []), step]);
  const width = 268;
  const inner = width - 48;
  const pitch = Math.min(66, (inner - 30) / Math.max(1, columns.size - 1));
  const box = Math.min(34, pitch - 10);
  const left = (width - (pitch * (columns.size - 1) + box)) / 2;
  const at = new Map();
  for (const [column, steps] of columns) {
    steps.forEach((step, row) => at.set(step.name, [left + column * pitch, 40 + (row - (steps.length - 1) / 2) * Math.min(22, 66 / steps.length)]));
  }
  const drawn = svg("svg", { viewBox: `0 0 ${width} 80`, class: "df-thumb", "aria-hidden": "true" });
  for (const step of graph) {
    for (const before of step.after) {
      if (!at.has(before)) continue;
      const [x1, y1] = at.get(before);
      const [x2, y2] = at.get(step.name);
      const middle = (x1 + box + x2) / 2;
      drawn.append(svg("path", { d: `M${x1 + box} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, fill: "none", stroke: "var(--edge)" }));
    }
  }
  for (const step of graph) {
    const [x, y] = at.get(step.name);
    drawn.append(svg("rect", { x, y: y - 7, width: box, height: 14, rx: 3, class: step.asks ? "asks" : "" }));
  }
  return drawn;
}
