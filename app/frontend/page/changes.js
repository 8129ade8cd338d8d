/* Changes of the pipeline, one after the other: the next is sent when the last has been answered, so that none overtakes another. */

import { get, on, set } from "./store.js";

const LONGEST_ANSWER_MS = 5000;
const waiting = [];
let send = null;
let sent = null; // the number of the change that has no answer yet
let number = 0;
let timer = 0;

/** Let Python make a change: what `app/handlers/graph.py` knows, such as {do: "add", use: "KeepColumns", after: ["load"]}. */
export function change(told) {
  if (get("unapplied") && told.do !== "select") return; // it would take away what an editor holds: a notice says so
  if (told.do === "select") {
    show(told.step);
    if (waiting.at(-1)?.do === "select") waiting.pop(); // nobody waits for the form of a step that was only passed
  }
  waiting.push(told);
  next();
}

/** `trigger(told)` sends a change; called once, by the part of the page that hears the answers. */
export function startChanges(trigger) {
  send = trigger;
  on("build", (view) => {
    if (sent !== null && view?.answers >= sent) answered();
    else next(); // what was asked for before the pipeline was there
  });
  window.addEventListener("df-lost", () => {
    waiting.length = 0; // they were made to a pipeline that did not come about
    answered();
    setTimeout(() => get("build")?.selected && change({ do: "select", step: get("build").selected }), 700);
  });
  next();
}

function next() {
  if (sent !== null || !send || !waiting.length || !get("build")) return;
  sent = number += 1;
  set("changing", true);
  timer = setTimeout(answered, LONGEST_ANSWER_MS);
  send({ ...waiting.shift(), number });
}

function answered() {
  clearTimeout(timer);
  sent = null;
  const last = waiting.findLast((told) => told.do === "select");
  if (last) show(last.step);
  set("changing", waiting.length > 0);
  next();
}

/** A selection is seen at once; its form comes with the answer. */
function show(step) {
  const view = get("build");
  if (view && view.selected !== step) set("build", { ...view, selected: step });
}
