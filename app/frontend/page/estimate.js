/* What a full run would take, below the canvas. It is found out by rehearsing a few rows, a moment after a change. */

import { count, h, keepingFocus, money, number, put } from "./dom.js";
import { checkButton, showCheck, watchChecks } from "./check.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icons.js";
import { get, on, postJson, route, set } from "./store.js";

const CALM_MS = 700;
let text = null; // the pipeline that `found` is about
let found = null;
let done = null; // what of it earlier runs have done
let timer = 0;
let asked = null;

export function mountEstimate(element) {
  const draw = () => {
    const view = get("build");
    if (!view) return;
    keepingFocus(element, () => put(element, view.facts?.steps > 0 && h("div", { class: "df-strip", "data-testid": "estimate" }, parts(view))));
  };
  const ask = async () => {
    const view = get("build");
    asked?.abort();
    asked = new AbortController();
    const about = view.text;
    text = about;
    found = null;
    void askStale(about, asked.signal).then(draw);
    try {
      const reply = await postJson("estimate", { text: about }, asked.signal);
      if (text === about) found = reply;
    } catch (error) {
      if (error.name === "AbortError") return;
      found = { notice: { what: error.message } };
    }
    draw();
  };
  on("build", (view) => {
    if (view.text !== text) {
      clearTimeout(timer);
      asked?.abort();
      found = null;
      text = null;
      set("stale", null);
      done = null;
      const canAsk = view.facts?.steps > 0 && !view.why_no_rehearsal && !view.facts.reaches;
      if (canAsk) timer = setTimeout(ask, CALM_MS);
    }
    draw();
  });
  let place = route().place;
  on("route", (now) => {
    if (now.place === "build" && place !== "build" && text) void askStale(text, asked.signal).then(draw); // a run may have ended meanwhile
    place = now.place;
  });
  watchChecks();
  on("check", draw);
  on("unapplied", draw);
  element.addEventListener("click", (event) => {
    if (event.target.closest("[data-key=check-models]")) showCheck();
    if (event.target.closest("[data-key=estimate]")) {
      draw();
      ask();
    }
    if (event.target.closest("[data-key=how-estimated]")) explain(found);
  });
}

/** Which steps have changed since they ran, for the canvas to mark. */
async function askStale(about, signal) {
  try {
    const found = await postJson("staleness", { text: about }, signal);
    if (text !== about) return;
    done = found.has_run ? found : null;
    set("stale", done?.steps ?? null);
  } catch {
    done = null; // a mark less is no loss
    set("stale", null);
  }
}

function parts(view) {
  const { facts } = view;
  const known = text === view.text && found && !found.notice ? found : null;
  const why = view.why_no_run;
  return [
    h("b", {}, "Full run"),
    known ? figure(number(Math.round(known.rows)), known.rows === 1 ? "row" : "rows") : figure(String(facts.steps), facts.steps === 1 ? "step" : "steps"),
    known && known.requests.mean > 0 && [figure(amount(known.requests.mean), "requests"), figure(amount(known.input_tokens.mean + known.output_tokens.mean), "tokens"), cost(known), known.seconds && figure(`about ${time(known.seconds.mean)}`, "")],
    known && !known.requests.mean && h("span", {}, "asks no model"),
    !known && facts.asks > 0 && figure(String(facts.asks), facts.asks === 1 ? "asks a model" : "ask a model"),
    !known && facts.models?.length > 0 && h("span", { class: "df-one-line" }, "Models: ", h("b", {}, facts.models.join(", "))),
    text === view.text && done && takenOver(done),
    h("span", { class: "df-grow" }),
    why
      ? h("span", { class: "fail df-row" }, icon("warn", "s"), why)
      : known
        ? h("button", { type: "button", class: "df-linkish acc df-how-estimated", "data-key": "how-estimated", title: "How this is estimated" }, icon("help"), h("span", {}, "How this is estimated"))
        : facts.reaches
          ? h("button", { type: "button", class: "df-linkish acc", "data-key": "estimate", title: "This reads a few rows of its source, which is not on this machine" }, "Estimate requests and cost")
          : found?.notice
            ? h("span", { class: "t3 df-one-line", title: found.notice.what }, "No estimate: the sample could not run")
            : h("span", { class: "t3 df-row" }, icon("arc", "s spin"), "Estimating"),
    checkButton(view),
  ];
}

/** How much of it a run would take over from earlier ones, and what is left to ask. */
function takenOver({ steps, requests, cost, summary }) {
  const all = Object.values(steps);
  const fresh = all.filter((state) => state === "fresh").length;
  if (!fresh) return null;
  const left = [requests > 0 && `${amount(requests)} requests`, cost > 0 && roughly(cost)].filter(Boolean).join(", ");
  const words = fresh === all.length ? `All ${count(fresh, "step")} done already` : `${fresh} of ${count(all.length, "step")} done already${left ? `, left: about ${left}` : ""}`;
  return h("span", { class: "df-row df-taken-over done", title: summary, "data-testid": "taken-over" }, icon("replay", "s"), h("span", { class: "df-one-line" }, words));
}

function figure(value, unit) {
  return h("span", { class: "df-one-line" }, h("b", {}, value), unit && ` ${unit}`);
}

function cost(known) {
  if (known.unpriced.length) return figure(known.cost.mean ? `${roughly(known.cost.mean)} and more` : "unknown price", "");
  return figure(known.cost.mean ? roughly(known.cost.mean) : "free", "");
}

function amount(value) {
  if (value >= 1e6) return `${(value / 1e6).toFixed(value < 1e7 ? 2 : 1)} M`;
  return number(value < 1000 ? Math.round(value) : Number(value.toPrecision(3)));
}

/** Money as near as an estimate goes. */
const roughly = (value) => money(value, 2);

function time(seconds) {
  if (seconds < 90) return `${Math.max(1, Math.round(seconds))} s`;
  return seconds < 5400 ? `${Math.round(seconds / 60)} min` : `${(seconds / 3600).toFixed(1)} h`;
}

function range(found, write) {
  if (!found) return "unknown";
  const [low, high] = [write(found.low), write(found.high)];
  return low === high ? low : `${low} to ${high}`;
}

/** What a step asks, or one of its models where it has several. */
function line(name, model, rows, used) {
  return h(
    "tr",
    {},
    h("th", { scope: "row" }, name, model && h("span", { class: "df-small t3 df-block" }, model)),
    h("td", { class: "df-num" }, rows),
    model
      ? [used.requests, used.input_tokens, used.output_tokens].map((one) => h("td", { class: "df-num" }, range(one, amount)))
      : [h("td", { colspan: "3", class: "t3" }, "asks no model")],
    h("td", { class: "df-num" }, model ? (used.cost === null ? "unknown price" : used.cost.mean ? range(used.cost, roughly) : "free") : ""),
  );
}

/** The figures by step, and how far they can be trusted. */
function explain(known) {
  openDialog(
    "How this is estimated",
    () => [
      h(
        "p",
        {},
        known.is_rehearsal
          ? `${count(known.sampled, "row")} of ${number(known.rows)} were rehearsed for free. Prompts are real, replies are made up: requests and tokens in are close, tokens out and cost may be far off.`
          : `${count(known.sampled, "row")} of ${number(known.rows)} went through all steps.`,
      ),
      h(
        "table",
        { class: "df-table plain df-estimate" },
        h("thead", {}, h("tr", {}, ["Step", "Rows in", "Requests", "Tokens in", "Tokens out", "Cost"].map((name) => h("th", { scope: "col" }, name)))),
        h(
          "tbody",
          {},
          known.steps.flatMap((step) => [line(step.step, step.model, amount(step.rows_in), step), ...step.models.map((one) => line(one.asked_as, one.model, "", one))]),
        ),
      ),
      known.failed > 0 && h("p", { class: "warn" }, `${count(known.failed, "row")} of the sample failed: preview them to see why.`),
    ],
    "wide",
  );
}
