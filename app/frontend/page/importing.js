/* The import of a pipeline: from a file, a text or the Hub. What was understood is shown before it opens. */

import { openDialog } from "./dialog.js";
import { count, h, put, sentence, tag } from "./dom.js";
import { thumbnail } from "./gallery.js";
import { icon } from "./icons.js";
import { open } from "./pipelines.js";
import { ask } from "./start.js";

const MOST_BYTES = 10_000_000;
const TYPED_MS = 400;
const SAMPLE = "distilflow: 1\nname: my-pipeline\nsteps:\n  - name: load\n    use: LoadDataFromFileSystem\n    with: {data_files: my-rows.jsonl}";

export function busy(words) {
  return h("p", { class: "df-busy df-busy-slim", role: "status" }, icon("arc", "spin"), words);
}

export function problemOf(problem) {
  return h("div", { class: "df-callout fail slim", role: "alert" }, h("p", { class: "df-callout-text" }, icon("warn"), h("span", {}, sentence(problem.what), problem.fix && ` ${sentence(problem.fix)}`)));
}

/** `file`: one that was dropped on the page. */
export function importDialog({ file } = {}) {
  const area = h("textarea", { class: "df-area", rows: "10", id: "import-text", spellcheck: "false", placeholder: SAMPLE });
  const picker = h("input", { type: "file", accept: ".yaml,.yml,.json", id: "import-file", class: "df-file" });
  const repo = h("input", { type: "text", class: "df-input df-grow", id: "import-repo", placeholder: "owner/name, or the address of its page", autocomplete: "off", spellcheck: "false" });
  const found = h("div", { class: "df-found", id: "import-found", "aria-live": "polite" });
  let looked = null; // {text, answer}: what is known of the text that is there now

  const show = (answer) => {
    if (answer.problem) return put(found, problemOf(answer.problem));
    return put(found, understood(answer));
  };
  const look = async () => {
    const text = area.value;
    if (!text.trim()) {
      looked = null;
      put(found);
      return null;
    }
    if (looked?.text === text) return looked.answer;
    const mine = { text, answer: ask("import", { text }) };
    looked = mine;
    put(found, busy("Reading it"));
    mine.answer = await mine.answer;
    if (looked === mine) show(mine.answer);
    return mine.answer;
  };
  let timer = 0;
  area.addEventListener("input", () => {
    clearTimeout(timer);
    timer = setTimeout(look, TYPED_MS);
  });
  const take = async (picked) => {
    if (!picked) return;
    if (picked.size > MOST_BYTES) return void put(found, problemOf({ what: "this file has more than 10 MB", fix: "a pipeline may have 10" }));
    area.value = await picked.text();
    await look();
  };
  picker.addEventListener("change", () => take(picker.files[0]));
  const fetchIt = async () => {
    if (!repo.value.trim()) return repo.focus();
    put(found, busy(`Asking the Hub for the pipeline of ${repo.value.trim()}`));
    const answer = await ask("hub", { wanted: "pipeline", source: repo.value });
    if (answer.problem) return show(answer);
    area.value = answer.source;
    looked = { text: answer.source, answer };
    return show(answer);
  };
  repo.addEventListener("keydown", (event) => event.key === "Enter" && fetchIt());
  const openIt = async () => {
    clearTimeout(timer);
    if (!area.value.trim()) {
      put(found, problemOf({ what: "there is nothing to open yet", fix: "choose a file, paste a pipeline, or name a data set" }));
      return area.focus();
    }
    const answer = await (looked?.text === area.value ? looked.answer : look());
    if (answer.problem) return show(answer);
    open({ do: "text", text: answer.text });
    return dialog.close();
  };
  const dialog = openDialog("Import a pipeline", () => [
    h("label", { class: "df-label", for: "import-file" }, "File: YAML or JSON of distilflow or distilabel. You can also drop it on the page."),
    picker,
    h("label", { class: "df-label", for: "import-repo" }, "Or the data set on the Hub that it made"),
    h("div", { class: "df-row" }, repo, h("button", { type: "button", class: "df-btn", id: "import-fetch", onclick: fetchIt }, icon("download", "s"), "Read it")),
    h("label", { class: "df-label", for: "import-text" }, "Or paste it"),
    area,
    found,
    h("div", { class: "df-row df-end" }, h("button", { type: "button", class: "df-btn", onclick: () => dialog.close() }, "Cancel"), h("button", { type: "button", class: "df-btn pri", id: "import-open", onclick: openIt }, "Open in Build")),
  ], "wide");
  dialog.addEventListener("dragover", (event) => event.preventDefault());
  dialog.addEventListener("drop", (event) => {
    event.preventDefault();
    take(event.dataTransfer.files[0]);
  });
  if (file) take(file);
  else picker.focus();
}

/** What is known of a pipeline before it opens. */
function understood(answer) {
  return h(
    "div",
    { class: "df-understood" },
    thumbnail(answer.card.graph),
    h(
      "div",
      { class: "df-grow df-stack" },
      h("p", {}, h("b", {}, answer.card.name), answer.origin && [" ", tag(`From ${answer.origin}`)]),
      h("p", { "data-testid": "import-understood", class: answer.unknown.length ? "warn" : "" }, answer.understood),
      answer.unknown.length > 0 && h("p", { class: "df-small t2" }, "It opens all the same; these steps keep their parameters. Replace them, or install what has the classes."),
      answer.problems > 0 && h("p", { class: "df-small t2" }, `${count(answer.problems, "problem")} in its form; Build shows ${answer.problems === 1 ? "it" : "them"}.`),
      answer.notes.length > 0 && h("ul", { class: "df-notes", "aria-label": "What was not carried over" }, answer.notes.map((note) => h("li", {}, sentence(note)))),
    ),
  );
}
