/* The log of a run, its end in view while it grows. */

import { failure, h, put } from "./dom.js";
import { LIVE } from "./follow.js";
import { fetchJson, get, route } from "./store.js";

const AGAIN_MS = 1500;

export function logFace(body) {
  let timer = 0;
  let asked = null;
  const draw = async () => {
    clearTimeout(timer);
    asked?.abort();
    asked = new AbortController();
    const run = get("run");
    if (!run?.report) return; // the runs are listed, or another one is being opened
    try {
      const { log, process } = await fetchJson(`runs/${encodeURIComponent(run.id)}/log`, asked.signal);
      const isAtEnd = body.scrollTop + body.clientHeight > body.scrollHeight - 40 || !body.querySelector(".df-log");
      put(body, logOf(log, process));
      if (isAtEnd) body.scrollTop = body.scrollHeight;
    } catch (error) {
      if (error.name === "AbortError") return;
      put(body, h("div", { class: "df-pad" }, failure(error)));
    }
    if (route().place === "run" && LIVE.includes(get("run")?.report?.state)) timer = setTimeout(draw, AGAIN_MS);
  };
  return {
    draw,
    update() {},
    leave() {
      clearTimeout(timer);
      asked?.abort();
    },
    tools: () => null,
  };
}

/** A log as lines, errors and warnings in their colours. */
export function logOf(log, process, attributes = {}) {
  return h(
    "div",
    { class: "df-log", ...attributes },
    h("pre", { "data-testid": "log" }, log ? log.split("\n").map((line) => h("span", { class: / error /.test(line) ? "fail" : / warning /.test(line) ? "warn" : null }, `${line}\n`)) : "Nothing was logged."),
    process && h("details", {}, h("summary", {}, "What its process printed"), h("pre", {}, process)),
  );
}
