/* Gradio's drop-downs, mended for whoever chooses by typing (Gradio 6.31). They act on a key a moment after it was pressed, whatever
   happened meanwhile, and give up the focus once something is chosen: the next key would go nowhere, or to the canvas. */

import { keep, pressFirst, release } from "./type_ahead.js";

const ACTED_MS = 20; // after a key, until a drop-down has acted on it
const SENT_MS = 1000; // until Gradio tells of a choice, at most
const typed = new WeakSet(); // those in which something was typed, and nothing chosen yet
const named = new WeakSet(); // those whose text stands for the choice: no arrow led away from it since it was typed

/** Mend those of a form. `isWaited` says of one that `release("choice")` will be called when Gradio has told of a choice in it. */
export function watchDropdowns(form, isWaited = () => false) {
  form.addEventListener("keydown", (event) => {
    const input = dropdownOf(event.target);
    if (!input) return;
    if (["Shift", "Control", "Alt", "Meta"].includes(event.key)) return event.stopPropagation(); // opens the list
    if (event.key === "Tab") return leave(input, event);
    if (event.key === "Enter") return choose(input, event, isWaited(input));
    if (["ArrowUp", "ArrowDown"].includes(event.key)) named.delete(input);
    if (event.key !== "Escape") open(input);
    else if (isOpen(input)) keep("choice", ACTED_MS); // the next Escape leaves the form
  }, true);
  form.addEventListener("pointerdown", ({ target }) => document.activeElement === target && dropdownOf(target) && open(target), true);
  form.addEventListener("mousedown", (event) => {
    const list = event.target.closest("[role=option]")?.closest("[role=listbox]");
    const input = list && form.querySelector(`input[aria-controls="${CSS.escape(list.id)}"]`);
    if (input) keepFocus(input, isWaited(input));
  }, true);
  form.addEventListener("input", ({ target }) => dropdownOf(target) && typed.add(target) && named.add(target), true);
  form.addEventListener("blur", ({ target }) => forget(target), true);
  new MutationObserver((changes) => {
    for (const { target } of changes) if (isOpen(target) && document.activeElement !== target) target.dispatchEvent(new FocusEvent("blur"));
  }).observe(form, { subtree: true, attributeFilter: ["aria-expanded"] });
}

export const isOpen = (input) => input.getAttribute("aria-expanded") === "true";

const dropdownOf = (target) => (target.matches?.("input[role=combobox]") ? target : null);

/** Gradio opens a list when its field gets the focus; here also when the field has it already. */
function open(input) {
  if (!isOpen(input)) input.dispatchEvent(new FocusEvent("focus"));
}

/** Tab takes what was typed, as Enter does, and goes on. */
function leave(input, event) {
  event.stopPropagation(); // Gradio would open the list after it was left
  if (!typed.has(input) || !input.value.trim()) return;
  event.preventDefault();
  pressFirst({ key: "Enter" }, { key: "Tab", shiftKey: event.shiftKey });
}

function choose(input, event, isWaited) {
  const options = [...(document.getElementById(input.getAttribute("aria-controls"))?.querySelectorAll("[role=option]") ?? [])];
  const exact = named.has(input) && options.find((option) => option.getAttribute("aria-label") === input.value);
  if (!exact || exact.id === input.getAttribute("aria-activedescendant")) return keepFocus(input, isWaited);
  event.stopPropagation(); // Gradio takes the first that contains what was typed
  return exact.dispatchEvent(new MouseEvent("mousedown", { bubbles: true, cancelable: true }));
}

function forget(input) {
  typed.delete(input);
  named.delete(input);
}

/** While Gradio chooses, keep the focus where it is, and the keys until it is done. */
function keepFocus(input, isWaited) {
  forget(input);
  keep("choice", isWaited ? SENT_MS : ACTED_MS);
  let isChosen = false;
  input.blur = () => {
    isChosen = true;
    input.dispatchEvent(new FocusEvent("blur")); // the rest of what Gradio does then: it closes the list, and tells of the choice
  };
  setTimeout(() => {
    delete input.blur;
    if (!isChosen || !isWaited) release("choice");
  }, ACTED_MS);
}
