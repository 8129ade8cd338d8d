/* Where the keys go: moving the focus as the Tab key does, and giving it without opening anything. */

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

/** Go from a field to what it belongs to, the selected step, where single keys act. */
export function focusSelected() {
  const shown = [...document.querySelectorAll("#build-canvas .react-flow__node.selected, #build-outline .df-card[aria-current]")].find((one) => one.checkVisibility());
  if (shown) shown.focus({ preventScroll: true });
  else document.activeElement?.blur();
}

document.addEventListener("focus", (event) => isQuiet && event.stopPropagation(), true);
