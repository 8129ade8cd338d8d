/* What was changed a moment ago is on its way to the server: whatever acts on the pipeline waits until it is there.

   Gradio sends a choice at once, and a text when its field is left. From here nobody sees which event belongs to which field, so a
   field is saved when an edit that was sent after it was left, or chosen from, has been answered. A field that sends nothing, such
   as a list in which a name was typed and none was chosen, is not waited for any longer than NOTHING_SENT_MS. */

import { get, set } from "./store.js";
import { isKeeping } from "./type_ahead.js";

const NOTHING_SENT_MS = 2000;
const LOST = "distilflow-lost";
const TAKEN_MS = 100; // from the arrival of an answer until the page shows it
const changed = new Map(); // the fields, and when an event for them must have been sent at the earliest: unknown while one is typed

export function watchEdits() {
  // heard of before Gradio hears of it, and sends it
  document.addEventListener("input", (event) => change(event.target), true);
  document.addEventListener("blur", (event) => leave(fieldOf(event.target)), true);
  window.addEventListener("df-lost", (event) => {
    changed.clear();
    sessionStorage.setItem(LOST, event.detail); // Gradio loads the page again once the server is back
    set("lost", event.detail);
  });
  const before = sessionStorage.getItem(LOST);
  sessionStorage.removeItem(LOST);
  if (before) set("lost", before);
  window.addEventListener("beforeunload", (event) => {
    if (!isSettled()) event.preventDefault(); // the browser asks
  });
}

/** Whether the server has, and the page shows, every edit. */
export function isSettled() {
  const { sentAt, unanswered } = window.distilflowEdits();
  for (const [field, from] of changed) {
    if (from === null) continue;
    if (sentAt >= from || performance.now() - from > NOTHING_SENT_MS || !field.isConnected) changed.delete(field);
  }
  return changed.size === 0 && unanswered === 0 && !get("changing") && !isKeeping();
}

/** Act when every edit has been answered; not at all when one was lost. */
export function afterEdits(action) {
  for (const field of changed.keys()) leave(field);
  set("lost", null);
  const look = () => {
    if (get("lost")) return;
    if (isSettled()) setTimeout(action, TAKEN_MS);
    else setTimeout(look, 20);
  };
  look();
}

function change(target) {
  const field = fieldOf(target);
  if (!field) return;
  changed.set(field, isText(target) ? null : performance.now());
  if (get("lost")) set("lost", null); // what was lost is being made again
}

function fieldOf(target) {
  return target.closest?.("#step-form [id^='field-'], #yaml-code, #python-code");
}

/** Whether it is sent when it is left, not at once. */
function isText(target) {
  return target.matches("textarea, input:not([type=checkbox], [type=radio], [type=range], [role=listbox], [role=combobox])");
}

function leave(field) {
  if (changed.get(field) === null) changed.set(field, performance.now());
}
