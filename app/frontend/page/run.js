/* Run: what happens in a run; a reload or a second tab finds it again by its id in the address. */

import { ago, capital, clockTime, count, duration, empty, failure, h, keepingFocus, money, number, put, tag } from "./dom.js";
import { LIVE, STATES, chosen, startFollowing } from "./follow.js";
import { mountRunCanvas } from "../canvas/mount.tsx";
import { listRuns } from "./all_runs.js";
import { icon, svg } from "./icons.js";
import { mountDrawer } from "./run_drawer.js";
import { outline } from "./outline.js";
import { openPipelineOf } from "./pipelines.js";
import { keys } from "./shell.js";
import { elapsed, failedRows, secondsAtWork, standing } from "./standing.js";
import { address, fetchJson, get, go, on, onCalmly, route, set } from "./store.js";

export function stateTag(report) {
  const look = STATES[report.state];
  if (report.state === "finished" && report.quarantined) return tag(`Finished, ${count(report.quarantined, "row")} in quarantine`, "warn", "warn");
  if (report.state === "finished" && report.shortfalls?.length) return tag("Finished, with fewer rows", "warn", "warn");
  const made = tag(look.word, look.kind, look.icon);
  if (look.icon === "arc") made.querySelector("svg").classList.add("spin");
  return made;
}

/* ---- page bar */

/** How far a run is, from 0 to 1; null while nobody knows how many rows there are. */
export function share(run) {
  const steps = (run.steps ?? []).map((card) => run.progress?.[card.name]).filter(Boolean);
  const isKnown = steps.length > 0 && steps.every((step) => step.state === "done" || step.total !== null);
  if (!isKnown) return null;
  const parts = steps.map((step) => (step.state === "done" ? 1 : Math.min(1, step.taken / Math.max(1, step.total))));
  return parts.reduce((sum, part) => sum + part, 0) / parts.length;
}

/** Pipeline and run: the id without the name that it starts with. */
export function runTitle(run) {
  const name = run.report.pipeline;
  const rest = run.id.startsWith(`${name}-`) ? run.id.slice(name.length + 1) : run.id;
  return h("h1", { class: "df-title", title: run.id }, name, rest !== name && h("span", { class: "df-run-id" }, " / ", rest));
}

export function mountRunBar(element) {
  const draw = () => {
    const run = get("run");
    if (!route().run) return put(element, h("h1", { class: "df-title" }, "Runs"));
    if (!run) return put(element, h("h1", { class: "df-title" }, route().run));
    if (run.error) return put(element, h("h1", { class: "df-title" }, route().run));
    const { report } = run;
    const isLive = LIVE.includes(report.state);
    const done = share(run);
    const failed = failedRows(run);
    return keepingFocus(element, () => put(
      element,
      h("a", { class: "df-btn ghost ic sm", href: address({ run: "" }).href, "aria-label": "All runs", title: "All runs", "data-key": "runs", onclick: (event) => (event.preventDefault(), go({ run: "" })) }, icon("left", "s")),
      runTitle(run),
      stateTag(report),
      report.is_rehearsal && tag("Rehearsal", "", "mask"),
      run.isLost && isLive && tag("Connection lost, trying again", "warn", "warn"),
      h("span", { class: "df-sep" }),
      isLive && done !== null && h("span", { class: "df-progress", role: "progressbar", "aria-label": "Progress of the run", "aria-valuemin": "0", "aria-valuemax": "100", "aria-valuenow": String(Math.round(100 * done)) }, h("span", { class: "df-meter" }, h("i", { style: { width: `${100 * done}%` } })), h("b", {}, `${Math.round(100 * done)}%`)),
      fact("Elapsed", elapsed(report), "elapsed"),
      isLive && remaining(report, done) && fact("Left, about", remaining(report, done), "left"),
      spent(run) && fact("Cost", spent(run), "cost"),
      failed > 0 && fact("Failed rows", number(failed), "failed", "warn"),
      !isLive && Object.keys(report.rows).length > 0 && fact("Rows", number(Object.values(report.rows).reduce((sum, rows) => sum + rows, 0)), "rows"),
      h("span", { class: "df-grow" }),
      run.prefect && h("a", { class: "df-out", "data-key": "prefect", href: run.prefect, target: "_blank", rel: "noopener" }, "Open in Prefect", icon("out", "s")),
    ));
  };
  onCalmly("run", (run) => {
    for (const name of ["stop", "pause", "resume", "again"]) document.getElementById(`run-${name}`)?.setAttribute("data-testid", name);
    draw(run);
  });
  on("route", draw);
  setInterval(() => {
    const run = get("run");
    const shown = element.querySelector("[data-fact=elapsed] b");
    if (shown && run?.report && LIVE.includes(run.report.state)) shown.textContent = elapsed(run.report);
  }, 1000);
  startFollowing();
}

/** How long it will still take, by how long it took so far; nothing while that says little. */
function remaining(report, done) {
  const took = secondsAtWork(report);
  if (done === null || done < 0.05 || took < 5 || report.state === "paused") return "";
  return duration((took * (1 - done)) / done);
}

/** What the requests cost so far, beside the budget where there is one; "" when they are free. */
function spent(run) {
  const used = Object.values(run.progress ?? {}).map((step) => step.usage).filter((usage) => usage?.requests);
  const sum = (count) => used.reduce((total, usage) => total + count(usage), 0);
  const cost = inMoney({ known_cost: sum((usage) => usage.known_cost), unpriced: sum((usage) => usage.unpriced) });
  const cap = run.report.options?.max_cost;
  return cost && (cap ? `${cost} of ${money(cap)}` : cost);
}

function fact(label, value, id, kind = "") {
  return h("span", { class: "df-fact", "data-fact": id, "data-testid": `fact-${id}` }, h("span", {}, label), h("b", { class: kind }, value));
}

/* ---- body: the graph at work, side, drawer */

export function mountRunBody(element, { trigger }) {
  const said = h("div", { class: "df-run-said" });
  const graph = h("div", { class: "df-run-graph" });
  const list = h("div", { class: "df-run-list" });
  const main = h("div", { class: "df-run-main", "data-region": "steps" }, graph, said, list);
  const side = h("aside", { class: "df-side", "aria-label": "Run details", "data-region": "details" });
  const drawer = h("section", { class: "df-drawer", "aria-label": "Rows of the selected step", "data-region": "rows" });
  const runs = h("div", { class: "df-runs", "data-region": "runs" });
  put(element, main, side, drawer, runs);
  mountList(runs);
  mountRunCanvas(graph);
  const retry = (run, classes) => retryButton(run, trigger, classes);
  mountDrawer(drawer, retry);
  const choose = (name) => go({ step: name }, { replace: true });
  const draw = () => {
    const run = get("run");
    if (!run?.report) [list, side].forEach((part) => put(part)); // what stands there is of the run before
    if (!run) return put(said, h("p", { class: "df-busy" }, icon("arc", "spin"), "Looking for the run"));
    if (run.error) return put(said, failure(run.error, h("button", { type: "button", class: "df-btn", onclick: () => go({ run: "" }) }, "Show all runs")));
    put(said, message(run));
    keepingFocus(list, () => put(list, route().place === "run" && get("shown") !== "run-canvas" && run.steps.length > 0 && outline(run.steps, { selected: chosen(run), choose, footer: (card) => standing(run.progress?.[card.name], run.report.state), note, label: "Steps of the run" })));
    return keepingFocus(side, () => put(side, sideParts(run, retry)));
  };
  onCalmly("run", draw);
  on("route", draw);
  on("shown", draw);
  const move = (step) => {
    const run = get("run");
    const names = (run?.steps ?? []).map((card) => card.name);
    const next = names[names.indexOf(chosen(run ?? {})) + step];
    if (next) choose(next);
  };
  keys("run", { j: () => move(1), k: () => move(-1), Escape: () => go({ run: "" }), r: () => set("liveDrawer", get("liveDrawer") === false) });
}

function note(card) {
  const why = "Its rows and numbers are those of the run. How it works is not known: its class cannot be found on this machine.";
  return !card.is_known && h("span", { title: why }, " · not installed here");
}

function message(run) {
  const { report } = run;
  if (report.state === "failed") {
    const [first, ...more] = report.message.replace(/^\[[\w-]+\]\s*/, "").split("\n");
    const fix = more.find((line) => line.trim().startsWith("Fix:"))?.trim().slice(4).trim();
    const rest = more.filter((line) => !line.trim().startsWith("Fix:"));
    return h(
      "div",
      { class: "df-callout fail", role: "alert", "data-testid": "run-failed" },
      h("p", { class: "df-callout-title" }, icon("cross"), run.began ? "The run could not go on" : "The run did not start"),
      h("p", { class: "df-callout-text" }, rest.length ? "Its last words:" : capital(first)),
      rest.length > 0 && h("pre", { class: "df-pre is-whole" }, [first, ...rest].join("\n")),
      fix && h("p", { class: "df-callout-fix" }, icon("wrench"), capital(fix)),
      run.can_resume && h("p", { class: "df-callout-fix" }, icon("done"), "Finished rows are kept. Resume goes on where it was."),
    );
  }
  if (report.used_up) {
    const more = `distilflow resume ${run.id} --${report.used_up.replace("_", "-")} ${Number(report.enough.toPrecision(10))}`;
    const kept = "The finished rows are kept. To go on with a higher one, where the runs lie: ";
    return h("p", { class: "df-about" }, `${capital(report.message)}. ${kept}`, h("code", {}, more));
  }
  if (report.state === "stopped") return h("p", { class: "df-about" }, "Stopped. The finished rows are kept; Resume goes on with the others.");
  if (report.state === "running" && report.message)
    return h(
      "div",
      { class: "df-callout warn", role: "status", "data-testid": "run-waits" },
      h("p", { class: "df-callout-title" }, icon("warn"), "The run waits"),
      h("p", { class: "df-callout-text" }, capital(report.message)),
    );
  if (report.state === "finished" && report.shortfalls?.length)
    return h(
      "div",
      { class: "df-callout warn", "data-testid": "run-fell-short" },
      h("p", { class: "df-callout-title" }, icon("warn"), "There are fewer rows than there could be"),
      report.shortfalls.map((one) => [h("p", { class: "df-callout-text" }, `Step ${one.step}: ${one.what}.`), h("p", { class: "df-callout-fix" }, icon("wrench"), `${capital(one.fix)}.`)]),
    );
  if (report.state === "starting") return h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), "Starting the run's process and its Prefect flow");
  return null;
}

/** Tries the rows in quarantine again, once the run is over; `only` those of one {step, code, count}. */
export function retryButton(run, trigger, classes = "", only = null) {
  const rows = only ? only.count : run.report.quarantined;
  if (!rows || LIVE.includes(run.report.state)) return null;
  return h(
    "button",
    {
      type: "button",
      class: `df-btn ${classes}`,
      "data-key": only ? "retry-these" : "retry",
      onclick: (event) => {
        event.currentTarget.disabled = true;
        trigger("submit", { run: run.id, ...(only && { step: only.step, code: only.code }) });
      },
    },
    icon("again", "s"),
    rows === 1 ? "Retry 1 row" : only ? `Retry these ${number(rows)}` : `Retry all ${number(rows)}`,
  );
}

/** Money and tokens: of all steps, then a bar for each. */
function usageParts(used, options) {
  const total = (count) => used.reduce((sum, [, usage]) => sum + count(usage), 0);
  const tokens = (usage) => usage.input_tokens + usage.output_tokens;
  const most = Math.max(1, ...used.map(([, usage]) => tokens(usage)));
  const cost = inMoney({ known_cost: total((usage) => usage.known_cost), unpriced: total((usage) => usage.unpriced) });
  const capped = (text, cap) => (cap ? `${text} of ${cap}` : text);
  return h(
    "section",
    {},
    cost && h("h2", { class: "df-side-title" }, "Cost", h("b", {}, capped(cost, options?.max_cost && money(options.max_cost)))),
    h("h2", { class: "df-side-title" }, "Tokens by step", h("b", {}, capped(number(total(tokens)), options?.max_tokens && number(options.max_tokens)))),
    used.map(([step, usage]) => {
      const parts = [`${number(usage.requests)} requests`, `${number(usage.input_tokens)} in`, `${number(usage.output_tokens)} out`, inMoney(usage)];
      const label = [number(tokens(usage)), usage.known_cost && money(usage.known_cost)].filter(Boolean).join(" · ");
      return h("div", { class: "df-meter-row" }, h("span", {}, step), h("span", { class: "df-meter" }, h("i", { style: { width: `${(100 * tokens(usage)) / most}%` } })), h("span", { title: parts.filter(Boolean).join(", ") }, label));
    }),
  );
}

/** What requests cost, as the command line says it; "" when they were free. */
export function inMoney({ known_cost: cost, unpriced }) {
  if (!unpriced) return cost ? money(cost) : "";
  return cost ? `${money(cost)} and ${number(unpriced)} of unknown price` : "unknown price";
}

function sideParts(run, retry) {
  const name = chosen(run);
  const progress = run.progress?.[name];
  const { report } = run;
  const used = Object.entries(run.progress ?? {}).map(([step, one]) => [step, one.usage]).filter(([, usage]) => usage?.requests);
  const reasons = new Map();
  for (const one of run.failures ?? []) reasons.set(`${one.step}|${one.code}`, (reasons.get(`${one.step}|${one.code}`) ?? 0) + 1);
  return [
    name && h("section", {}, h("h2", { class: "df-side-title" }, `${name}, rows per second`, h("b", {}, progress?.rows_per_s ? String(progress.rows_per_s) : "–")), sparkline(run.history?.get(name) ?? [], name)),
    Object.keys(report.models).length > 0 &&
      h("section", {}, h("h2", { class: "df-side-title" }, "Models"), h("dl", { class: "df-pairs" }, Object.entries(report.models).map(([step, model]) => [h("dt", {}, step), h("dd", {}, model)]))),
    used.length > 0 && usageParts(used, report.options),
    reasons.size > 0 &&
      h(
        "section",
        {},
        h("h2", { class: "df-side-title" }, "Failed rows"),
        [...reasons].map(([key, times]) => {
          const [step, code] = key.split("|");
          return h("div", { class: "df-reason" }, icon("warn", "s warn"), h("span", {}, capital(code.replaceAll("-", " ")), h("span", { class: "t3" }, ` · ${step}`)), h("b", {}, number(times)));
        }),
        report.quarantined > 0 && !LIVE.includes(report.state) && h("div", { class: "df-row" }, retry(run, "sm"), h("a", { class: "df-small", href: address({ place: "data", tab: "quarantine" }).href, onclick: (event) => (event.preventDefault(), go({ place: "data", tab: "quarantine" })) }, "Open the quarantine")),
      ),
    h("section", {}, h("h2", { class: "df-side-title" }, "Run"), h("dl", { class: "df-pairs" }, pair("Id", run.id), pair("Pipeline", pipelineLink(run)), pair("Started", `${ago(report.started_at)}, ${clockTime(report.started_at)}`), report.sessions > 1 && pair("Sessions", String(report.sessions)))),
  ];
}

function pipelineLink(run) {
  return h("button", { type: "button", class: "df-linkish acc", "data-key": "open-pipeline", title: "Open it in Build", onclick: () => openPipelineOf(run) }, run.report.pipeline);
}

function pair(name, value) {
  return [h("dt", {}, name), h("dd", { title: typeof value === "string" ? value : null }, value)];
}

function sparkline(points, name) {
  const width = 328;
  if (points.length < 2 || points.every(([, rate]) => !rate)) return h("p", { class: "df-hint" }, "Drawn while rows pass for more than a moment.");
  const start = points[0][0];
  const span = Math.max(1, points.at(-1)[0] - start);
  const top = Math.max(1, ...points.map(([, rate]) => rate));
  const at = ([time, rate]) => `${((width * (time - start)) / span).toFixed(1)} ${(60 - (52 * rate) / top).toFixed(1)}`;
  const line = points.map(at).join("L");
  return svg(
    "svg",
    { class: "df-spark", viewBox: `0 0 ${width} 80`, role: "img", "aria-label": `${name}: rows per second over ${duration(span)}, at most ${top}, now ${points.at(-1)[1]}` },
    svg("path", { d: "M0 8H328M0 34H328M0 60H328", stroke: "var(--line)" }),
    svg("path", { d: `M${line}L${width} 60L0 60Z`, fill: "var(--accent-soft)" }),
    svg("path", { d: `M${line}`, fill: "none", stroke: "var(--accent)", "stroke-width": "1.5" }),
    label(0, 76, "0:00", "start"),
    label(width, 76, duration(span), "end"),
    label(width / 2, 76, `at most ${top}/s`, "middle"),
  );
}

function label(x, y, words, anchor) {
  return svg("text", { x, y, "text-anchor": anchor, "font-size": "11", fill: "var(--text-3)" }, document.createTextNode(words));
}

/* ---- all runs */

function mountList(element) {
  let timer = 0;
  const draw = async () => {
    clearTimeout(timer);
    if (route().place !== "run" || route().run) return;
    try {
      const runs = await listRuns();
      keepingFocus(element, () => put(element, runs.length ? runsTable(runs) : noRuns()));
      timer = setTimeout(draw, runs.some((run) => LIVE.includes(run.state)) ? 1000 : 5000);
    } catch (error) {
      put(element, h("div", { class: "df-narrow" }, failure(error)));
      timer = setTimeout(draw, 3000);
    }
  };
  on("route", draw);
}

export function runsTable(runs, place = "run") {
  return h(
    "div",
    { class: "df-narrow wide" },
    h(
      "table",
      { class: "df-table plain df-card-table", "data-testid": "runs-table" },
      h("caption", { class: "df-sr" }, "All runs, newest first"),
      h("thead", {}, h("tr", {}, ["Pipeline", "State", "Rows", "Cost", "Started", "Time"].map((name) => h("th", { scope: "col" }, name)))),
      h(
        "tbody",
        {},
        runs.map((run) =>
          h(
            "tr",
            { class: "is-open", onclick: () => go({ place, run: run.id }) },
            h("th", { scope: "row" }, h("a", { href: address({ place, run: run.id }).href, "data-key": `run-${run.id}`, onclick: (event) => event.preventDefault() }, run.pipeline), h("span", { class: "df-small t3 df-block" }, run.id)),
            h("td", {}, h("span", { class: "df-row" }, stateTag(run), run.is_rehearsal && tag("Rehearsal", "", "mask"))),
            h("td", { class: "df-num" }, run.rows ? number(run.rows) : "–"),
            h("td", { class: "df-num" }, inMoney(run.usage) || (run.usage.requests ? "free" : "–")),
            h("td", {}, ago(run.started_at)),
            h("td", { class: "df-num" }, elapsed(run)),
          ),
        ),
      ),
    ),
  );
}

export function noRuns() {
  return empty(
    "No runs yet",
    "A run works through the whole pipeline and keeps every finished row. Rehearse for free, with made-up replies.",
    h("a", { class: "df-btn pri", href: "?place=build", onclick: (event) => (event.preventDefault(), go({ place: get("build")?.name ? "build" : "gallery" })) }, icon("graph", "s"), "Open a pipeline"),
  );
}

