/* All columns of a result as plots. */

import { empty, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { asked, isAsked } from "./data_query.js";
import { plot } from "./plots.js";
import { eachStatistics } from "./statistics.js";
import { fetchJson, go } from "./store.js";

export async function drawPlots(content, run, signal) {
  const page = await fetchJson(`runs/${encodeURIComponent(run.id)}/data?${asked()}`, signal);
  if (!page.parts.length) return void put(content, empty("Nothing to plot", "Plots are drawn of the result, which is written when the run ends.", h("button", { type: "button", class: "df-btn pri", onclick: () => go({ place: "run" }) }, "Open the run")));
  const names = page.columns.map((one) => one.name);
  const slots = new Map(names.map((name) => [name, h("div", { class: "df-plot" }, h("h2", {}, name), h("p", { class: "df-busy" }, icon("arc", "spin"), "Counting"))]));
  put(
    content,
    h(
      "div",
      { class: "df-plots", tabindex: "0", role: "region", "aria-label": "Plots", "data-testid": "plots" },
      h("p", { class: "df-small t3 df-plots-about" }, isAsked() ? "All rows of the part are counted; bars that pass the filters are darker. A click on a bar shows its rows." : "All rows of the part are counted. A click on a bar shows its rows."),
      [...slots.values()],
    ),
  );
  await eachStatistics(run, page, names, signal, (one) => {
    slots.get(one.name).replaceWith(plot(one));
  });
}
