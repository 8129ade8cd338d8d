/* What the modules of the page share: the address, the pipeline that is built, and who wants to know of changes. */

const values = new Map();
const listeners = new Map();

export function get(name) {
  return values.get(name);
}

export function set(name, value) {
  values.set(name, value);
  for (const listener of [...(listeners.get(name) ?? [])]) listener(value);
}

/** Call `listener` now, if there is a value, and on every change. */
export function on(name, listener) {
  if (!listeners.has(name)) listeners.set(name, new Set());
  listeners.get(name).add(listener);
  if (values.has(name)) listener(values.get(name));
  return () => listeners.get(name).delete(listener);
}

/** The same, at most once in `ms`, for what is costly to draw; the last value is never left out. */
export function onCalmly(name, listener, ms = 250) {
  let timer = 0;
  let last = 0;
  const tell = () => {
    timer = 0;
    last = performance.now();
    listener(values.get(name));
  };
  return on(name, () => {
    if (timer) return;
    const wait = ms - (performance.now() - last);
    if (wait <= 0) tell();
    else timer = setTimeout(tell, wait);
  });
}

/** Once Gradio has answered for the first time: what is triggered before that is lost. */
export function whenReady(action) {
  if (values.has("build")) action();
  else {
    const stop = on("build", () => {
      stop();
      action();
    });
  }
}

/* ---- the address: all state that a link or a reload should bring back */

// "rowpage", not "page": Gradio takes that for the name of a page of its own, and fails when there is none
const OF_DATA = ["tab", "part", "rowpage", "row", "search", "filters", "sort", "columns", "compare"];
const OF_LABELS = ["item", "order", "rounds", "annotator", "column", "value"];
const KEYS = ["place", "pipeline", "run", "step", "view", ...OF_DATA, "project", ...OF_LABELS];
const OF_RUN = ["step", ...OF_DATA];
const PLACES = ["build", "run", "data", "gallery", "labels"];

function read() {
  const query = new URLSearchParams(location.search);
  const found = {};
  for (const key of KEYS) found[key] = query.get(key) ?? "";
  if (!PLACES.includes(found.place)) found.place = found.run ? "run" : found.pipeline || localStorage.getItem("distilflow-draft-1") ? "build" : "gallery";
  return found;
}

export function route() {
  return values.get("route");
}

export function address(changes) {
  const next = { ...route(), ...changes };
  if ("run" in changes && changes.run !== route().run) for (const key of OF_RUN) if (!(key in changes)) next[key] = "";
  if ("place" in changes && changes.place !== route().place) {
    for (const key of OF_DATA) if (!(key in changes)) next[key] = "";
  }
  if ("project" in changes && changes.project !== route().project) for (const key of OF_LABELS) if (!(key in changes)) next[key] = "";
  const query = new URLSearchParams(location.search);
  for (const key of KEYS) {
    if (next[key]) query.set(key, next[key]);
    else query.delete(key);
  }
  return { next, href: `?${query}` };
}

export function go(changes, { replace = false } = {}) {
  const { next, href } = address(changes);
  history[replace ? "replaceState" : "pushState"](null, "", href);
  set("route", next);
}

values.set("route", read());
window.addEventListener("popstate", () => set("route", read()));

/* ---- the server */

export function api(path) {
  return new URL(`api/${path}`, document.baseURI).href;
}

export function postJson(path, body, signal) {
  return fetchJson(path, signal, { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify(body) });
}

export async function fetchJson(path, signal, how = {}) {
  const reply = await fetch(api(path), { ...how, signal });
  const body = await reply.json().catch((error) => {
    if (error.name === "AbortError") throw error; // given up while the answer came: that is no answer
    if (reply.ok) throw new Error("the answer of the server did not come whole");
    return { error: `the server answered ${reply.status}` };
  });
  if (!reply.ok) throw Object.assign(new Error(body.error ?? body.detail ?? reply.statusText), { fix: body.fix ?? "", status: reply.status, of: body.of });
  return body;
}
