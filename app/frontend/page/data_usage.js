/* What a run used: requests, tokens, money and time, by step and by model. */

import { count, duration, empty, h, number, put } from "./dom.js";
import { LIVE } from "./follow.js";
import { inMoney } from "./run.js";
import { secondsAtWork } from "./standing.js";

const FIELDS = ["requests", "input_tokens", "output_tokens", "cached_input_tokens", "seconds", "known_cost", "unpriced"];

function added(usages) {
  return Object.fromEntries(FIELDS.map((name) => [name, usages.reduce((sum, one) => sum + (one[name] ?? 0), 0)]));
}

export function drawUsage(content, run) {
  const { report } = run;
  const steps = Object.entries(run.progress ?? {}).filter(([, one]) => one.usage?.requests);
  if (!steps.length) {
    const why = report.is_rehearsal ? "A rehearsal asks nobody: its replies are made up, and free." : "No request was paid for: this run asked no model, or its replies were recorded or found in the journal.";
    return put(content, empty("Nothing was used", LIVE.includes(report.state) ? "So far no reply came from a model." : why));
  }
  const total = added(steps.map(([, one]) => one.usage));
  const models = [...Map.groupBy(steps, ([step]) => report.models[step] ?? "unknown")];
  const spent = report.ended_at ? secondsAtWork(report) : 0;
  return put(
    content,
    h(
      "div",
      { class: "df-usage", tabindex: "0", role: "region", "aria-label": "Usage and cost", "data-testid": "usage" },
      h(
        "dl",
        { class: "df-figures" },
        figure("Cost", inMoney(total) || "free"),
        figure("Requests", number(total.requests)),
        figure("Tokens in", number(total.input_tokens), total.cached_input_tokens ? `${number(total.cached_input_tokens)} from the provider's cache` : ""),
        figure("Tokens out", number(total.output_tokens)),
        figure("Time", spent ? duration(spent) : "–", report.sessions > 1 ? `the last of ${report.sessions} sessions` : ""),
      ),
      h("h2", {}, "By step"),
      table("Step", steps.map(([step, one]) => [step, report.models[step] ?? "", one.usage]), total),
      h("h2", {}, "By model"),
      table("Model", models.map(([model, of]) => [model, of.map(([step]) => step).join(", "), added(of.map(([, one]) => one.usage))]), total),
      h("p", { class: "df-small t3" }, `All sessions of the run are counted. Seconds are from a request to its reply; many are under way at a time. ${total.unpriced ? `${count(total.unpriced, "request")} had no known price.` : ""}`),
    ),
  );
}

function figure(name, value, note) {
  return h("div", {}, h("dt", {}, name), h("dd", {}, value, note && h("span", { class: "df-small t3 df-block" }, note)));
}

function table(what, lines, total) {
  const most = Math.max(1, ...lines.map(([, , usage]) => usage.input_tokens + usage.output_tokens));
  const row = (name, about, usage, isTotal) =>
    h(
      "tr",
      { class: isTotal ? "is-total" : null },
      h("th", { scope: "row" }, name, about && h("span", { class: "df-small t3 df-block" }, about)),
      h("td", { class: "df-num" }, number(usage.requests)),
      h("td", { class: "df-num" }, number(usage.input_tokens)),
      h("td", { class: "df-num" }, number(usage.output_tokens)),
      h("td", { class: "df-share" }, !isTotal && h("span", { class: "df-meter" }, h("i", { style: { width: `${(100 * (usage.input_tokens + usage.output_tokens)) / most}%` } }))),
      h("td", { class: "df-num" }, usage.requests ? (usage.seconds / usage.requests).toFixed(2) : "–"),
      h("td", { class: "df-num" }, inMoney(usage) || "free"),
    );
  return h(
    "table",
    { class: "df-table plain df-card-table df-usage-table" },
    h("caption", { class: "df-sr" }, `Usage by ${what.toLowerCase()}`),
    h("thead", {}, h("tr", {}, [what, "Requests", "Tokens in", "Tokens out", "Share of tokens", "Seconds each", "Cost"].map((name) => h("th", { scope: "col" }, name)))),
    h("tbody", {}, lines.map((line) => row(...line)), lines.length > 1 && row("Total", "", total, true)),
  );
}
