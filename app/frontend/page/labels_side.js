/* The side: how reliable annotators are, who errs together, how good labels became with each round. */

import { count, h, put } from "./dom.js";
import { openDialog } from "./dialog.js";
import { icon, svg } from "./icons.js";
import { kindIcon, percent } from "./labels_item.js";

const SHOWN = 12;
const WIDTH = 304;
const HEIGHT = 144;
const LEFT = 34;
const RIGHT = 12;

/** ".94": a share between 0 and 1 as columns have them. */
export const share = (value, digits = 2) => (value === null || value === undefined ? "–" : value.toFixed(digits).replace(/^(-?)0\./, "$1.").replace("-", "−"));

export function drawSide(element, view) {
  if (!view) return put(element);
  if (!view.version) return put(element, h("section", {}, h("h3", {}, "Annotators"), h("p", { class: "df-hint" }, view.annotations ? "How reliable each is, is known once a strategy was learned." : "Nobody answered yet. Once some did, this says how reliable each annotator is.")));
  return put(element, annotators(view), curve(view), brings(view));
}

function annotators(view) {
  const shown = view.annotators.slice(0, SHOWN);
  const rest = view.annotators_in_all - shown.length;
  return h(
    "section",
    {},
    h("div", { class: "df-row df-side-head" }, h("h3", { id: "annotators-title" }, "Annotators"), h("span", { class: "df-grow" }), h("span", { class: "df-small t3" }, "reliability, 95% interval")),
    view.annotators.length === 0 && h("p", { class: "df-hint" }, "Not known for questions of this type."),
    h("ul", { class: "df-reliability", "aria-labelledby": "annotators-title" }, shown.map(annotator)),
    rest > 0 && h("button", { type: "button", class: "df-linkish acc df-small", "data-testid": "all-annotators", onclick: () => allAnnotators(view) }, `All ${count(view.annotators_in_all, "annotator")}`),
    rest <= 0 && shown.length > 0 && h("button", { type: "button", class: "df-linkish acc df-small", "data-testid": "all-annotators", onclick: () => allAnnotators(view) }, "Their bias and confusion"),
    view.together.slice(0, 2).map(together),
  );
}

function annotator(one) {
  const { value, low, high } = one.reliability;
  const more = [count(one.answers, "answer"), one.bias, one.drift && (one.drift.low > 0 || one.drift.high < 0) && `${one.drift.value > 0 ? "better" : "worse"} by ${percent(Math.abs(one.drift.value))} in later rounds`].filter(Boolean).join("; ");
  return h(
    "li",
    { title: more, "data-testid": "annotator" },
    kindIcon(one.kind, "s"),
    h("span", { class: "df-one-line" }, one.name),
    h("span", { class: "df-interval", role: "img", "aria-label": `right in ${percent(value)}, between ${percent(low)} and ${percent(high)}; ${more}` }, h("i", { class: "df-range", style: { left: percent(low), width: `${100 * (high - low)}%` } }), h("i", { class: "df-point", style: { left: `calc(${100 * value}% - 1.5px)` } })),
    h("span", { class: "df-num", "aria-hidden": "true" }, share(value)),
  );
}

function together(pair) {
  const { names, correlation, count_as: countAs, could_be_family: couldBeFamily } = pair;
  const counted = countAs !== null && countAs < 2 ? `They count as ${countAs} annotators, not 2.` : "";
  const advice = couldBeFamily ? "Give them one family, and the learned strategy counts them as fewer." : "";
  return h("p", { class: "df-together df-small", "data-testid": "err-together" }, icon("warn", "s"), h("span", {}, `The errors of ${names.join(" and ")} go together (ρ = ${share(correlation)}). ${counted || advice}`.trim()));
}

function allAnnotators(view) {
  const row = (one) => [
    h("tr", {}, h("th", { scope: "row" }, kindIcon(one.kind, "s"), " ", one.name), h("td", { class: "df-num" }, one.answers), h("td", { class: "df-num" }, `${share(one.reliability.value)} (${share(one.reliability.low)} to ${share(one.reliability.high)})`), h("td", {}, one.bias || "–"), h("td", { class: "df-num" }, one.drift ? `${one.drift.value < 0 ? "−" : "+"}${percent(Math.abs(one.drift.value))}` : "–")),
  ];
  return openDialog("Annotators", () => [
    h("div", { class: "df-lab-scroll", tabindex: "0" }, h("table", { class: "df-table plain" }, h("caption", { class: "df-sr" }, "What annotators are like"), h("thead", {}, h("tr", {}, ["Annotator", "Answers", "Reliability, 95%", "Bias", "Later rounds"].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, view.annotators.map(row)))),
    h("h3", { class: "df-confusion-title" }, "What each answers where it is so"),
    view.annotators.filter((one) => Object.keys(one.confusion).length).slice(0, 30).map(confusion),
  ], "wide");
}

function confusion(one) {
  const names = Object.keys(one.confusion);
  return h(
    "details",
    { class: "df-small" },
    h("summary", {}, one.name),
    h("div", { class: "df-lab-scroll" }, h("table", { class: "df-table plain df-confusion" }, h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "is, says"), names.map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, names.map((is) => h("tr", {}, h("th", { scope: "row" }, is), names.map((says) => h("td", { class: "df-num" }, h("span", { class: "df-heat", style: { "--heat": `${Math.round(100 * one.confusion[is][says])}%` } }, percent(one.confusion[is][says]))))))))),
  );
}

/* ---- the curve */

function curve(view) {
  const points = view.curve;
  if (!points.length) return null;
  const byGold = Boolean(points[0].learned);
  const title = byGold ? "Accuracy on gold, by round" : "Uncertainty, by round";
  const of = (name) => points.map((point) => (name === "uncertainty" ? point.uncertainty : point[name].value));
  const main = byGold ? of("learned") : of("uncertainty");
  const words = byGold
    ? `Accuracy on gold by round: learned ${main.map((one) => share(one, 3)).join(", ")}; majority ${of("majority").map((one) => share(one, 3)).join(", ")}`
    : `Mean uncertainty by round: ${main.map((one) => share(one, 3)).join(", ")}`;
  return h("section", {}, h("h3", { class: "df-side-head" }, title), plot(points, byGold, words), !byGold && h("p", { class: "df-hint" }, "With 20 known answers this shows how many labels are right."));
}

function plot(points, byGold, words) {
  const values = points.flatMap((point) => (byGold ? [point.learned.low, point.learned.high, point.majority.value, point.learned.value] : [point.uncertainty]));
  const [low, high, parts] = bounds(Math.min(...values), Math.max(...values));
  const x = (at) => (points.length === 1 ? (LEFT + WIDTH - RIGHT) / 2 : LEFT + (at * (WIDTH - LEFT - RIGHT)) / (points.length - 1));
  const y = (value) => 14 + (1 - (value - low) / (high - low)) * (HEIGHT - 44);
  const line = (value) => points.map((point, at) => `${at ? "L" : "M"}${x(at).toFixed(1)} ${y(value(point)).toFixed(1)}`).join("");
  const made = svg("svg", { viewBox: `0 0 ${WIDTH} ${HEIGHT}`, class: "df-curve", role: "img", "aria-label": words, "data-testid": "curve" });
  for (let at = 0; at <= parts; at += 1) {
    const value = low + ((high - low) * at) / parts;
    made.append(svg("path", { d: `M${LEFT} ${y(value)}H${WIDTH}`, class: "df-grid-line" }), label(LEFT - 6, y(value) + 4, share(value), "end"));
  }
  const step = Math.ceil(points.length / 8);
  points.forEach((point, at) => at % step === 0 && made.append(label(x(at), HEIGHT - 4, point.round, "middle")));
  const learned = byGold ? (point) => point.learned.value : (point) => point.uncertainty;
  if (byGold) {
    const back = [...points].reverse().map((point, at) => `L${x(points.length - 1 - at).toFixed(1)} ${y(point.learned.low).toFixed(1)}`).join("");
    if (points.length > 1) made.append(svg("path", { d: `${line((point) => point.learned.high)}${back}Z`, class: "df-band" }));
    else made.append(svg("rect", { x: x(0) - 4, width: 8, y: y(points[0].learned.high), height: Math.max(1, y(points[0].learned.low) - y(points[0].learned.high)), class: "df-band" }));
    if (points.length > 1) made.append(svg("path", { d: line((point) => point.majority.value), class: "df-line-other" }));
    else made.append(svg("path", { d: `M${x(0) - 24} ${y(points[0].majority.value)}h48`, class: "df-line-other" }));
  }
  made.append(svg("path", { d: line(learned), class: "df-line-own" }));
  points.forEach((point, at) => made.append(svg("circle", { cx: x(at), cy: y(learned(point)), r: 3, class: "df-dot-own" })));
  const last = points.at(-1);
  const end = Math.min(x(points.length - 1) + (points.length === 1 ? 8 : 0), WIDTH - 2);
  const anchor = points.length === 1 ? "start" : "end";
  const own = y(learned(last));
  if (byGold) {
    const other = y(last.majority.value);
    const isAbove = own <= other;
    made.append(label(end, Math.max(11, own + (isAbove ? -9 : 16)), `learned ${share(last.learned.value, 3)}`, anchor, "own"));
    made.append(label(end, Math.min(HEIGHT - 20, Math.max(11, other + (isAbove ? 16 : -9))), `majority ${share(last.majority.value, 3)}`, anchor, "other"));
  } else made.append(label(end, Math.max(11, own - 9), share(last.uncertainty, 3), anchor, "own"));
  return made;
}

function label(x, y, text, anchor, kind = "") {
  return svg("text", { x, y, "text-anchor": anchor, class: `df-plot-text ${kind}` }, document.createTextNode(String(text)));
}

/** Round numbers around what there is to show, and never outside of 0 to 1. */
function bounds(least, most) {
  for (const step of [0.01, 0.02, 0.05, 0.1, 0.2]) {
    const low = Math.max(0, Math.min(Math.floor(least / step + 1e-9) * step, 1 - 3 * step));
    const parts = Math.max(3, Math.ceil((most - low) / step - 1e-9));
    if (parts <= 4) return [low, low + parts * step, parts];
  }
  return [0, 1, 5];
}

/* ---- what review brings */

function brings(view) {
  const { measures } = view;
  const boxes = [
    measures.calibration_error && [share(measures.calibration_error.value, 3), "calibration error", "How far probabilities are from how often they hold, on gold that was hidden"],
    measures.alpha !== null && measures.alpha !== undefined && [share(measures.alpha), "Krippendorff α", "How far annotators agree beyond chance: 1 is always, 0 as by chance"],
    measures.review_gain && [percent(measures.review_gain.value), "errors in top 10%", "Share of the wrong labels that are among the tenth least certain; 10% is chance"],
    !measures.review_gain && measures.uncertainty !== null && measures.uncertainty !== undefined && [percent(measures.uncertainty), "labels expected wrong", "By the strategy's own probabilities, without gold to check them"],
  ].filter(Boolean);
  if (!boxes.length) return null;
  return h("section", {}, h("h3", { class: "df-side-head" }, "What review brings"), h("dl", { class: "df-boxes" }, boxes.map(([value, name, about]) => h("div", { title: about }, h("dt", { class: "t3" }, name), h("dd", { class: "df-num" }, value)))));
}
