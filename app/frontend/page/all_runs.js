/* All runs that this browser may list: on a server that is open to everybody, those whose ids it knows. */

import { fetchJson, on } from "./store.js";

const KEPT = "distilflow-runs";
const MOST = 100;

const known = () => JSON.parse(localStorage.getItem(KEPT) ?? "[]");

/** Remember every run that is opened here. */
export function rememberRuns() {
  on("route", ({ run }) => {
    if (run) localStorage.setItem(KEPT, JSON.stringify([run, ...known().filter((id) => id !== run)].slice(0, MOST)));
  });
}

export function listRuns(signal) {
  return fetchJson(`runs?${new URLSearchParams({ ids: known().join(",") })}`, signal);
}
