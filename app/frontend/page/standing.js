/* How a step stands in a run: as plain facts, and as the footer of a card. The canvas and the outline draw the same. */

import { count, duration, h, number } from "./dom.js";
import { icon } from "./icons.js";

const LOOKS = {
  waiting: { icon: "dotted", word: "Waiting" },
  loading: { icon: "clock", word: "Starting" },
  running: { icon: "arc", word: "Running", kind: "acc" },
  paused: { icon: "pause", word: "Paused" },
  done: { icon: "done", word: "Done", kind: "done" },
  failed: { icon: "cross", word: "Failed", kind: "fail" },
  stopped: { icon: "stop", word: "Stopped" },
};
const NOTHING = { state: "waiting", taken: 0, made: 0, failed: 0, reused: 0, total: null, rows_per_s: 0 };

/** `report` is the state of the run: what does not go on any more has stopped, or waits for the run to go on. Of the rows that were
    expected a step may get fewer, where others take them: one that is done tells what it took. */
export function standingOf(progress, report) {
  const found = progress ?? NOTHING;
  const state = stateOf(found, report);
  const settled = found.taken;
  const expected = state === "done" ? null : found.total;
  const hasFailures = found.failed > 0;
  const isReused = state === "done" && found.reused > 0 && found.reused >= settled;
  const look = LOOKS[state];
  const asides = [];
  if (hasFailures) asides.push({ text: `${number(found.failed)} failed`, kind: "warn" });
  if (state === "running" && found.rows_per_s) asides.push({ text: `${found.rows_per_s}/s` });
  if (isReused) asides.push({ text: "reused" });
  else if (["done", "stopped", "paused"].includes(state) && !hasFailures) asides.push({ text: look.word.toLowerCase() });
  return {
    state,
    word: hasFailures && state === "done" ? "Done, some failed" : isReused ? "Reused" : look.word,
    icon: isReused ? "replay" : hasFailures && state === "done" ? "warn" : look.icon,
    spins: state === "running",
    kind: hasFailures && state !== "failed" ? "warn" : (look.kind ?? ""),
    amount: (state === "waiting" && !settled) || state === "loading" ? look.word : expected ? `${number(settled)} / ${number(expected)}` : count(settled, "row"),
    asides,
    hasFailures,
    share: state === "done" ? 1 : expected ? Math.min(1, settled / expected) : 0,
    failedShare: hasFailures ? Math.max(0.02, found.failed / Math.max(1, expected ?? settled)) : 0,
    moves: state === "running" || (state === "paused" && settled > 0),
  };
}

function stateOf(found, report) {
  const begun = found.taken > 0 && ["waiting", "loading"].includes(found.state) ? "running" : found.state;
  if (begun === "done" || begun === "failed") return begun;
  if (["finished", "stopped", "failed"].includes(report)) return "stopped";
  return report === "paused" ? "paused" : begun;
}

/** Several steps that are drawn as one: together they are as far as all of them. */
export function together(all) {
  const some = all.map((one) => one ?? NOTHING);
  const sum = (count) => some.reduce((total, one) => total + (count(one) ?? 0), 0);
  const state = some.every((one) => one.state === "done") ? "done" : some.some((one) => one.state !== "waiting") ? "running" : "waiting";
  const total = some.every((one) => one.total !== null) ? sum((one) => one.total) : null;
  const rate = Math.round(10 * sum((one) => one.rows_per_s)) / 10;
  return { state, total, taken: sum((one) => one.taken), made: sum((one) => one.made), failed: sum((one) => one.failed), reused: sum((one) => one.reused), rows_per_s: rate };
}

/** The same as the footer of a card of the outline. */
export function standing(progress, report) {
  const found = standingOf(progress, report);
  return {
    state: `is-${found.state} ${found.hasFailures ? "has-failures" : ""}`,
    said: `${found.word}, ${[found.amount, ...found.asides.map((one) => one.text)].join(", ")}`,
    parts: [
      h("span", { class: `df-amount ${found.kind}` }, icon(found.icon, found.spins ? "spin" : ""), found.amount),
      h("span", { class: "df-aside" }, found.asides.flatMap((one, at) => [at ? " · " : "", h("span", { class: one.kind }, one.text)])),
    ],
    bar: h(
      "span",
      { class: `df-bar-line ${found.state === "done" ? "done" : ""}` },
      h("i", { style: { width: `${100 * found.share}%` } }),
      found.hasFailures && h("b", { style: { width: `${100 * found.failedShare}%` } }),
    ),
  };
}

/** How many rows failed in all steps of a run. */
export function failedRows(run) {
  return Object.values(run.progress ?? {}).reduce((sum, step) => sum + step.failed, 0);
}

/** Seconds that a run has been at work, or was until it ended: pauses do not count. */
export function secondsAtWork(report) {
  return (report.ended_at ?? report.paused_at ?? Date.now() / 1000) - report.started_at - (report.paused_s ?? 0);
}

export function elapsed(report) {
  return duration(secondsAtWork(report));
}
