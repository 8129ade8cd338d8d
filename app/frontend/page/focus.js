/* Where the keys go: moving the focus as the Tab key does, and giving it without opening anything. */

import { get } from "./store.js";

const LONGEST_WAIT_MS = 5000;
const FOCUSABLE = "a[href], button, input, select, textarea, summary, [tabindex], [contenteditable=true]";
let isQuiet = false;

/** Go to the next place for keys, or with -1 to the one before, from the one that has the focus. */
export function moveFocus(step) {
  const here = document.activeElement;
  const places = [...document.querySelectorAll(FOCUSABLE)].filter((one) => one === here || (one.tabIndex >= 0 && !one.disabled && !one.closest("[inert]") && one.checkVisibility({ visibilityProperty: true })));
  places[places.indexOf(here) + step]?.focus();
}

/** Give the focus without telling: Gradio's drop-downs open their list whenever they get it. */
export function focusQuietly(element) {
  isQuiet = true;
  element?.focus({ preventScroll: true });
  isQuiet = false;
}

const selected = () => [...document.querySelectorAll("#build-canvas .react-flow__node.selected, #build-outline .df-card[aria-current]")].find((one) => one.checkVisibility());

/** Go from a field to what it belongs to, the selected step, where single keys act. */
export function focusSelected() {
  const shown = selected();
  if (shown) shown.focus({ preventScroll: true });
  else document.activeElement?.blur();
}

/** Go to the step that is selected next, once it is drawn; unless the focus is given to something else first. */
export function focusNextSelected() {
  const before = get("build")?.selected;
  const until = performance.now() + LONGEST_WAIT_MS;
  document.activeElement?.blur();
  const look = () => {
    if (document.activeElement !== document.body || performance.now() > until) return;
    const now = get("build")?.selected;
    const shown = now !== before && selected();
    if (shown && [undefined, now].includes(shown.dataset.id)) shown.focus({ preventScroll: true });
    else requestAnimationFrame(look);
  };
  look();
}

document.addEventListener("focus", (event) => isQuiet && event.stopPropagation(), true);
