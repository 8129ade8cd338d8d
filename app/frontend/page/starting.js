/* Clicks that act on the pipeline: they wait for what was edited a moment ago, and one of them starts one run. From it until the
   server has answered, no button starts another one. */

import { afterEdits, isSettled } from "./edits.js";
import { get, on, set } from "./store.js";

const OF_BUILD = ["build-run", "build-rehearse"]; // held by problems.js, which knows what else stands in their way
const OF_RUN = ["run-again", "run-resume"];
const STARTS = [...OF_BUILD, ...OF_RUN];
const ACTING = [...STARTS, "build-preview"].map((id) => `#${id}`).join();

export function watchStarts() {
  // before anything else hears of a click
  document.addEventListener("click", (event) => {
    const button = event.target.closest?.(ACTING);
    if (!button) return;
    const isHeld = button.getAttribute("aria-disabled") === "true";
    const isStart = STARTS.includes(button.id);
    if (!isHeld && isStart) set("starting", true);
    if (!isHeld && isSettled()) return;
    event.stopImmediatePropagation();
    event.preventDefault();
    if (isHeld) return;
    afterEdits(() => {
      if (isStart) started(); // what was edited may stand in the way now
      button.click();
    });
  }, true);
  on("starting", (isStarting) => {
    for (const id of OF_RUN) {
      if (isStarting) document.getElementById(id)?.setAttribute("aria-disabled", "true");
      else document.getElementById(id)?.removeAttribute("aria-disabled");
    }
  });
  on("lost", (lost) => lost && started());
}

/** The server has answered: the next click starts another run. */
export const started = () => set("starting", false);

/** Why no run can be started now, though nothing is wrong. */
export const whyBusy = () => (get("starting") ? "Starting the run" : "");
