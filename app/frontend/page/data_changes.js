/* The changes made by hand: each can be undone; those that no longer find their row say so. */

import { ago, count, failure, h, number, put, tag } from "./dom.js";
import { openDialog } from "./dialog.js";
import { icon } from "./icons.js";
import { cell } from "./rows.js";
import { fetchJson, go, postJson } from "./store.js";

export async function showChanges(run, again) {
  const base = `runs/${encodeURIComponent(run.id)}/changes`;
  const body = h("div", { "data-testid": "changes-list" });
  const dialog = openDialog("Changes by hand", () => body, "wide");
  const draw = async () => {
    try {
      const found = await fetchJson(base);
      put(
        body,
        h("p", { class: "df-about" }, found.total ? "The table, downloads and pushes have them; the run's own rows stay as they are." : "Nothing is changed. Edit or drop a row in its sheet."),
        found.lost > 0 && h("p", { class: "df-callout warn slim", "data-testid": "lost-changes" }, `${count(found.lost, "change")} no longer ${found.lost === 1 ? "applies" : "apply"}: the run has written its rows anew, and ${found.lost === 1 ? "this row is" : "these rows are"} not among them. Nothing of ${found.lost === 1 ? "it" : "them"} is published.`),
        h("ul", { class: "df-changes" }, found.changes.map((one) => line(one))),
        found.total > found.changes.length && h("p", { class: "df-small t3" }, `The newest ${number(found.changes.length)} of ${number(found.total)} are shown.`),
      );
    } catch (error) {
      put(body, failure(error));
    }
  };
  const undo = async (one, button) => {
    button.disabled = true;
    try {
      await postJson(`${base}/undo`, { change: one.id });
      await draw();
      await again();
      body.querySelector("button")?.focus();
    } catch (error) {
      put(body, failure(error));
    }
  };
  const line = (one) =>
    h(
      "li",
      { class: one.applies ? null : "is-lost", "data-testid": "change" },
      icon(one.kind === "drop" ? "trash" : "pencil", "s"),
      h(
        "div",
        { class: "df-grow" },
        h("div", { class: "df-row" }, one.applies && one.kind === "edit" ? h("a", { href: "#", onclick: (event) => (event.preventDefault(), dialog.close(), go({ tab: "", row: String(one.row + 1) })) }, `Row ${number(one.row + 1)}`) : h("b", {}, `Row ${number(one.row + 1)}`), h("span", {}, one.kind === "drop" ? "dropped" : ["edited ", h("span", { class: "df-mono" }, one.column)]), !one.applies && tag("No longer applies", "warn", "warn"), h("span", { class: "df-small t3" }, `${one.by}, ${ago(Date.parse(one.at) / 1000)}`)),
        one.kind === "drop" ? one.before.kind !== "none" && h("div", { class: "df-was" }, cell(one.before)) : h("div", { class: "df-was" }, h("del", {}, cell(one.before)), h("ins", {}, cell(one.after))),
      ),
      h("button", { type: "button", class: "df-btn sm", "aria-label": `Undo: row ${one.row + 1} ${one.kind === "drop" ? "dropped" : `edited ${one.column}`}`, onclick: (event) => undo(one, event.currentTarget) }, icon("undo", "s"), "Undo"),
    );
  await draw();
}
