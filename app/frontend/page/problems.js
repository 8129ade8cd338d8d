/* What is wrong with the pipeline, and what cannot be done because of it. */

import { count, h, put } from "./dom.js";
import { change } from "./changes.js";
import { watchEdits } from "./edits.js";
import { openCommands } from "./commands.js";
import { icon } from "./icons.js";
import { whyBusy } from "./starting.js";
import { get, go, on } from "./store.js";

const TEST_IDS = { "build-run": "run", "build-rehearse": "rehearse", "build-preview": "preview" };

export function mountProblems(element) {
  watchEdits();
  for (const id of Object.keys(TEST_IDS)) hold(id, "Opening the pipeline");
  const draw = () => {
    const view = get("build");
    if (!view) return;
    const problems = view.problems.length + (view.error ? 1 : 0);
    put(
      element,
      problems > 0 &&
        h("button", { type: "button", class: "df-btn danger", "data-testid": "problems", onclick: showProblem }, icon("warn", "s"), count(problems, "problem")),
    );
    const why = unapplied();
    hold("build-run", why || view.why_no_run || whyBusy());
    hold("build-rehearse", why || view.why_no_rehearsal || whyBusy());
    hold("build-preview", why || noPreview(view));
  };
  on("build", draw);
  on("unapplied", draw);
  on("starting", draw);
}

/** Why no rows can be tried. */
function noPreview(view) {
  if (view.error) return "Mend the YAML first";
  if (!view.text.trim()) return "Start or open a pipeline first";
  return view.steps.length ? "" : "Add a step first";
}

/** Why nothing may act on the pipeline while the editor holds another one. */
export function unapplied() {
  return get("unapplied") ? `Apply or discard the changes of the ${get("unapplied")} first` : "";
}

function showProblem() {
  const view = get("build");
  const problem = view.problems[0];
  if (view.error) return go({ view: "yaml" });
  if (!view.steps.length) return openCommands({ add: [] });
  if (problem?.step) {
    go({ view: "" });
    if (view.selected !== problem.step) change({ do: "select", step: problem.step });
  }
  const target = problem?.step ? `[data-item="${CSS.escape(problem.step)}"]` : ".df-callout";
  requestAnimationFrame(() => document.querySelector(`#build-outline ${target}`)?.scrollIntoView({ block: "center", behavior: "smooth" }));
  return undefined;
}

/** A native button that cannot act now says why, and stays reachable by keyboard; starting.js lets no click through to it. */
export function hold(id, why) {
  const button = document.getElementById(id);
  if (!button) return;
  if (why) button.setAttribute("aria-disabled", "true");
  else button.removeAttribute("aria-disabled");
  button.title = why;
  let reason = document.getElementById(`${id}-why`);
  if (!reason) {
    reason = h("span", { class: "df-sr", id: `${id}-why` });
    button.after(reason);
    button.dataset.testid = TEST_IDS[id] ?? id;
    button.setAttribute("aria-describedby", reason.id);
  }
  reason.textContent = why;
}

/** One button for each column that could stand for the missing one. */
export function useButtons(problem) {
  const why = unapplied();
  return problem.uses.map((present) =>
    h(
      "button",
      {
        type: "button",
        class: `df-btn sm ${why ? "off" : present === problem.likely ? "pri" : ""}`,
        title: why || null,
        "aria-disabled": why ? "true" : null,
        "aria-label": `Use ${present} for ${problem.column}`,
        "data-key": `use-${problem.column}-${present}`,
        onclick: () => why || change({ do: "use-column", step: problem.step, column: problem.column, present }),
      },
      "Use ",
      h("span", { class: "df-mono" }, present),
    ),
  );
}

