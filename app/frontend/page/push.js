/* The push panel: what is checked, what will be written, how far it is. Its fields are Gradio's own, framed here. */

import { count, failure, h, keepingFocus, number, put, size, tag } from "./dom.js";
import { isOpen, watchDropdowns } from "./dropdowns.js";
import { icon } from "./icons.js";
import { looked, lookedAt } from "./looked.js";
import { table } from "./rows.js";
import { fetchJson, get, go, on, route, set } from "./store.js";

const phone = matchMedia("(max-width: 767px)");
const PREVIEWED = 3;

export function mountPushHead(element) {
  const panel = element.closest("#push-panel");
  let tabBefore = null; // the one that the card took the place of
  const close = () => {
    const isHere = panel.contains(document.activeElement);
    set("push", false);
    if (tabBefore !== null && route().tab === "card") go({ tab: tabBefore }, { replace: true });
    tabBefore = null;
    if (isHere) document.querySelector("#data-push")?.focus({ preventScroll: true });
  };
  put(element, h("div", { class: "df-sheet-head" }, h("h2", {}, "Push to Hub"), h("span", { class: "df-grow" }), h("button", { type: "button", class: "df-btn ghost ic sm", id: "push-close", "aria-label": "Close (Esc)", onclick: close }, icon("cross", "s"))));
  on("push", (isOpen) => {
    document.documentElement.dataset.push = isOpen ? "open" : "";
    if (isOpen) requestAnimationFrame(() => document.querySelector("#push-repo input, #push-repo textarea")?.focus());
  });
  on("route", ({ place, run }) => (place !== "data" || !run) && get("push") && close());
  on("run", () => document.querySelector("#data-push")?.setAttribute("data-testid", "push"));
  watchDropdowns(document.querySelector("#push-form"));
  panel.addEventListener("keydown", (event) => {
    if (event.key !== "Escape" || event.defaultPrevented || isOpen(event.target)) return;
    event.preventDefault();
    close();
  });
  document.addEventListener("click", (event) => {
    if (!event.target.closest?.("#data-push")) return;
    if (!get("push") && !phone.matches && route().tab !== "card") tabBefore = route().tab;
    go({ row: "", ...(phone.matches ? {} : { tab: "card" }) });
    set("push", true);
  });
}

/** Checks, and the files that will be written; drawn anew each time the panel opens. */
export function mountPushChecks(element) {
  let found = null;
  let isAgreed = false;
  let sample = null;
  let shownFor = "";
  const load = async () => {
    const run = get("run");
    if (!run?.report) return;
    if (shownFor !== run.id) isAgreed = false;
    shownFor = run.id;
    found = null;
    sample = null;
    put(element, h("p", { class: "df-busy" }, icon("arc", "spin"), "Looking through rows, card and pipeline"));
    gate(["the checks are not done"]);
    try {
      found = await fetchJson(`runs/${encodeURIComponent(run.id)}/push-checks`);
      if (get("run")?.id === run.id) draw();
    } catch (error) {
      put(element, failure(error));
      gate(["the result cannot be read"]);
    }
  };
  const preview = async () => {
    const run = get("run");
    try {
      sample = await fetchJson(`runs/${encodeURIComponent(run.id)}/data`);
    } catch (error) {
      return put(element, failure(error));
    }
    looked(run, sample.places.slice(0, PREVIEWED), sample.part);
    return draw();
  };
  const draw = () => {
    const run = get("run");
    if (!found || !run?.report || !get("push")) return;
    const now = lookedAt(run);
    const wanting = [];
    if (!now.rows) wanting.push("nobody has looked at its rows");
    if (!now.card) wanting.push("nobody has looked at its card");
    if (found.secrets.length && !isAgreed) wanting.push("something in it looks like a key");
    const checks = [
      now.rows
        ? check("done", "Rows were looked at", `${count(Math.min(now.rows, found.rows), "row")} of ${number(found.rows)} were on the screen`)
        : check("warn", "Look at some rows first", "What is pushed cannot be taken back from those who have loaded it", action("Show 3 rows", preview)),
      now.card ? check("done", "The card was looked at") : check("warn", "Look at the card first", "It is what readers see", action("Show the card", () => (set("push", !phone.matches), go({ tab: "card" })))),
      found.secrets.length
        ? check("fail", "Something looks like a key", found.secrets.slice(0, 4).map(where), h("label", { class: "df-check df-small" }, agreeBox(isAgreed, (on) => ((isAgreed = on), draw())), "I have looked: push all the same"))
        : check("done", "No secret found", "In rows, card, log, pipeline.yaml and artifacts"),
      found.quarantined > 0 && check("warn", `${count(found.quarantined, "row")} in quarantine ${found.quarantined === 1 ? "stays" : "stay"} behind`, "The card tells how many and why"),
      found.is_rehearsal ? check("warn", "These are rehearsal rows", "Made up by a program, not by a model. The card says so; nobody should train on them") : check("done", "No rehearsal rows", found.models.length ? `Replies come from ${found.models.join(", ")}` : ""),
      found.is_partial && check("warn", "The run ended early", "This is a part of the rows; the card says so"),
      found.changes && check("done", `Changed by hand: ${found.changes}`, "Told in the card and listed in changes.jsonl"),
      found.lost > 0 && check("warn", `${count(found.lost, "change")} by hand no longer ${found.lost === 1 ? "applies" : "apply"}`, "Their rows are not in this result"),
    ];
    const isHere = element.contains(document.activeElement);
    keepingFocus(element, () => put(
      element,
      sample && h("div", { class: "df-push-sample", tabindex: "0", role: "region", "aria-label": "First rows" }, table(sample.shown, sample.rows.slice(0, PREVIEWED), { label: "First rows" })),
      h("h3", {}, "Checks"),
      h("ul", { class: "df-checks", "data-testid": "push-checks" }, checks.filter(Boolean)),
      h("h3", {}, "Will be written"),
      h("dl", { class: "df-files", "data-testid": "push-files" }, found.files.map((one) => [h("dt", { class: "df-mono" }, one.name), h("dd", { class: "df-num" }, `${one.is_about ? "about " : ""}${size(one.size)}`)])),
      h("div", { class: `df-secret ${found.token ? "is-set" : ""}` }, icon("key", "s"), h("span", { class: "df-grow" }, "Uses ", h("span", { class: "df-mono" }, "$HF_TOKEN")), found.token ? tag("Set", "done", "done") : tag("Not set", "warn", "warn")),
    ));
    gate(wanting);
    if (isHere && document.activeElement === document.body) (element.querySelector("button") ?? document.querySelector("#push-go"))?.focus(); // what was done is gone: on to the next
  };
  on("push", (isOpen) => isOpen && load());
  on("looked", draw);
}

/** The button acts when nothing is wanting; till then it says what is. */
function gate(wanting) {
  const button = document.querySelector("#push-go");
  if (!button) return;
  button.setAttribute("aria-disabled", String(wanting.length > 0));
  button.title = wanting.length ? `Not yet: ${wanting.join(", ")}` : "";
}

document.addEventListener(
  "click",
  (event) => {
    const button = event.target.closest?.("#push-go");
    if (button?.getAttribute("aria-disabled") !== "true") return;
    event.preventDefault();
    event.stopImmediatePropagation();
    set("pushTold", button.title);
  },
  true,
);

function check(kind, words, about = "", acting = null) {
  const lines = Array.isArray(about) ? about : [about];
  return h("li", { class: kind }, icon(kind === "done" ? "done" : kind === "fail" ? "cross" : "warn"), h("div", {}, h("span", {}, words), lines.filter(Boolean).map((line) => h("span", { class: "df-small t3 df-block" }, line)), acting));
}

function action(words, act) {
  return h("button", { type: "button", class: "df-btn sm", "data-key": words, onclick: act }, words);
}

function agreeBox(isOn, act) {
  const box = h("input", { type: "checkbox", "data-testid": "push-agree", "data-key": "agree", onchange: () => act(box.checked) });
  box.checked = isOn;
  return box;
}

function where(one) {
  return one.file ? one.file : `Row ${number(one.row + 1)}, column ${one.column}`;
}

/** How the push goes: {busy} or {file, done, total}, then {url}, or {what, fix}. */
export function mountPushState(element, { props, watch }) {
  const draw = () => {
    const state = props.value;
    if (!state || (state.run && state.run !== route().run)) return put(element);
    if (state.url)
      return put(element, h("div", { class: "df-callout done", role: "status", "data-testid": "pushed" }, h("p", { class: "df-callout-title" }, icon("done"), "Pushed"), h("a", { href: /^https?:/.test(state.url) ? state.url : "#", target: "_blank", rel: "noopener noreferrer" }, state.url)));
    if (state.what) return put(element, h("div", { "data-testid": "push-failed" }, failure({ message: state.what, fix: state.fix })));
    if (state.busy) {
      const share = state.total ? (100 * state.done) / state.total : 0;
      const words = !state.total ? "Preparing rows, card and pipeline" : state.file ? `Sending ${state.file}` : "Writing the commit";
      return put(
        element,
        h("div", { class: "df-pushing", role: "status", "data-testid": "pushing" }, h("p", { class: "df-row" }, icon("arc", "spin"), h("span", { class: "df-one-line df-grow" }, words), state.total > 0 && h("span", { class: "df-small t3 df-num" }, `${size(state.done)} of ${size(state.total)}`)), h("span", { class: "df-meter" }, h("i", { style: { width: `${share}%` } }))),
      );
    }
    return put(element);
  };
  draw();
  watch("value", draw);
  on("pushTold", (words) => words && put(element, h("div", { "data-testid": "push-waits" }, h("p", { class: "df-callout warn slim", role: "alert" }, `${words}.`))));
  on("route", draw);
}
