/* Data: the place. Which run, which tab, which row; the parts are drawn by modules of their own. */

import { ago, count, empty, failure, h, keepingFocus, put, tablist, tag } from "./dom.js";
import { LIVE } from "./follow.js";
import { mountCompare } from "./compare.js";
import { listRuns } from "./all_runs.js";
import { icon } from "./icons.js";
import { drawArtifacts } from "./data_artifacts.js";
import { showChanges } from "./data_changes.js";
import { asked, isAsked } from "./data_query.js";
import { drawPlots } from "./data_plots.js";
import { Rows } from "./data_rows.js";
import { Sheet } from "./data_row.js";
import { drawCard, drawLog } from "./data_texts.js";
import { drawUsage } from "./data_usage.js";
import { openRun } from "./labels_new.js";
import { closePopover, popover } from "./popover.js";
import { drawQuarantine } from "./quarantine.js";
import { inMoney, noRuns, runTitle, runsTable, stateTag } from "./run.js";
import { keys } from "./shell.js";
import { elapsed } from "./standing.js";
import { address, api, fetchJson, get, go, on, route, set } from "./store.js";

function rowsOf(report) {
  return Object.values(report.rows).reduce((sum, one) => sum + one, 0);
}

/** Rows without those that were dropped by hand, as far as is known. */
function rowsLeft(run) {
  const shown = get("dataPage");
  return rowsOf(run.report) - (shown?.run === run.id ? shown.dropped : 0);
}

/* ---- page bar */

export function mountDataBar(element) {
  const draw = () => {
    const run = get("run");
    if (!route().run) return put(element, h("h1", { class: "df-title" }, "Data"));
    if (!run?.report) return put(element, h("h1", { class: "df-title" }, route().run));
    const { report } = run;
    const shown = get("dataPage");
    const facts = [
      report.ended_at && elapsed(report),
      inMoney(report.usage),
      rowsOf(report) > 0 && count(rowsLeft(run), "row"),
      shown?.run === run.id && count(shown.columns, "column"),
    ];
    return put(
      element,
      h("a", { class: "df-btn ghost ic sm", href: address({ run: "" }).href, "aria-label": "All results", title: "All results", onclick: (event) => (event.preventDefault(), go({ run: "" })) }, icon("left", "s")),
      runTitle(run),
      stateTag(report),
      report.is_rehearsal && tag("Rehearsal", "", "mask"),
      h("span", { class: "df-small t3 df-one-line" }, facts.filter(Boolean).join(" · ")),
    );
  };
  on("run", draw);
  on("route", draw);
  on("dataPage", draw);
}

export function mountDownload(element) {
  const review = h("span", { "data-slot": "review" });
  const slot = h("span", { "data-slot": "compare" });
  const holder = h("span", {});
  put(element, review, slot, holder);
  on("run", (run) => {
    offerReview(review, run);
    put(slot, run?.has_result && compareButton(run));
    if (!run?.has_result) return put(holder);
    const button = h("button", { type: "button", class: "df-btn", id: "data-download", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => popover(button, "Download", choices(run)) }, icon("download", "s"), "Download");
    return put(holder, button);
  });
}

const asking = new WeakMap();

/** A run with annotations in its result can be reviewed in Labels. */
async function offerReview(slot, run) {
  const id = run?.has_result && run.report ? run.id : "";
  if (asking.get(slot) === id) return;
  asking.set(slot, id);
  put(slot);
  const told = id && (await fetchJson(`labels/of-run/${encodeURIComponent(id)}`).catch(() => null));
  if (!told?.can || asking.get(slot) !== id) return;
  const open = () => openRun(id, (error) => popover(button, "Review labels", failure(error)));
  const button = h("button", { type: "button", class: "df-btn", id: "data-review", "data-testid": "review-labels", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: open }, icon("tag", "s"), "Review labels");
  put(slot, button);
}

/** Choose another run of the same pipeline, to see this one beside it. */
function compareButton(run) {
  const open = async () => {
    const runs = await listRuns().catch((error) => error);
    if (runs instanceof Error) return popover(button, "Compare with", failure(runs));
    const others = runs.filter((one) => one.id !== run.id && one.rows && one.pipeline === run.report.pipeline);
    const choose = (one) => (closePopover(), go({ place: "data", compare: one.id, tab: "", row: "" }));
    const choice = (one) => h("button", { type: "button", class: "df-choice", "data-testid": `compare-${one.id}`, onclick: () => choose(one) }, h("b", {}, one.id.slice(one.pipeline.length + 1) || one.id), h("span", { class: "df-small t3" }, `${count(one.rows, "row")}, ${ago(one.started_at)}`));
    const shown = get("dataPage");
    const part = shown?.run === run.id && shown.parts > 1 ? shown.part : "";
    return popover(button, "Compare with", h("div", { class: "df-choices" }, h("h3", {}, part ? `Compare ${part} with` : "Compare with"), others.length ? others.slice(0, 12).map(choice) : h("p", { class: "df-hint" }, "No other run of this pipeline has a result.")));
  };
  const button = h("button", { type: "button", class: "df-btn", id: "compare-runs", "data-testid": "compare-runs", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: open }, icon("copy", "s"), "Compare runs");
  return button;
}

function choices(run) {
  const base = `runs/${encodeURIComponent(run.id)}/download`;
  const only = asked();
  only.delete("sort");
  const part = new URLSearchParams(route().part ? { part: route().part } : {});
  const link = (words, about, path, id) => h("a", { class: "df-choice", href: api(path), download: "", "data-testid": id, onclick: () => closePopover({ refocus: true }) }, h("b", {}, words), h("span", { class: "df-small t3" }, about));
  const matched = get("dataPage")?.matched;
  return h(
    "div",
    { class: "df-choices" },
    h("h3", {}, "The whole result"),
    link("Parquet", "Zip with card and pipeline", base, "download-zip"),
    link("JSON lines", get("dataPage")?.parts > 1 ? "One line a row, of this part" : "One line a row", `${base}/jsonl?${part}`, "download-jsonl"),
    link("CSV", "For spreadsheets; formulas are made harmless", `${base}/csv?${part}`, "download-csv"),
    isAsked() && route().place === "data" && [
      h("h3", {}, matched === undefined ? "The rows that fit" : `The ${count(matched, "row")} that fit`),
      link("JSON lines", "In the order of the result", `${base}/jsonl?${only}`, "download-some-jsonl"),
      link("CSV", "In the order of the result", `${base}/csv?${only}`, "download-some-csv"),
    ],
  );
}

/* ---- body */

export function mountDataBody(element, { trigger }) {
  const tabs = h("div", { class: "df-data-tabs" });
  const content = h("div", { class: "df-data-content", "data-region": "data" });
  let rows = null;
  let request = new AbortController();
  let shown = { base: "", asked: "", row: "" };

  const again = async () => {
    const run = get("run");
    if (rows?.element.isConnected) await rows.show(request.signal);
    await sheet.show(run, rows?.page?.part ?? route().part, request.signal);
  };
  const sheet = new Sheet(again);
  const compared = h("div", { class: "df-data-compare", "data-region": "comparison" });
  mountCompare(compared);
  put(element, tabs, content, sheet.element, compared);

  const drawTabs = () => {
    const run = get("run");
    if (!route().run || !run?.report) return put(tabs);
    const list = [
      { id: "rows", label: "Rows", count: rowsLeft(run) || null },
      { id: "quarantine", label: "Quarantine", count: run.report.quarantined || null, kind: "warn" },
      { id: "card", label: "Card" },
      { id: "usage", label: "Usage and cost" },
      { id: "plots", label: "Plots" },
      (run.artifacts > 0 || route().tab === "artifacts") && { id: "artifacts", label: "Artifacts", count: run.artifacts || null },
      { id: "log", label: "Log" },
    ];
    const choose = (id) => go({ tab: id === "rows" ? "" : id, rowpage: "", row: "" });
    return keepingFocus(tabs, () => put(tabs, tablist("Result", list.filter(Boolean), route().tab || "rows", choose)));
  };

  const drawTab = async (run, signal) => {
    switch (route().tab) {
      case "quarantine":
        return drawQuarantine(content, run, signal, trigger);
      case "card":
        return drawCard(content, run, signal);
      case "usage":
        return drawUsage(content, run);
      case "plots":
        return drawPlots(content, run, signal);
      case "artifacts":
        return drawArtifacts(content, run, signal);
      case "log":
        return drawLog(content, run, signal);
      default:
        rows = new Rows(run, () => showChanges(run, again));
        if (!run.has_result && LIVE.includes(run.report.state)) return put(content, rows.nothing());
        put(content, rows.element);
        return rows.show(signal);
    }
  };

  const draw = async () => {
    drawTabs();
    document.documentElement.dataset.compare = route().place === "data" && route().compare ? "open" : "";
    if (route().place !== "data") return;
    const run = get("run");
    const r = route();
    const now = {
      base: JSON.stringify([r.run, r.tab, Boolean(run?.report), run?.has_result, run?.report?.quarantined, run?.report?.started_at, run?.error?.message]),
      asked: JSON.stringify([r.part, r.rowpage, r.search, r.filters, r.sort, r.columns]),
      row: r.row,
    };
    const was = shown;
    shown = now;
    const isNewBase = now.base !== was.base;
    const isNewPage = isNewBase || now.asked !== was.asked;
    if (!isNewPage && now.row === was.row) return;
    if (isNewPage) {
      request.abort();
      request = new AbortController();
    }
    const { signal } = request;
    if (isNewBase) {
      closePopover();
      rows = null;
    }
    try {
      if (!r.run) {
        sheet.close();
        if (isNewBase) await drawList(content, signal);
        return;
      }
      if (run?.error) return void put(content, h("div", { class: "df-narrow" }, failure(run.error, h("button", { type: "button", class: "df-btn", onclick: () => go({ run: "" }) }, "Show all results"))));
      if (!run?.report) return void put(content, h("p", { class: "df-busy" }, icon("arc", "spin"), "Opening the result"));
      if (isNewBase) await drawTab(run, signal);
      else if (isNewPage && rows) await rows.show(signal);
      else rows?.mark();
      if (signal.aborted) return;
      if (rows?.page) await sheet.show(run, rows.page.part, signal);
      else sheet.close();
    } catch (error) {
      if (error.name !== "AbortError") put(content, h("div", { class: "df-narrow" }, failure(error)));
    }
  };
  on("route", draw);
  on("run", draw);
  on("dataPage", drawTabs);
  keys("data", {
    j: () => (sheet.isOpen ? sheet.move(1) : rows?.page?.rows.length && rows.open(0)),
    k: () => sheet.move(-1),
    "/": () => rows?.tools.search.focus(),
    Escape: () => (sheet.isOpen ? sheet.leave() : set("push", false)),
  });
}

async function drawList(content, signal) {
  const every = await listRuns(signal);
  const runs = every.filter((run) => run.rows || run.quarantined);
  if (runs.length) return put(content, runsTable(runs, "data"));
  if (!every.length) return put(content, noRuns());
  return put(content, empty("No results yet", "A run leaves its rows here when it ends, or when it is stopped and kept.", h("button", { type: "button", class: "df-btn pri", onclick: () => go({ place: "run", run: "" }) }, "Show runs")));
}
