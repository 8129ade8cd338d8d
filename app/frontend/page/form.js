/* The form of the selected step. Gradio makes it, a moment after the selection: until then the old one must not be typed into. */

import { get, on, set } from "./store.js";

const LONGEST_ANSWER_MS = 5000;
let wanted = 0; // the number of the form that belongs to the selected step
let asked = 0; // the one that is being made
let askedAt = 0;

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
    const step = newest()?.dataset.step ?? "";
    const isLate = shown() < wanted || (shown() > 0 && step !== (get("build")?.selected ?? ""));
    form.inert = isLate || Boolean(get("unapplied")); // which takes the focus away
    form.setAttribute("aria-busy", String(isLate));
    if (!form.inert && focused && document.activeElement === document.body) {
      document.querySelector(`#step-form #${CSS.escape(focused)} :is(input, textarea, button)`)?.focus({ preventScroll: true });
    }
  };
  let focused = ""; // the field that somebody is in: it is made anew with the form, and gets the focus back
  form.addEventListener("focusin", (event) => {
    focused = event.target.closest("[id^='field-']")?.id ?? "";
  });
  document.addEventListener("focusin", (event) => {
    if (!form.contains(event.target)) focused = "";
  });
  document.addEventListener("pointerdown", () => {
    focused = "";
  });
  // somebody who goes on by Tab while the form is made anew does not start at the top of the page
  document.addEventListener("keydown", (event) => {
    if (event.key === "Tab" && focused && form.inert && document.activeElement === document.body) event.preventDefault();
  });
  let last = 0;
  new MutationObserver(() => {
    look();
    if (shown() === last) return;
    last = shown();
    set("form", last);
  }).observe(form, { childList: true, subtree: true });
  on("build", look);
  on("unapplied", look);
}

const formOf = () => document.getElementById("step-form");

/** The mark of the newest form that is there. */
function newest() {
  return [...(formOf()?.querySelectorAll("[data-form]") ?? [])].sort((one, other) => other.dataset.form - one.dataset.form)[0];
}

const shown = () => Number(newest()?.dataset.form ?? 0);
