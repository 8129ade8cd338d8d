/* The form of the selected step. Gradio makes it, a moment after the selection: until then the old one must not be typed into.
   Whoever goes on typing meanwhile types into the new one: keys are kept, and the focus is put back to where it was. */

import { change } from "./changes.js";
import { isOpen, watchDropdowns } from "./dropdowns.js";
import { focusQuietly, focusSelected } from "./focus.js";
import { get, on, set } from "./store.js";
import { focusNowhere, forget, hasKept, isWaiting, keep, release } from "./type_ahead.js";

const FIELD = "input, textarea";
const LONGEST_ANSWER_MS = 5000;
const CALM_MS = 50; // Gradio gives fields their values a moment after it made them
let wanted = 0; // the number of the form that belongs to the selected step
let asked = 0; // the one that is being made
let askedAt = 0;
let chosen = ""; // the class that was asked for and has no form yet
let place = null; // where keys go once the form is there, by the id of its field; "" is the first one
let calm = 0; // the timer of CALM_MS

/** Hand the numbers that Python counts to `ask`, one at a time: of two forms that are made at once the second takes away what was
    typed into the first. */
export function askForForms(ask) {
  const next = () => {
    if (asked && shown() < asked && Date.now() - askedAt < LONGEST_ANSWER_MS) return;
    asked = 0;
    if (shown() >= wanted) return;
    asked = wanted;
    askedAt = Date.now();
    ask(wanted);
  };
  on("build", (view) => {
    wanted = Math.max(wanted, view.form ?? 0);
    next();
  });
  on("form", next);
  window.addEventListener("df-lost", () => {
    asked = 0;
  });
}

/** Keep people out of a form that is not the one of the selected step. */
export function watchForm() {
  const form = formOf();
  if (!form) return;
  const look = () => {
    const late = isLate();
    if (late && form.contains(document.activeElement)) wait(placeOf(document.activeElement));
    form.inert = late || Boolean(get("unapplied"));
    form.setAttribute("aria-busy", String(late));
    if (!late) goOn();
  };
  let last = 0;
  new MutationObserver(() => {
    look();
    if (shown() === last) return;
    last = shown();
    set("form", last);
  }).observe(form, { childList: true, subtree: true });
  for (const name of ["build", "changing", "unapplied"]) on(name, look);
  window.addEventListener("df-lost", forget);
  form.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || isOpen(event.target)) return;
    event.preventDefault();
    focusSelected();
  });
  watchDropdowns(form, (input) => Boolean(input.closest(".df-choice")));
}

/** Go to the first field, now or when it is there. */
export function enterForm() {
  if (isLate()) wait("");
  else formOf()?.querySelector(FIELD)?.focus();
}

/** Take another class where the form that is shown depends on it: `what` is "router", or the place of a model. Gradio tells of a
 * choice twice, and when a choice is left as it was. */
export function choose(what, name) {
  const { step, choices = "{}" } = newest()?.dataset ?? {};
  const asked = `${what} ${name}`;
  if (step && typeof name === "string" && name !== JSON.parse(choices)[what] && asked !== chosen) {
    chosen = asked;
    change(what === "router" ? { do: "choose-router", step, name } : { do: "choose-model", place: what, step, name });
  }
  release("choice");
}

/* ---- waiting for a form */

/** Take the focus out of the form, which gives Gradio what was typed, and keep the keys. */
function wait(where) {
  clearTimeout(calm);
  place = where;
  keep("form");
  focusNowhere();
}

function goOn() {
  chosen = "";
  if (place === null) return;
  if (isIdle()) focusQuietly(target());
  clearTimeout(calm);
  calm = setTimeout(async () => {
    const elsewhere = isIdle() || formOf().contains(document.activeElement) ? null : document.activeElement;
    if (elsewhere && hasKept()) focusQuietly(target());
    place = null;
    await release("form");
    if (elsewhere?.isConnected) elsewhere.focus({ preventScroll: true }); // somebody clicked there meanwhile
  }, CALM_MS);
}

/** Whether the focus is nowhere, or where it waits. */
const isIdle = () => document.activeElement === document.body || isWaiting(document.activeElement);

function target() {
  const field = place && document.getElementById(place)?.querySelector(`${FIELD}, button`);
  return field || formOf().querySelector(FIELD);
}

const placeOf = (element) => element.closest("[id^='field-'], [id^='form-']")?.id ?? "";

/* ---- what there is */

function isLate() {
  if (get("changing") || shown() < wanted) return true;
  if (!shown()) return false;
  const { step, fields } = newest().dataset;
  return step !== (get("build")?.selected ?? "") || !fields.split(" ").every((id) => !id || document.getElementById(`field-${id}`));
}

const formOf = () => document.getElementById("step-form");

/** The mark of the newest form that is there. */
function newest() {
  return [...(formOf()?.querySelectorAll("[data-form]") ?? [])].sort((one, other) => other.dataset.form - one.dataset.form)[0];
}

const shown = () => Number(newest()?.dataset.form ?? 0);
