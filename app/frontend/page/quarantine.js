/* Rows that failed: by reason, each with the row as its step got it and the last reply. */

import { chip, count, empty, h, keepingFocus, number, put, sentence, sourceRow, tag } from "./dom.js";
import { LIVE } from "./follow.js";
import { icon } from "./icons.js";
import { retryButton } from "./run.js";
import { cell } from "./rows.js";
import { fetchJson } from "./store.js";

export async function drawQuarantine(content, run, signal, trigger) {
  const found = await fetchJson(`runs/${encodeURIComponent(run.id)}/quarantine`, signal);
  if (!found.total) {
    put(content, h("div", { "data-testid": "quarantine" }, empty("Nothing is in quarantine", LIVE.includes(run.report.state) ? "So far every row went through." : "Every row went through.")));
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
    keepingFocus(content, () => put(content, h("div", { class: "df-q", "data-testid": "quarantine" }, list, detail(chosen, picked, row, (at) => ((row = at), draw()), found.groups.length > 1 && !found.is_cut && retryButton(run, trigger, "", chosen)))));
  };
  draw();
}

function attempts(times) {
  return times > 1 ? `${times} attempts` : "1 attempt";
}

function detail(group, picked, selected, choose, retry) {
  const columns = Object.keys(picked?.row ?? {});
  const lead = columns.find((name) => ["text", "chat"].includes(picked.row[name].kind)) ?? columns[0];
  return h(
    "div",
    { class: "df-q-detail", "data-testid": "quarantine-detail" },
    h("div", { class: "df-row" }, h("h2", {}, `${group.title} in ${group.step}`), h("span", { class: "df-grow" }), retry),
    h(
      "div",
      { class: "df-q-rows" },
      h(
        "table",
        { class: "df-table plain df-fixed" },
        h("caption", { class: "df-sr" }, `Rows that failed in ${group.step}`),
        h("colgroup", {}, h("col", { style: { width: "104px" } }), h("col", {}), h("col", { style: { width: "88px" } }), h("col", { style: { width: "38%" } })),
        h("thead", {}, h("tr", {}, h("th", { scope: "col" }, "Source row"), h("th", { scope: "col" }, lead ?? "Values"), h("th", { scope: "col" }, "Attempts"), h("th", { scope: "col" }, "What was seen"))),
        h(
          "tbody",
          {},
          group.rows.map((one, at) =>
            h(
              "tr",
              { class: `is-open ${at === selected ? "is-selected" : ""}`, onclick: () => choose(at), "data-testid": "quarantined" },
              h("th", { scope: "row" }, h("button", { type: "button", class: "df-linkish", "data-key": `q-${at}`, "aria-label": `Show source row ${sourceRow(one.id)}` }, sourceRow(one.id))),
              h("td", {}, lead && cell(one.row[lead])),
              h("td", { class: "df-num" }, String(one.attempts)),
              h("td", {}, h("div", { class: "df-text" }, one.message)),
            ),
          ),
        ),
      ),
    ),
    group.count > group.rows.length && h("p", { class: "df-small t3" }, `The first ${number(group.rows.length)} of ${number(group.count)} are shown.`),
    picked && h("div", { class: "df-callout warn" }, h("p", { class: "df-callout-title" }, icon("warn"), `Source row ${sourceRow(picked.id)}`), h("p", { class: "df-callout-text" }, sentence(picked.message)), group.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), sentence(group.fix))),
    picked &&
      h(
        "div",
        { class: `df-q-pair ${picked.reply ? "" : "is-single"}` },
        h("section", {}, h("h3", {}, `The row, as ${group.step} got it`), h("dl", { class: "df-values" }, columns.map((name) => [h("dt", {}, chip(name)), h("dd", {}, cell(picked.row[name], true))]))),
        picked.reply && h("section", {}, h("h3", {}, "Last reply"), h("pre", { class: "df-pre is-whole", "data-testid": "reply" }, picked.reply.text, picked.reply.chars && " …")),
      ),
  );
}
