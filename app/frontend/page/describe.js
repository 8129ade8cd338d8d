/* Describe your dataset: a model drafts the pipeline, the server checks it, and nothing is kept before it is opened. */

import { openDialog } from "./dialog.js";
import { count, h, put, sentence, tag } from "./dom.js";
import { thumbnail } from "./gallery.js";
import { icon } from "./icons.js";
import { busy, problemOf } from "./importing.js";
import { open } from "./pipelines.js";
import { ask } from "./start.js";

const MOST_SAMPLE = 2_000_000;
const SAMPLE_LINES = 21; // what is sent of a file: a header and twenty rows
const TYPED_MS = 500;

/** `drafting`: {models, use, model, isPublic}, what can draft here and what is chosen at first. */
export function describeBox(drafting) {
  const chosen = JSON.parse(sessionStorage.getItem("distilflow-draft-model") ?? "null") ?? {};
  let sample = { name: "", text: "" };
  const area = h("textarea", { class: "df-describe-text", id: "describe", rows: "3", maxlength: "8000", "aria-label": "Describe the data you need", placeholder: "Preference pairs for a support assistant: questions about returns and billing, two answers each, rated for being correct and kind." });
  const model = h("button", { type: "button", class: "df-btn sm", id: "draft-model", "aria-haspopup": "dialog", onclick: () => modelDialog(drafting, chosen, drawFoot) });
  const attach = h("button", { type: "button", class: "df-btn ghost sm", id: "draft-sample", onclick: () => sampleDialog(sample, (now) => ((sample = now), drawFoot())) });
  const cost = h("span", { class: "df-small t3 df-describe-cost", id: "draft-cost" });
  const said = h("div", { class: "df-described", id: "draft-said", "aria-live": "polite" });
  const go = h("button", { type: "button", class: "df-btn pri", id: "draft-go" }, "Draft pipeline");
  let isBusy = false;

  const drawFoot = () => {
    const known = drafting.models.find((one) => one.name === chosen.use);
    chosen.use = known?.name ?? drafting.use;
    chosen.model ||= drafting.model;
    sessionStorage.setItem("distilflow-draft-model", JSON.stringify(chosen));
    put(model, icon("spark", "s"), h("span", { class: "df-one-line" }, chosen.model || "Choose a model"), icon("down", "s"));
    put(attach, icon("file", "s"), sample.text ? sample.name : "Attach sample rows");
    askCost();
  };
  let timer = 0;
  const askCost = () => {
    clearTimeout(timer);
    timer = setTimeout(async () => {
      const answer = await ask("quote", { ...chosen, text: area.value });
      put(cost, answer.problem ? "Checked before you see it" : answer.missing ? "Needs a key" : `Checked before you see it · ${answer.cost}`);
      cost.title = answer.missing ? sentence(answer.missing) : "";
    }, TYPED_MS);
  };
  const draft = async () => {
    if (isBusy) return;
    if (!area.value.trim()) {
      put(said, problemOf({ what: "there is no description yet", fix: "say in a sentence or two which rows you need" }));
      return area.focus();
    }
    isBusy = true;
    go.setAttribute("aria-disabled", "true");
    put(said, busy(`${chosen.model} drafts a pipeline; what it draws is checked, and sent back up to 3 times`));
    const answer = await ask("draft", { ...chosen, text: area.value, sample: sample.text });
    isBusy = false;
    go.removeAttribute("aria-disabled");
    if (answer.problem) return put(said, problemOf(answer.problem));
    put(said);
    return showDraft(answer, draft);
  };
  go.addEventListener("click", draft);
  area.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
      event.preventDefault();
      draft();
    }
  });
  drawFoot();
  return h("div", { class: "df-describe" }, area, h("div", { class: "df-describe-foot" }, h("span", { class: "df-small t3" }, "Draft with"), model, attach, h("span", { class: "df-grow" }), cost, go), said);
}

/** The pipeline that was drafted, before it is opened. */
function showDraft(answer, again) {
  const { card, problems } = answer;
  const wrong = problems.length > 0;
  const dialog = openDialog(card.title, () => [
    h("p", { class: "t2" }, card.description),
    h("div", { class: "df-understood" }, thumbnail(card.graph)),
    h(
      "p",
      { class: "df-row df-drafted-facts" },
      wrong ? tag(count(problems.length, "problem"), "fail", "warn") : tag("Checked: no problems", "done", "done"),
      h("span", { class: "df-small t3", "data-testid": "draft-used" }, `${count(card.steps, "step")} · ${answer.used}`),
    ),
    answer.stopped && problemOf({ what: `It was not asked again: ${answer.stopped}` }),
    wrong && h("ul", { class: "df-notes", "data-testid": "draft-problems" }, problems.map((one) => h("li", {}, one.step && h("b", {}, `${one.step}: `), sentence(one.what), one.fix && ` ${sentence(one.fix)}`))),
    h("pre", { class: "df-pre is-whole df-draft-yaml", tabindex: "0", "data-testid": "draft-yaml", "aria-label": "The pipeline as YAML" }, answer.text),
    h("p", { class: "df-small t3" }, "A model wrote this. Nothing is saved or run until you open it."),
    h(
      "div",
      { class: "df-row df-end" },
      h("button", { type: "button", class: "df-btn", onclick: () => dialog.close() }, "Discard"),
      h("button", { type: "button", class: "df-btn", id: "draft-again", onclick: () => (dialog.close(), again()) }, icon("again", "s"), "Draft again"),
      h("button", { type: "button", class: "df-btn pri", id: "draft-open", onclick: () => (dialog.close(), open({ do: "text", text: answer.text })) }, "Open in Build"),
    ),
  ], "wide df-drafted");
  dialog.querySelector("#draft-open").focus({ preventScroll: true });
}

function modelDialog({ models, isPublic }, chosen, done) {
  const fields = h("div", {});
  const provider = h("select", { class: "df-input", id: "draft-provider" }, models.map((one) => h("option", { value: one.name, selected: one.name === chosen.use }, one.name)));
  const boxes = {};
  const draw = () => {
    const one = models.find((model) => model.name === provider.value);
    put(
      fields,
      h("p", { class: "df-hint" }, one.summary),
      one.fields.filter((field) => !isPublic || field.name !== "base_url").map((field) => {
        boxes[field.name] = h("input", { type: "text", class: "df-input", id: `drafter-${field.name}`, autocomplete: "off", spellcheck: "false" });
        boxes[field.name].value = chosen[field.name] ?? "";
        return [h("label", { class: "df-label", for: `drafter-${field.name}` }, field.name === "model" ? "Model" : "Address (base_url)"), boxes[field.name], h("p", { class: "df-hint" }, field.about)];
      }),
      one.key && h("p", { class: `df-secret ${one.key.is_set ? "is-set" : ""}`, "data-testid": "draft-key" }, h("span", { class: "df-grow" }, "Uses ", h("span", { class: "df-mono" }, `$${one.key.variable}`)), tag(one.key.is_set ? "Set" : "Not set", one.key.is_set ? "done" : "warn")),
    );
  };
  provider.addEventListener("change", draw);
  const use = () => {
    Object.assign(chosen, { use: provider.value, base_url: "" }, Object.fromEntries(Object.entries(boxes).map(([name, box]) => [name, box.value.trim()])));
    done();
    dialog.close();
  };
  const dialog = openDialog("Draft with", () => [
    h("label", { class: "df-label", for: "draft-provider" }, "Provider"),
    provider,
    fields,
    h("div", { class: "df-row df-end" }, h("button", { type: "button", class: "df-btn", onclick: () => dialog.close() }, "Cancel"), h("button", { type: "button", class: "df-btn pri", id: "draft-use", onclick: use }, "Use it")),
  ]);
  dialog.addEventListener("keydown", (event) => event.key === "Enter" && event.target.matches("input") && use());
  draw();
  provider.focus();
}

function sampleDialog(sample, done) {
  const area = h("textarea", { class: "df-area", rows: "10", id: "sample-text", spellcheck: "false", placeholder: '{"question": "How do I return shoes?"}\n{"question": "Why was I billed twice?"}' });
  area.value = sample.text;
  const said = h("div", { "aria-live": "polite" });
  const file = h("input", { type: "file", accept: ".jsonl,.ndjson,.json,.csv", id: "sample-file", class: "df-file" });
  let name = sample.name;
  file.addEventListener("change", async () => {
    const [picked] = file.files;
    if (!picked) return;
    const text = await picked.slice(0, MOST_SAMPLE).text();
    area.value = text.trimStart().startsWith("[") ? text : text.split("\n").slice(0, SAMPLE_LINES).join("\n");
    name = picked.name;
  });
  const use = () => {
    if (area.value.length > MOST_SAMPLE) return put(said, problemOf({ what: "this is more than 2 MB", fix: "give the first rows" }));
    done({ text: area.value.trim(), name: name || "Sample rows" });
    return dialog.close();
  };
  const dialog = openDialog("Sample rows", () => [
    h("p", { class: "df-hint" }, "The first 20 rows become the source of the pipeline. The first 3 are sent to the model, cut to 300 characters a value."),
    h("label", { class: "df-label", for: "sample-file" }, "File: JSON lines, JSON or CSV"),
    file,
    h("label", { class: "df-label", for: "sample-text" }, "Or paste them"),
    area,
    said,
    h("div", { class: "df-row df-end" }, h("button", { type: "button", class: "df-btn", onclick: () => (done({ text: "", name: "" }), dialog.close()) }, "Use none"), h("button", { type: "button", class: "df-btn pri", id: "sample-use", onclick: use }, "Use them")),
  ], "wide");
}
