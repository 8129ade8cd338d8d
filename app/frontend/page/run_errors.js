/* Why rows failed in the chosen step, by reason. */

import { capital, count, h, number, put, sourceRow } from "./dom.js";
import { chosen } from "./follow.js";
import { icon } from "./icons.js";
import { get, go } from "./store.js";

const SHOWN = 20;

/** Steps in which rows failed, in the order in which rows pass. */
export function withErrors(run) {
  return run.steps.map((card) => card.name).filter((name) => run.progress?.[name]?.failed > 0);
}

/** `retry(run)` gives the button that tries the failed rows again. */
export function errorsFace(body, retry) {
  let drawn = "";
  const draw = () => {
    const run = get("run");
    const step = chosen(run);
    const failed = run.progress?.[step]?.failed ?? 0;
    const mine = (run.failures ?? []).filter((one) => one.step === step);
    const others = withErrors(run).filter((name) => name !== step);
    drawn = keyOf(run);
    put(
      body,
      others.length > 0 && h("p", { class: "df-hint df-others" }, "Rows failed in other steps too: ", others.map((name, at) => [at > 0 && ", ", h("button", { type: "button", class: "df-linkish", onclick: () => go({ step: name }, { replace: true }) }, `${name} (${number(run.progress[name].failed)})`)])),
      mine.length ? reasons(mine) : h("p", { class: "df-hint df-pad" }, "No row failed in this step."),
      failed > mine.length && mine.length > 0 && h("p", { class: "df-hint df-pad" }, `The newest ${number(mine.length)} of ${count(failed, "failed row")} are shown; the quarantine has all.`),
    );
  };
  return {
    draw,
    update: () => keyOf(get("run")) !== drawn && draw(),
    leave() {},
    tools: (run) => retry(run, "sm"),
  };
}

function keyOf(run) {
  return `${run.id}|${chosen(run)}|${run.failures?.length}|${withErrors(run)}`;
}

function reasons(failures) {
  const groups = [...Map.groupBy(failures, (one) => one.code)].sort(([, one], [, other]) => other.length - one.length);
  return groups.map(([code, some], at) =>
    h(
      "details",
      { class: "df-reasons", open: at === 0 },
      h("summary", {}, icon("warn", "s warn"), h("b", {}, capital(code.replaceAll("-", " "))), h("span", { class: "df-tag warn" }, number(some.length)), h("span", { class: "df-small t3 df-one-line" }, some[0].message)),
      h(
        "table",
        { class: "df-table plain" },
        h("caption", { class: "df-sr" }, `Rows that failed: ${code}`),
        h("thead", {}, h("tr", {}, h("th", { scope: "col", class: "df-fit" }, "Source row"), h("th", { scope: "col" }, "What was seen"))),
        h("tbody", {}, some.slice(0, SHOWN).map((one) => h("tr", {}, h("td", { class: "df-num df-fit" }, sourceRow(one.row)), h("td", {}, one.message)))),
      ),
    ),
  );
}
