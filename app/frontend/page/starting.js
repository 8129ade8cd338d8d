/* One click starts one run: from it until the server has answered, no button starts another one. */

import { get, on, set } from "./store.js";

const OF_RUN = ["run-again", "run-resume"]; // those of Build wait for edits too: see problems.js

export function watchStarts() {
  document.addEventListener(
    "click",
    (event) => {
      if (!event.target.closest?.(OF_RUN.map((id) => `#${id}`).join())) return;
      if (!get("starting")) return void set("starting", true);
      event.stopImmediatePropagation();
      event.preventDefault();
    },
    true,
  );
  on("starting", (isStarting) => {
    for (const id of OF_RUN) {
      if (isStarting) document.getElementById(id)?.setAttribute("aria-disabled", "true");
      else document.getElementById(id)?.removeAttribute("aria-disabled");
    }
  });
  on("lost", (lost) => lost && set("starting", false));
}
