/* Below the graph of a run: tabs of the chosen step, in a drawer that can be made higher, lower, or put away. */

import { h, keepingFocus, put, tablist } from "./dom.js";
import { chosen } from "./follow.js";
import { icon } from "./icons.js";
import { askedFace, requestsOf } from "./run_asked.js";
import { errorsFace, withErrors } from "./run_errors.js";
import { logFace } from "./run_log.js";
import { rowsFace } from "./run_rows.js";
import { failedRows } from "./standing.js";
import { get, go, on, onCalmly, set } from "./store.js";

const HEIGHT = "distilflow-drawer";
const LEAST = 120;
const MANY = 60;

export function mountDrawer(element, retry) {
  const head = h("div", { class: "df-drawer-head" });
  const body = h("div", { class: "df-drawer-body", tabindex: "0", role: "region", "aria-label": "Of the selected step" });
  put(element, sash(), head, body);
  const faces = { rows: rowsFace(body, () => drawHead()), asked: askedFace(body), errors: errorsFace(body, retry), log: logFace(body) };
  let tab = "rows";
  let drawn = "";

  const drawHead = () => {
    const run = get("run");
    const card = run?.steps?.find((step) => step.name === chosen(run));
    if (!card) return put(head);
    const progress = run.progress?.[card.name];
    const tabs = [
      { id: "rows", label: "Rows", count: progress?.made ?? 0 },
      ...(card.replies ? [{ id: "asked", label: "Prompts & replies", count: requestsOf(run, card.name) || null }] : []),
      { id: "errors", label: "Errors", count: progress?.failed || failedRows(run) || null, kind: "warn" },
      { id: "log", label: "Log" },
    ];
    if (tab === "asked" && !card.replies) tab = "rows";
    const isClosed = get("liveDrawer") === false;
    return keepingFocus(head, () =>
      put(
        head,
        h("span", { class: `df-tile ${card.asks ? "llm" : ""}` }, icon(card.icon)),
        h("b", {}, card.name),
        tablist("Of the step", tabs, tab, choose),
        h("span", { class: "df-grow" }),
        faces[tab].tools(run),
        h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": isClosed ? "Show the drawer (R)" : "Hide the drawer (R)", "data-key": "fold", "aria-expanded": String(!isClosed), onclick: () => set("liveDrawer", isClosed) }, icon(isClosed ? "up" : "down", "s")),
      ),
    );
  };
  const choose = (next) => {
    const run = get("run");
    faces[tab].leave();
    tab = next;
    if (get("liveDrawer") === false) set("liveDrawer", true);
    const [first] = withErrors(run);
    if (tab === "errors" && first && !run.progress?.[chosen(run)]?.failed) go({ step: first }, { replace: true });
    drawAll();
  };
  const drawAll = () => {
    const run = get("run");
    if (!run?.report) return;
    drawn = `${run.id}|${chosen(run)}`;
    drawHead();
    faces[tab].draw();
  };
  on("run", (run) => {
    if (run?.steps?.length > MANY && get("liveDrawer") === undefined) set("liveDrawer", false); // the graph needs the room, from the start
  });
  onCalmly("run", (run) => {
    if (!run?.report) {
      drawn = "";
      return void [head, body].forEach((part) => put(part));
    }
    if (drawn !== `${run.id}|${chosen(run)}`) return drawAll();
    drawHead();
    faces[tab].update();
    return undefined;
  });
  on("route", drawAll);
  on("liveDrawer", (isOpen) => {
    document.documentElement.dataset.liveDrawer = isOpen === false ? "closed" : "";
    drawHead();
  });
}

/** The edge by which the drawer is made higher or lower, by pointer or by arrow keys. */
function sash() {
  const most = () => Math.round(innerHeight * 0.7);
  const resize = (height) => {
    const kept = Math.max(LEAST, Math.min(most(), Math.round(height)));
    document.body.style.setProperty("--drawer", `${kept}px`);
    localStorage.setItem(HEIGHT, kept);
    edge.setAttribute("aria-valuenow", kept);
  };
  const now = () => edge.parentElement.getBoundingClientRect().height;
  const edge = h("div", {
    class: "df-sash",
    role: "separator",
    tabindex: "0",
    "aria-orientation": "horizontal",
    "aria-label": "Height of the drawer",
    "aria-valuemin": String(LEAST),
    onpointerdown: (event) => {
      edge.setPointerCapture(event.pointerId);
      const [from, height] = [event.clientY, now()];
      edge.onpointermove = (move) => resize(height + from - move.clientY);
    },
    onpointerup: () => {
      edge.onpointermove = null;
    },
    onkeydown: (event) => {
      const step = { ArrowUp: 24, ArrowDown: -24 }[event.key];
      if (!step) return;
      event.preventDefault();
      resize(now() + step);
    },
  });
  const kept = Number(localStorage.getItem(HEIGHT));
  if (kept) document.body.style.setProperty("--drawer", `${Math.max(LEAST, Math.min(most(), kept))}px`);
  edge.setAttribute("aria-valuemax", String(most()));
  edge.setAttribute("aria-valuenow", String(kept || 324));
  return edge;
}
