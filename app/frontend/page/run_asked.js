/* Prompts and replies of the chosen step, below the graph of a run; they follow the newest until somebody reads. */

import { drawAsked } from "./asked.js";
import { h, put } from "./dom.js";
import { chosen } from "./follow.js";
import { get } from "./store.js";

/** How many requests a step has sent, as far as it was told. */
export function requestsOf(run, step) {
  return run?.progress?.[step]?.usage?.requests ?? 0;
}

/** How far a step is: rows too, since made-up replies come with no request. */
function amountOf(run, step) {
  return `${requestsOf(run, step)}|${run?.progress?.[step]?.taken ?? 0}`;
}

export function askedFace(body) {
  let list = null;
  let drawn = "";
  let isDrawing = false;
  const keyOf = (run) => `${run.id}|${chosen(run)}|${amountOf(run, chosen(run))}|${run.report?.state}`;
  const fill = async () => {
    const run = get("run");
    drawn = keyOf(run);
    isDrawing = true;
    await drawAsked(list, { run: run.id, step: chosen(run) });
    isDrawing = false;
  };
  return {
    draw() {
      const run = get("run");
      const card = run.steps.find((step) => step.name === chosen(run));
      list = null;
      if (!card || card.replies === "") return put(body, h("p", { class: "df-hint df-pad" }, "This step asks no model."));
      list = h("div", { class: "df-asked-list" });
      put(body, list);
      return fill();
    },
    update() {
      const isRead = body.matches(":hover") || body.scrollTop > 0 || body.contains(document.activeElement);
      if (list?.isConnected && !isDrawing && !isRead && keyOf(get("run")) !== drawn) fill();
    },
    leave() {
      list = null;
    },
    tools: () => null,
  };
}
