/* Where a pipeline starts: what the gallery and an empty canvas offer, and the questions that are asked before anything is opened. */

import { empty, h } from "./dom.js";
import { icon } from "./icons.js";
import { open } from "./pipelines.js";
import { go, set, whenReady } from "./store.js";

const LONGEST_MS = 300_000;
const waiting = new Map();
let number = 0;
let send = null;

export function mountStarter(element, { props, trigger, watch }) {
  send = trigger;
  set("starter", props.value);
  watch("value", () => {
    const told = props.value;
    waiting.get(told?.number)?.(told);
    waiting.delete(told?.number);
  });
  window.addEventListener("df-lost", () => {
    for (const settle of waiting.values()) settle({ problem: { what: "the server did not answer", fix: "try again" } });
    waiting.clear();
  });
}

/** Ask what `app/pages/start.py` answers. A draft takes as long as the model does; nothing waits for it. */
export function ask(told, { isDraft = false } = {}) {
  return new Promise((settle) => {
    const mine = (number += 1);
    waiting.set(mine, settle);
    setTimeout(() => {
      if (waiting.delete(mine)) settle({ problem: { what: "no answer came in five minutes", fix: "try again" } });
    }, LONGEST_MS);
    whenReady(() => send(isDraft ? "submit" : "input", { ...told, number: mine }));
  });
}

const button = (id, label, sign, onclick, kind = "") => h("button", { type: "button", class: `df-btn ${kind}`, id, "data-testid": id, onclick }, icon(sign, "s"), label);

/** Ways to start without a description. `from` tells the buttons of the gallery from those of Build. */
export function ways(from) {
  return [
    button(`${from}-new`, "Blank canvas", "plus", () => open({ do: "new" })),
    button(`${from}-import`, "Import YAML or distilabel pipeline", "upload", async () => (await import("./importing.js")).importDialog()),
    button(`${from}-hub`, "From a Hub dataset", "database", async () => (await import("./hub.js")).hubDialog()),
  ];
}

/** What Build shows when nothing is open. */
export function beginning() {
  return empty(
    "Here you build a pipeline",
    "Describe the data you need, start from a pipeline that works, or bring your own.",
    h("a", { class: "df-btn pri", href: "?place=gallery", onclick: (event) => (event.preventDefault(), go({ place: "gallery" })) }, icon("grid", "s"), "Describe it, or choose an example"),
    ...ways("build"),
  );
}
