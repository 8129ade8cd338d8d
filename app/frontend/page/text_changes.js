/* What a text would change: line by line in place of the editor, and in words beside it. */

import { count, h, keepingFocus, put, sentence } from "./dom.js";
import { afterEdits, isSettled } from "./edits.js";
import { icon } from "./icons.js";
import { get, go, on, set } from "./store.js";
import { LANGUAGES, stateOf, unappliedLanguage } from "./texts.js";

const SIGNS = { added: "+", removed: "-", fold: "⋯", same: "" };

export function mountLines(element, { props }) {
  const { language } = props.value;
  const draw = () => {
    const state = stateOf(language);
    if (!state || get("textMode") !== "changes") return put(element);
    if (!state.isChanged) return put(element, h("p", { class: "df-hint df-pad" }, "Nothing was changed. Edit the text, and see here what would be another one."));
    return put(
      element,
      h(
        "div",
        { class: "df-diff-box", tabindex: "0", role: "region", "aria-label": `Changed lines of the ${LANGUAGES[language].label}` },
        h("table", { class: "df-diff", "data-testid": `${language}-diff` }, h("caption", { class: "df-sr" }, "Lines with + come, lines with - go"), h("tbody", {}, state.diff.map(line))),
      ),
    );
  };
  on(`text-${language}`, draw);
  on("textMode", draw);
}

function line(one) {
  return h("tr", { class: `is-${one.kind}` }, h("td", { class: "df-diff-no" }, one.number === null ? "" : String(one.number)), h("td", { class: "df-diff-sign" }, SIGNS[one.kind]), h("td", { class: "df-diff-text" }, one.text));
}

export function mountPanel(element, { props, trigger }) {
  const { language } = props.value;
  const { label } = LANGUAGES[language];
  const discard = () => trigger("select", {});
  const apply = () => whyNot(language) || trigger("submit", {}); // asked again: what was typed last may have been waited for
  const act = (action) => (isSettled() ? action() : afterEdits(action));
  const draw = () => {
    const state = stateOf(language);
    if (!state) return;
    const changed = state.isChanged ? state.count : 0;
    const title = changed ? count(changed, "change") : !state.isChanged ? "No changes" : state.why_not && state.problems.length ? "Not a pipeline yet" : "Comments or layout";
    keepingFocus(element, () =>
      put(
        element,
        h("div", { class: "df-changes-head" }, h("h2", {}, title), state.isChanged && h("span", { class: "df-small t3" }, "not applied yet")),
        h("div", { class: "df-changes-body", "data-region": `${language}-changes`, role: "region", "aria-label": "What would change", tabindex: "0", "data-testid": `${language}-changes-list` }, body(state, label)),
        h(
          "div",
          { class: "df-changes-foot" },
          button({ id: `${language}-discard`, text: "Discard", why: state.isChanged ? "" : state.why_not, act: () => act(discard) }),
          button({ id: `${language}-apply`, text: changed ? `Apply ${count(changed, "change")}` : "Apply changes", why: whyNot(language), kind: "pri df-grow", sign: "tick", act: () => act(apply) }),
        ),
      ),
    );
  };
  on(`text-${language}`, draw);
  on("unapplied", draw);
}

/** Why the text of a language cannot be applied now. */
function whyNot(language) {
  const other = Object.keys(LANGUAGES).find((one) => one !== language && stateOf(one)?.isChanged);
  if (other) return `The ${LANGUAGES[other].label} has changes that are not applied`;
  return stateOf(language).why_not;
}

function button({ id, text, why, kind = "", sign = null, act }) {
  return [
    h("button", { type: "button", class: `df-btn ${kind}`, id, "data-testid": id, "data-key": id, title: why || null, "aria-disabled": why ? "true" : null, "aria-describedby": why ? `${id}-why` : null, onclick: () => why || act() }, sign && icon(sign, "s"), text),
    h("span", { class: "df-sr", id: `${id}-why` }, why),
  ];
}

function body(state, label) {
  if (!state.isChanged) {
    return h("p", { class: "df-hint" }, `Edit the ${label}: what it changes is listed here, and nothing is changed before you apply it.`);
  }
  return [
    state.why_not && h("div", { class: "df-callout fail slim" }, h("p", { class: "df-callout-text" }, icon("warn"), h("span", {}, sentence(state.count || !state.problems.length ? state.why_not : state.problems[0].what))), !state.count && state.problems[0]?.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), sentence(state.problems[0].fix))),
    !state.why_not && !state.sections.length && h("p", { class: "df-hint" }, "The pipeline itself stays the same."),
    state.sections.map((section) => [section.title && h("h3", {}, section.title), h("ul", { class: "df-changes" }, section.rows.map(row))]),
  ];
}

function row(one) {
  return h("li", { class: one.kind || null }, icon(one.icon), h("div", {}, h("b", {}, one.title), one.texts.map((text) => h("p", {}, text))));
}

/** Says, over whatever else is shown of the pipeline, that an editor holds another one. */
export function unappliedNotice() {
  const language = unappliedLanguage();
  if (!language || get("shown") === language) return null;
  const { label } = LANGUAGES[language];
  return h(
    "div",
    { class: "df-callout warn slim" },
    h("p", { class: "df-callout-text" }, icon("warn"), h("span", {}, `The ${label} has changes that are not applied.`), h("button", { type: "button", class: "df-btn sm", "data-key": "to-text", onclick: () => go({ view: language }) }, `Open the ${label}`)),
  );
}

on("shown", (shown) => {
  if (get("textMode") === "changes" && !stateOf(shown)?.isChanged) set("textMode", "edit");
});
