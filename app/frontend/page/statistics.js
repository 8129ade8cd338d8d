/* Counts of columns: asked for one after the other, after the rows are shown, and kept while the rows are the same. */

import { fetchJson } from "./store.js";

const kept = new Map();

/** Call `take(statistics)` for each column as it comes. */
export async function eachStatistics(run, page, names, signal, take) {
  for (const name of names) {
    const key = JSON.stringify([run.id, page.part, page.stamp, name]);
    let found = kept.get(key);
    if (!found) {
      try {
        found = await fetchJson(`runs/${encodeURIComponent(run.id)}/data/statistics?${new URLSearchParams({ part: page.part, column: name })}`, signal);
        kept.set(key, found);
      } catch (error) {
        if (error.name === "AbortError") return;
        found = { name, bars: [], caption: "not counted", sentence: `${name}: ${error.message}` };
      }
    }
    if (signal.aborted) return;
    take(found);
  }
}
