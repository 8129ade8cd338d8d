/* A pipeline that starts from a data set on the Hub: its columns and first rows are shown before it opens. */

import { openDialog } from "./dialog.js";
import { count, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { busy, problemOf } from "./importing.js";
import { open } from "./pipelines.js";
import { table } from "./rows.js";
import { ask } from "./start.js";

export function hubDialog() {
  const field = (id, label, placeholder, classes = "") => {
    const box = h("input", { type: "text", class: `df-input ${classes}`, id, placeholder, autocomplete: "off", spellcheck: "false" });
    box.addEventListener("keydown", (event) => event.key === "Enter" && look());
    return [h("div", { class: classes }, h("label", { class: "df-label", for: id }, label), box), box];
  };
  const [repoPart, repo] = field("hub-repo", "Data set", "owner/name, or the address of its page", "df-grow");
  const [configPart, config] = field("hub-config", "Configuration", "the first");
  const [splitPart, split] = field("hub-split", "Split", "train");
  const found = h("div", { class: "df-found", id: "hub-found", "aria-live": "polite" });
  const start = h("button", { type: "button", class: "df-btn pri", id: "hub-open", disabled: true, onclick: () => (open({ do: "text", text }), dialog.close()) }, "Start with it");
  let text = "";

  async function look() {
    if (!repo.value.trim()) return repo.focus();
    start.disabled = true;
    put(found, busy(`Asking the Hub for the first rows of ${repo.value.trim()}`));
    const answer = await ask("hub", { wanted: "rows", source: repo.value, config: config.value, split: split.value });
    if (answer.problem) return put(found, problemOf(answer.problem));
    text = answer.text;
    start.disabled = false;
    return put(
      found,
      h("p", { class: "df-small t2" }, `${count(answer.columns.length, "column")}, split ${answer.params.split ?? "train"}; the first ${count(answer.rows.length, "row")}:`),
      h("div", { class: "df-hub-rows", tabindex: "0", role: "region", "aria-label": "First rows" }, table(answer.columns, answer.rows, { label: "First rows of the data set" })),
    );
  }

  const dialog = openDialog("Start from a Hub dataset", () => [
    h("div", { class: "df-row df-fields" }, repoPart, configPart, splitPart, h("button", { type: "button", class: "df-btn", id: "hub-look", onclick: look }, icon("eye", "s"), "Look at it")),
    found,
    h("div", { class: "df-row df-end" }, h("button", { type: "button", class: "df-btn", onclick: () => dialog.close() }, "Cancel"), start),
  ], "wide");
  repo.focus();
}
