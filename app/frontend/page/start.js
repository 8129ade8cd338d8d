/* Where a pipeline starts: what the gallery and an empty canvas offer, and what is asked before anything is opened. */

import { empty, h } from "./dom.js";
import { icon } from "./icons.js";
import { open } from "./pipelines.js";
import { go, postJson } from "./store.js";

/** Ask what `app/api/starting.py` answers; what is wrong comes as {problem: {what, fix}}. */
export async function ask(what, told) {
  try {
    return await postJson(`start/${what}`, told);
  } catch (error) {
    return { problem: { what: error.message, fix: error.fix || "" } };
  }
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
