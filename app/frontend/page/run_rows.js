/* The newest rows of the chosen step, as they come; held while somebody reads them. */

import { count, h, put } from "./dom.js";
import { LIVE, chosen } from "./follow.js";
import { icon } from "./icons.js";
import { table } from "./rows.js";
import { address, get, go, on } from "./store.js";

/** Why there are no rows to show. */
function why(run) {
  const progress = run?.report && run.progress?.[chosen(run)];
  if (progress?.reused > 0 && progress.reused >= progress.taken) return `Nothing new was made here: ${count(progress.reused, "row")} were taken over from earlier work. The result in Data has them.`;
  return run?.report && LIVE.includes(run.report.state) ? "Rows will appear here as they are made." : "This step made no rows in this run.";
}

function link(run) {
  const to = { place: "run", run };
  return h("a", { href: address(to).href, onclick: (event) => (event.preventDefault(), go(to)) }, run);
}

/** `changed` is called when what stands beside the tabs has to be drawn again. */
export function rowsFace(body, changed) {
  let isShown = false;
  let isPaused = false;
  let isHeld = false;
  let known = new Set();
  let pending = null;
  let knownStep = "";

  const drawRows = (rows) => {
    pending = null;
    const run = get("run");
    const card = run?.steps?.find((step) => step.name === rows?.step);
    if (!rows?.rows?.length) {
      put(body, h("p", { class: "df-hint df-pad" }, why(run)));
      known = new Set();
      return;
    }
    const seen = knownStep === rows.step ? known : null;
    const texts = new Map(rows.rows.map((row) => [row, JSON.stringify(row)]));
    const words = rows.from_run ? h("p", { class: "df-hint df-pad" }, "Taken over; the newest rows as run ", link(rows.from_run), " made them.") : null;
    put(body, words, table(rows.columns, [...rows.rows].reverse(), { label: `Newest rows of ${rows.step}`, added: card?.adds ?? [], fresh: (row) => seen && !seen.has(texts.get(row)) }));
    known = new Set(texts.values());
    knownStep = rows.step;
  };
  const hold = (isHolding) => {
    if (!isShown || isHeld === isHolding) return;
    isHeld = isHolding;
    if (!isHeld && !isPaused && pending) drawRows(pending);
    changed();
  };
  body.addEventListener("pointerenter", (event) => event.pointerType === "mouse" && hold(true));
  body.addEventListener("pointerleave", () => hold(body.scrollTop > 0));
  body.addEventListener("scroll", () => hold(body.scrollTop > 0 || body.matches(":hover")));
  on("rows", (rows) => {
    if (!isShown) return;
    if ((isPaused || isHeld) && rows?.step === knownStep) pending = rows;
    else drawRows(rows);
  });

  return {
    draw() {
      isShown = true;
      drawRows(get("rows"));
    },
    update() {
      if (!get("rows")?.rows?.length) drawRows(get("rows"));
    },
    leave() {
      isShown = false;
    },
    tools(run) {
      if (!LIVE.includes(run.report.state)) return null;
      const isStill = run.report.state === "paused"; // no row comes
      const words = isPaused ? "List paused" : isStill ? "The run is paused" : isHeld ? "Held while you read" : "Following newest";
      const toggle = () => {
        isPaused = !isPaused;
        if (!isPaused && pending) drawRows(pending);
        changed();
      };
      return [
        h("span", { class: "df-small t2 df-row df-following" }, h("span", { class: `df-pulse ${isPaused || isHeld || isStill ? "off" : ""}` }), words),
        h("button", { type: "button", class: "df-btn ghost sm", "data-key": "pause-list", "aria-pressed": String(isPaused), onclick: toggle }, icon(isPaused ? "play" : "pause", "s"), isPaused ? "Follow newest" : "Pause list"),
      ];
    },
  };
}
