/* Bars of a column: small in the head of the table, large in Plots. A click on a bar asks for its rows. */

import { h, number, sentence } from "./dom.js";
import { svg } from "./icons.js";
import { addFilters, query } from "./data_query.js";

/** Whether the rows of a bar pass the filters on its column; null when there are none. */
function isAskedFor(bar, name) {
  const mine = query().filters.filter(([column]) => column === name);
  if (!mine.length) return null;
  return mine.every(([, operator, value]) => {
    const wanted = Number(value);
    if (bar.low === undefined) return operator === "=" ? bar.label === value : operator === "≠" ? bar.label !== value : true;
    if (["≥", ">", "length ≥"].includes(operator)) return bar.high > wanted || (bar.high === wanted && operator !== ">");
    if (["≤", "<", "length ≤"].includes(operator)) return bar.low < wanted || (bar.low === wanted && operator !== "<");
    return operator === "=" ? bar.low <= wanted && wanted <= bar.high : true;
  });
}

/** `isLarge`: with one tab stop, arrow keys and Enter; small ones are for the pointer, and Filter does the same by keyboard. */
export function bars(found, { width, height, isLarge = false }) {
  const most = Math.max(1, ...found.bars.map((bar) => bar.count));
  const step = Math.min(isLarge ? 48 : 17, width / found.bars.length);
  const made = svg("svg", { viewBox: `0 0 ${width} ${height}`, width, height, class: "df-bars", preserveAspectRatio: "none", role: isLarge ? "group" : "img", "aria-label": found.sentence });
  const shapes = found.bars.map((bar, at) => {
    const tall = bar.count ? Math.max(1.5, (height * bar.count) / most) : 0.5;
    const words = `${bar.label}: ${number(bar.count)} rows`;
    const title = svg("title", {}, document.createTextNode(words));
    const shape = svg("rect", { x: at * step, y: height - tall, width: Math.max(1, step - 1), height: tall, rx: 1, class: isAskedFor(bar, found.name) ? "is-on" : "" });
    const target = svg("rect", { x: at * step, y: 0, width: step, height, class: "df-bar-target" });
    const group = svg("g", {}, shape, target, title);
    if (bar.filters.length) {
      const ask = (event) => {
        event.stopPropagation();
        addFilters(bar.filters, isLarge ? { tab: "" } : {});
      };
      group.addEventListener("click", ask);
      group.classList.add("is-open");
      if (isLarge) {
        group.setAttribute("role", "button");
        group.setAttribute("aria-label", `${words}. Show them`);
        group.addEventListener("keydown", (event) => ["Enter", " "].includes(event.key) && (event.preventDefault(), ask(event)));
      }
    }
    made.append(group);
    return group;
  });
  if (isLarge) roving(made, shapes.filter((group) => group.classList.contains("is-open")));
  return made;
}

/** One tab stop for many bars; arrows move between them. */
function roving(holder, groups) {
  groups.forEach((group, at) => group.setAttribute("tabindex", at ? "-1" : "0"));
  holder.addEventListener("keydown", (event) => {
    const move = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = groups.indexOf(document.activeElement);
    if (!move || at < 0) return;
    event.preventDefault();
    const next = groups[(at + move + groups.length) % groups.length];
    groups.forEach((group) => group.setAttribute("tabindex", group === next ? "0" : "-1"));
    next.focus();
  });
}

/** A large plot with its sentence, and the least and greatest value below. */
export function plot(found) {
  const ends = found.bars.length > 1 && found.bars[0].low !== undefined;
  return h(
    "section",
    { class: "df-plot", "data-testid": `plot-${found.name}` },
    h("h2", {}, found.name),
    h("p", { class: "df-small t3" }, found.caption),
    found.bars.length > 1 && bars(found, { width: 440, height: 120, isLarge: true }),
    ends && h("div", { class: "df-plot-ends df-small t3" }, h("span", {}, found.bars[0].label), h("span", {}, found.bars.at(-1).label)),
    found.bars.length > 1 && !ends && h("ul", { class: "df-plot-values df-small" }, found.bars.map((bar) => h("li", {}, h("span", { class: "df-one-line" }, bar.label), h("b", {}, number(bar.count))))),
    h("p", { class: "df-small t2" }, sentence(found.sentence.slice(found.name.length + 2))),
  );
}
