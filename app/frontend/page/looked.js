/* What somebody has looked at of a result, in this browser: a push waits for it. */

import { set } from "./store.js";

const KEY = "distilflow-looked";
const RUNS = 50;

function all() {
  try {
    return JSON.parse(localStorage.getItem(KEY)) ?? {};
  } catch {
    return {};
  }
}

function save(run, found) {
  const kept = Object.entries({ ...all(), [run.id]: found }).slice(-RUNS);
  localStorage.setItem(KEY, JSON.stringify(Object.fromEntries(kept)));
  set("looked", found);
}

/** How many rows were on the screen, and whether the card was. A run that went on since then counts anew. */
export function lookedAt(run) {
  const found = all()[run.id];
  return found?.at === run.report.started_at ? found : { at: run.report.started_at, rows: 0, card: false, seen: [] };
}

/** Rows that are shown, by the first of their page. */
export function looked(run, places, part) {
  const now = lookedAt(run);
  const key = `${part}|${places[0] ?? ""}|${places.length}`;
  if (!places.length || now.seen.includes(key)) return;
  save(run, { ...now, rows: now.rows + places.length, seen: [...now.seen, key].slice(-200) });
}

export function lookedAtCard(run) {
  const now = lookedAt(run);
  if (!now.card) save(run, { ...now, card: true });
}
