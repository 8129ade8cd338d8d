/* Data: the result of a run, page by page; what failed; the card; the log. */

import { capital, chip, count, duration, empty, failure, h, keepingFocus, number, put, sentence, tablist, tag } from "./dom.js";
import { LIVE } from "./follow.js";
import { icon } from "./icons.js";
import { cell, table } from "./rows.js";
import { noRuns, retryButton, runTitle, runsTable, stateTag } from "./run.js";
import { keys } from "./shell.js";
import { address, api, fetchJson, get, go, on, route, set } from "./store.js";

/* ---- page bar */

export function mountDataBar(element) {
  const draw = () => {
    const run = get("run");
    if (!route().run) return put(element, h("h1", { class: "df-title" }, "Data"));
    if (!run?.report) return put(element, h("h1", { class: "df-title" }, route().run));
    const { report } = run;
    const rows = Object.values(report.rows).reduce((sum, one) => sum + one, 0);
    return put(
      element,
      h("a", { class: "df-btn ghost ic sm", href: address({ run: "" }).href, "aria-label": "All results", title: "All results", onclick: (event) => (event.preventDefault(), go({ run: "" })) }, icon("left", "s")),
      runTitle(run),
      stateTag(report),
      report.is_rehearsal && tag("Rehearsal", "", "mask"),
      h("span", { class: "df-small t3 df-one-line" }, [report.ended_at && duration(report.ended_at - report.started_at), rows > 0 && count(rows, "row")].filter(Boolean).join(" · ")),
    );
  };
  on("run", draw);
  on("route", draw);
}

export function mountDownload(element) {
  on("run", (run) => put(element, run?.has_result && h("a", { class: "df-btn", id: "data-download", href: api(`runs/${encodeURIComponent(run.id)}/download`), download: `${run.id}.zip` }, icon("download", "s"), "Download")));
}

/* ---- body */

export function mountDataBody(element, { trigger }) {
  const tabs = h("div", { class: "df-data-tabs" });
  const content = h("div", { class: "df-data-content", "data-region": "data" });
  const sheet = h("aside", { class: "df-sheet", "aria-label": "Row", "data-region": "row", hidden: true });
  put(element, tabs, content, sheet);
  let shown = "";
  let request = null;

  const drawTabs = () => {
    const run = get("run");
    if (!route().run || !run?.report) return put(tabs);
    const { report } = run;
    const rows = Object.values(report.rows).reduce((sum, one) => sum + one, 0);
    return keepingFocus(tabs, () =>
      put(
        tabs,
        tablist(
          "Result",
          [
            { id: "rows", label: "Rows", count: rows || null },
            { id: "quarantine", label: "Quarantine", count: report.quarantined || null, kind: "warn" },
            { id: "card", label: "Card" },
            { id: "log", label: "Log" },
          ],
          route().tab || "rows",
          (id) => go({ tab: id === "rows" ? "" : id, page: "", part: "" }),
        ),
      ),
    );
  };
  const draw = async () => {
    drawTabs();
    if (route().place !== "data") return;
    const run = get("run");
    const wanted = JSON.stringify([route().run, route().tab, route().part, route().page, run?.report?.state, run?.report?.quarantined, run?.error?.message]);
    if (wanted === shown) return;
    shown = wanted;
    request?.abort();
    request = new AbortController();
    closeSheet(sheet);
    try {
      if (!route().run) await drawList(content, request.signal);
      else if (run?.error) put(content, h("div", { class: "df-narrow" }, failure(run.error)));
      else if (!run?.report) put(content, h("p", { class: "df-busy" }, icon("arc", "spin"), "Opening the result"));
      else await DRAW[route().tab || "rows"](content, sheet, run, request.signal, trigger);
    } catch (error) {
      if (error.name !== "AbortError") put(content, h("div", { class: "df-narrow" }, failure(error)));
    }
  };
  on("route", draw);
  on("run", draw);
  keys("data", {
    j: () => moveRow(1),
    k: () => moveRow(-1),
    Escape: () => (sheet.hidden ? set("push", false) : closeSheet(sheet)),
  });
}

async function drawList(content, signal) {
  const runs = (await fetchJson("runs", signal)).filter((run) => run.rows || run.quarantined);
  put(content, runs.length ? runsTable(runs, "data") : (await fetchJson("runs", signal)).length ? empty("No results yet", "A run leaves its rows here when it ends, or when it is stopped and kept.", h("button", { type: "button", class: "df-btn pri", onclick: () => go({ place: "run", run: "" }) }, "Show runs")) : noRuns());
}

const DRAW = { rows: drawRows, quarantine: drawQuarantine, card: drawCard, log: drawLog };

/* ---- rows */

let current = { rows: [], at: -1, open: null };

async function drawRows(content, sheet, run, signal) {
  if (LIVE.includes(run.report.state)) {
    put(content, empty("The run is going on", "Its result is written when it ends. Until then its newest rows are in Run.", h("button", { type: "button", class: "df-btn pri", onclick: () => go({ place: "run" }) }, "Watch the run")));
    return;
  }
  const query = new URLSearchParams({ page: route().page || "1" });
  if (route().part) query.set("part", route().part);
  const page = await fetchJson(`runs/${encodeURIComponent(run.id)}/data?${query}`, signal);
  if (!page.parts.length) {
    put(content, empty("No result", run.report.state === "failed" ? "The run failed before it could write one. Resume it in Run: finished rows are kept." : "This run left no rows.", h("button", { type: "button", class: "df-btn pri", onclick: () => go({ place: "run" }) }, "Open the run")));
    return;
  }
  const body = h("div", { class: "df-scroll", tabindex: "0", role: "region", "aria-label": "Rows of the result" });
  const open = async (at) => {
    current.at = at;
    draw(at);
    await openSheet(sheet, run, page, at, () => draw(-1));
  };
  const draw = (selected) => keepingFocus(body, () => put(body, table(page.columns, page.rows, { start: page.start, open, selected, label: `Rows of ${page.part}` })));
  current = { rows: page.rows, at: -1, open };
  draw(-1);
  put(content, body, pager(page));
}

function moveRow(step) {
  const next = current.at + step;
  if (current.open && next >= 0 && next < current.rows.length) current.open(next);
}

function pager(page) {
  const last = Math.min(page.start + page.size, page.total);
  const turn = (to) => go({ page: to > 1 ? String(to) : "" });
  return h(
    "div",
    { class: "df-pager" },
    page.parts.length > 1
      ? h("label", { class: "df-small" }, "Part ", h("select", { class: "df-select", onchange: (event) => go({ part: event.target.value, page: "" }) }, page.parts.map((part) => h("option", { value: part, selected: part === page.part }, part))))
      : h("span", { class: "df-small t2" }, page.part),
    h("span", { class: "df-small t3" }, count(page.columns.length, "column")),
    h("span", { class: "df-grow" }),
    h("span", { class: "df-small", "data-testid": "pager" }, page.total ? `${number(page.start + 1)}–${number(last)} of ${number(page.total)}` : "No rows"),
    h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Previous page", disabled: page.page <= 1, onclick: () => turn(page.page - 1) }, icon("left", "s")),
    h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Next page", disabled: page.page >= page.pages, onclick: () => turn(page.page + 1) }, icon("right", "s")),
  );
}

/* ---- one row, whole */

async function openSheet(sheet, run, page, at, onClose) {
  const index = page.start + at;
  const query = new URLSearchParams({ part: page.part, index });
  const found = await fetchJson(`runs/${encodeURIComponent(run.id)}/data/row?${query}`);
  if (current.at !== at) return;
  set("push", false);
  sheet.hidden = false;
  sheet.onClose = onClose;
  document.documentElement.dataset.sheet = "open";
  keepingFocus(sheet, () =>
    put(
      sheet,
      h(
        "div",
        { class: "df-sheet-head" },
        h("h2", {}, `Row ${number(index + 1)}`),
        h("span", { class: "df-small t3" }, `of ${number(page.total)}`),
        h("span", { class: "df-grow" }),
        h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Previous row (K)", "data-key": "previous-row", onclick: () => moveRow(-1) }, icon("up", "s")),
        h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Next row (J)", "data-key": "next-row", onclick: () => moveRow(1) }, icon("down", "s")),
        h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Close row (Esc)", "data-key": "close-row", onclick: () => closeSheet(sheet) }, icon("cross", "s")),
      ),
      h("dl", { class: "df-sheet-body", tabindex: "0" }, found.columns.map((name) => [h("dt", {}, name), h("dd", {}, cell(found.row[name], true))])),
    ),
  );
}

function closeSheet(sheet) {
  if (sheet.hidden) return;
  sheet.hidden = true;
  document.documentElement.dataset.sheet = "";
  const at = current.at;
  current.at = -1;
  sheet.onClose?.();
  document.querySelector(`[data-key="row-${at}"]`)?.focus();
}

/* ---- quarantine */

async function drawQuarantine(content, sheet, run, signal, trigger) {
  const found = await fetchJson(`runs/${encodeURIComponent(run.id)}/quarantine`, signal);
  if (!found.total) {
    put(content, empty("Nothing is in quarantine", LIVE.includes(run.report.state) ? "So far every row went through." : "Every row went through."));
    return;
  }
  let group = 0;
  let row = 0;
  const draw = () => {
    const chosen = found.groups[group];
    const list = h(
      "div",
      { class: "df-q-list" },
      h(
        "div",
        { class: "df-q-head" },
        h("div", {}, h("h2", {}, `${count(found.total, "row")}${found.is_cut ? "+" : ""}, ${count(found.groups.length, "reason")}`), h("p", { class: "df-small t3" }, "Only these rows run again.")),
        retryButton(run, trigger, "pri"),
      ),
      h(
        "ul",
        {},
        found.groups.map((one, at) =>
          h(
            "li",
            {},
            h(
              "button",
              { type: "button", class: `df-q-item ${at === group ? "is-selected" : ""}`, "aria-current": at === group ? "true" : null, "data-key": `group-${at}`, onclick: () => ((group = at), (row = 0), draw()) },
              icon("warn"),
              h("span", { class: "df-grow" }, h("b", {}, one.title), h("span", { class: "df-small t3 df-block" }, `${one.step} · ${attempts(one.rows[0]?.attempts)}`)),
              tag(number(one.count), "warn"),
            ),
          ),
        ),
      ),
    );
    const picked = chosen.rows[row];
    keepingFocus(content, () => put(content, h("div", { class: "df-q" }, list, detail(chosen, picked, row, (at) => ((row = at), draw())))));
  };
  draw();
}

function attempts(times) {
  return times > 1 ? `${times} attempts` : "1 attempt";
}

function detail(group, picked, selected, choose) {
  const columns = Object.keys(picked?.row ?? {});
  const lead = columns.find((name) => ["text", "chat"].includes(picked.row[name].kind)) ?? columns[0];
  return h(
    "div",
    { class: "df-q-detail", "data-testid": "quarantine-detail" },
    h("h2", {}, `${group.title} in ${group.step}`),
    h(
      "div",
      { class: "df-q-rows" },
      h(
        "table",
        { class: "df-table plain df-fixed" },
        h("caption", { class: "df-sr" }, `Rows that failed in ${group.step}`),
        h("colgroup", {}, h("col", { style: { width: "72px" } }), h("col", {}), h("col", { style: { width: "88px" } }), h("col", { style: { width: "38%" } })),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Row"), h("th", { scope: "col" }, lead ?? "Values"), h("th", { scope: "col" }, "Attempts"), h("th", { scope: "col" }, "What was seen"))),
        h(
          "tbody",
          {},
          group.rows.map((one, at) =>
            h(
              "tr",
              { class: `is-open ${at === selected ? "is-selected" : ""}`, onclick: () => choose(at), "data-testid": "quarantined" },
              h("th", { scope: "row" }, h("button", { type: "button", class: "df-linkish", "data-key": `q-${at}`, "aria-label": `Show row ${one.id}` }, one.id)),
              h("td", {}, lead && cell(one.row[lead])),
              h("td", { class: "df-num" }, String(one.attempts)),
              h("td", {}, h("div", { class: "df-text" }, one.message)),
            ),
          ),
        ),
      ),
    ),
    group.count > group.rows.length && h("p", { class: "df-small t3" }, `The first ${number(group.rows.length)} of ${number(group.count)} are shown.`),
    picked && h("div", { class: "df-callout warn" }, h("p", { class: "df-callout-title" }, icon("warn"), `Row ${picked.id}`), h("p", { class: "df-callout-text" }, sentence(picked.message)), group.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), sentence(group.fix))),
    picked &&
      h(
        "div",
        { class: `df-q-pair ${picked.reply ? "" : "is-single"}` },
        h("section", {}, h("h3", {}, `The row, as ${group.step} got it`), h("dl", { class: "df-values" }, columns.map((name) => [h("dt", {}, chip(name)), h("dd", {}, cell(picked.row[name], true))]))),
        picked.reply && h("section", {}, h("h3", {}, "Last reply"), h("pre", { class: "df-pre is-whole", "data-testid": "reply" }, picked.reply.text, picked.reply.chars && " …")),
      ),
  );
}

/* ---- card, log */

async function drawCard(content, sheet, run, signal) {
  const { html } = await fetchJson(`runs/${encodeURIComponent(run.id)}/card`, signal);
  if (!html) {
    put(content, empty("No card yet", "The card is written with the result: what the data is, how it was made, and its limits."));
    return;
  }
  const article = h("article", { class: "df-md", "data-testid": "card" });
  article.innerHTML = html; // made by the server from Markdown with raw markup, images and scripts switched off
  put(content, h("div", { class: "df-paper", tabindex: "0", role: "region", "aria-label": "Card" }, h("p", { class: "df-small t3 df-row" }, icon("eye", "s"), "README.md as readers of the Hub will see it"), article));
}

async function drawLog(content, sheet, run, signal) {
  const { log, process } = await fetchJson(`runs/${encodeURIComponent(run.id)}/log`, signal);
  put(
    content,
    h(
      "div",
      { class: "df-log", tabindex: "0", role: "region", "aria-label": "Log" },
      h("pre", { "data-testid": "log" }, log ? log.split("\n").map((line) => h("span", { class: / error /.test(line) ? "fail" : / warning /.test(line) ? "warn" : null }, `${line}\n`)) : "Nothing was logged."),
      process && h("details", {}, h("summary", {}, "What its process printed"), h("pre", {}, process)),
    ),
  );
}

/* ---- push panel: native fields, framed here */

export function mountPushHead(element) {
  const close = () => set("push", false);
  put(element, h("div", { class: "df-sheet-head" }, h("h2", {}, "Push to Hub"), h("span", { class: "df-grow" }), h("button", { type: "button", class: "df-btn ghost ic sm", id: "push-close", "aria-label": "Close (Esc)", onclick: close }, icon("cross", "s"))));
  let isFirst = true;
  on("push", (isOpen) => {
    document.documentElement.dataset.push = isOpen ? "open" : "";
    if (isOpen && isFirst) isFirst = false;
    if (isOpen) requestAnimationFrame(() => document.querySelector("#push-repo input, #push-repo textarea")?.focus());
  });
  on("route", ({ place, run }) => (place !== "data" || !run) && get("push") && close());
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#data-push")) return;
    document.querySelector(".df-sheet:not([hidden]) [data-key=close-row]")?.click();
    set("push", true);
  });
}

export function mountPushState(element, { props, watch }) {
  const draw = () => {
    const state = props.value;
    if (!state) return put(element);
    if (state.url) return put(element, h("div", { class: "df-callout done", role: "status", "data-testid": "pushed" }, h("p", { class: "df-callout-title" }, icon("done"), "Pushed"), h("a", { href: /^https?:/.test(state.url) ? state.url : "#", target: "_blank", rel: "noopener noreferrer" }, state.url)));
    if (state.busy) return put(element, h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), "Pushing rows, card and pipeline"));
    if (state.what) return put(element, h("div", { "data-testid": "push-failed" }, failure({ message: state.what, fix: state.fix })));
    return put(element, state.token !== undefined && h("div", { class: `df-secret ${state.token ? "is-set" : ""}` }, icon("key", "s"), h("span", { class: "df-grow" }, "Uses ", h("span", { class: "df-mono" }, "$HF_TOKEN")), state.token ? tag("Set", "done", "done") : tag("Not set", "warn", "warn")));
  };
  draw();
  watch("value", draw);
}
