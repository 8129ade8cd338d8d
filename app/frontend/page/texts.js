/* The pipeline as text: the line above the editor, and what all its languages share. */

import { count, h, keepingFocus, put, saveFile, say, sentence, tag } from "./dom.js";
import { icon } from "./icons.js";
import { goToLine, markLines } from "./line_marks.js";
import "./shell.js";
import { get, on, route, set } from "./store.js";

export const LANGUAGES = { yaml: { label: "YAML", ending: "yaml" }, python: { label: "Python", ending: "py" } };

/** What the server says of the text in an editor: kept as "text-yaml" and "text-python". */
export function stateOf(language) {
  const state = get(`text-${language}`);
  return state?.problems ? state : undefined; // before the first answer only the language is known
}

/** The language whose editor holds what is not applied; an editor of another one then waits. */
export const unappliedLanguage = () => Object.keys(LANGUAGES).find((language) => stateOf(language)?.isChanged) ?? "";

export function mountBar(element, { props, trigger, watch }) {
  const { language } = props.value;
  let isOpen = false;
  const take = () => {
    set(`text-${language}`, props.value);
    if (!props.value.isChanged && get("textMode") === "changes" && route().view === language) set("textMode", "edit");
    const label = LANGUAGES[unappliedLanguage()]?.label ?? "";
    if (get("unapplied") !== label) set("unapplied", label);
  };
  const draw = () => {
    const state = stateOf(language);
    if (!state) return;
    keepingFocus(element, () =>
      put(
        element,
        h(
          "div",
          { class: "df-text-state", role: "status" },
          !state.is_empty && !state.problems.length && tag("Valid", "done", "done"),
          h("span", { class: "df-small t3" }, state.is_empty ? "Write or paste a pipeline; it is checked as you type." : `${count(state.lines, "line")} · ${state.isChanged ? "not applied yet" : "applied"}`),
        ),
        state.problems.length > 0 && problemList(language, state.problems, isOpen, (now) => (isOpen = now)),
        h("span", { class: "df-grow" }),
        modes(state),
        h("button", { type: "button", class: "df-btn sm", "data-key": "copy", "data-testid": `${language}-copy`, onclick: () => trigger("select", {}) }, icon("copy", "s"), "Copy"),
        h("button", { type: "button", class: "df-btn sm", "data-key": "download", "data-testid": `${language}-download`, onclick: () => trigger("submit", {}) }, icon("download", "s"), "Download"),
      ),
    );
  };
  mark(language);
  take();
  watch("value", take);
  on(`text-${language}`, draw);
  on("textMode", draw);
  const markProblems = () => markLines(language, (stateOf(language)?.problems ?? []).map((problem) => problem.line).filter(Boolean));
  on(`text-${language}`, markProblems);
  on("shown", (shown) => shown === language && requestAnimationFrame(markProblems));
  const letKeysScroll = () => document.querySelector(`#${language}-code .cm-scroller`)?.setAttribute("tabindex", "0");
  on("shown", (shown) => shown === language && requestAnimationFrame(letKeysScroll));
}

/** The region that holds the editor, for screen readers, F6 and tests. */
function mark(language) {
  const view = document.getElementById(`build-${language}`);
  if (!view) return;
  view.dataset.testid = language;
  view.dataset.region = language;
  view.setAttribute("role", "region");
  view.setAttribute("aria-label", `Pipeline as ${LANGUAGES[language].label}`);
}

function modes(state) {
  const now = get("textMode") ?? "edit";
  const one = (mode, label) => h("button", { type: "button", "aria-pressed": String(now === mode), "data-key": `mode-${mode}`, "data-testid": `${state.language}-${mode}`, onclick: () => set("textMode", mode) }, label);
  return h("div", { class: "df-seg", role: "group", "aria-label": "Show" }, one("edit", "Edit"), one("changes", "Changes"));
}

on("textMode", (mode) => {
  document.documentElement.dataset.textMode = mode;
});
set("textMode", "edit");

/** All problems as a list that opens; while it is closed, what the first one is. */
function problemList(language, problems, isOpen, toggled) {
  const where = (problem) => problem.step && h("b", {}, `${problem.step}: `);
  const [first] = problems;
  return h(
    "details",
    { class: "df-text-problems", open: isOpen, ontoggle: (event) => toggled(event.currentTarget.open) },
    h("summary", { "data-key": "text-problems" }, tag(count(problems.length, "problem"), "fail", "warn"), h("span", { class: "df-small t2 df-one-line df-text-first" }, where(first), sentence(first.what)), icon("down", "s")),
    h(
      "ol",
      { "data-testid": `${language}-problem` },
      problems.map((problem) => h("li", {}, h("p", { class: "df-callout-text" }, lineButton(language, problem, () => toggled(false)), where(problem), sentence(problem.what)), problem.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), sentence(problem.fix)))),
    ),
  );
}

function lineButton(language, { line }, close) {
  const jump = () => {
    close();
    set("textMode", "edit");
    requestAnimationFrame(() => goToLine(language, line));
  };
  return line && [h("button", { type: "button", class: "df-linkish acc", "data-key": `line-${line}`, onclick: jump }, `Line ${line}`), " "];
}

/* ---- what Gradio hands over: the whole text, of which the page shows a part */

async function copyText(text) {
  try {
    await navigator.clipboard.writeText(text);
    say("Copied");
  } catch {
    set("refused", { message: "The browser did not let the page copy", fix: "select the text and press Ctrl C" });
  }
}

function saveText(text, language) {
  saveFile(`${get("build")?.name || "pipeline"}.${LANGUAGES[language].ending}`, text);
}

Object.assign(window.distilflow, { copyText, saveText });
