/* Following a run: one event stream per tab, closed while the tab is hidden. What it tells stands in the store as `run` and `rows`. */

import { say } from "./dom.js";
import { api, fetchJson, get, on, route, set } from "./store.js";

export const STATES = {
  starting: { word: "Starting", icon: "clock", kind: "acc" },
  running: { word: "Running", icon: "arc", kind: "acc" },
  paused: { word: "Paused", icon: "paused", kind: "warn" },
  finishing: { word: "Finishing", icon: "arc", kind: "acc" },
  finished: { word: "Finished", icon: "done", kind: "done" },
  stopped: { word: "Stopped", icon: "stop", kind: "" },
  failed: { word: "Failed", icon: "cross", kind: "fail" },
};
export const LIVE = ["starting", "running", "paused", "finishing"];

const MOST_POINTS = 600;

class Follower {
  constructor() {
    this.source = null;
    this.id = "";
    this.step = "";
    this.offset = 0;
  }

  async open(id) {
    this.close();
    this.id = id;
    this.offset = 0;
    this.history = new Map();
    this.failures = [];
    set("rows", null);
    set("run", null);
    if (!id) return;
    try {
      const view = await fetchJson(`runs/${encodeURIComponent(id)}`);
      if (this.id !== id) return;
      set("run", { ...view, progress: view.report.steps, failures: [], history: this.history, isLost: false });
      this.listen();
    } catch (error) {
      if (this.id === id) set("run", { id, error });
    }
  }

  watch(step) {
    if (step === this.step) return;
    this.step = step;
    set("rows", null);
    if (this.source || get("run")?.report) this.listen();
  }

  listen() {
    this.source?.close();
    this.source = null;
    const run = get("run");
    if (!run?.report || document.hidden) return;
    const query = new URLSearchParams({ start: this.offset });
    if (this.step) query.set("step", this.step);
    const source = new EventSource(api(`runs/${encodeURIComponent(this.id)}/events?${query}`));
    const take = (kind, action) =>
      source.addEventListener(kind, (event) => {
        if (source !== this.source) return;
        if (event.lastEventId) this.offset = Number(event.lastEventId);
        action(JSON.parse(event.data));
      });
    take("events", (events) => this.take(events));
    take("rows", (rows) => set("rows", rows));
    take("state", (report) => this.update({ report: { ...get("run").report, ...report } }));
    take("end", (report) => this.end(report));
    source.onopen = () => get("run")?.isLost && this.update({ isLost: false });
    source.onerror = () => {
      if (source !== this.source) return;
      this.update({ isLost: true });
      if (source.readyState === EventSource.CLOSED) setTimeout(() => source === this.source && this.listen(), 2000);
    };
    this.source = source;
  }

  take(events) {
    const changes = {};
    let report = get("run").report;
    for (const event of events) {
      if (event.type === "progress") {
        changes.progress = { ...(changes.progress ?? get("run").progress), ...event.steps }; // steps that did not move are left out
        for (const [name, step] of Object.entries(event.steps)) {
          if (!this.history.has(name)) this.history.set(name, []);
          const points = this.history.get(name);
          points.push([event.at, step.rows_per_s]);
          if (points.length > MOST_POINTS) this.history.set(name, points.filter((_, at) => at % 2 || at === points.length - 1)); // a line as long, half as fine
        }
      } else if (event.type === "run" && event.at >= report.started_at) {
        // what is told again of earlier sessions of the run is over
        report = { ...report, state: event.state, message: event.message, paused_at: event.paused_at ?? null, paused_s: event.paused_s ?? 0 };
        if (LIVE.includes(event.state)) report.ended_at = null;
      } else if (event.type === "row-failed") {
        this.failures.unshift(event);
      }
    }
    this.failures = this.failures.slice(0, 500);
    this.update({ ...changes, report, failures: standing(this.failures, changes.progress ?? get("run").progress) });
  }

  update(changes) {
    const run = get("run");
    if (run?.report) set("run", { ...run, ...changes });
  }

  async end(report) {
    this.source?.close();
    this.source = null;
    this.update({ report });
    say(`Run ${STATES[report.state].word.toLowerCase()}`);
    try {
      const id = this.id;
      const view = await fetchJson(`runs/${encodeURIComponent(id)}`);
      if (this.id === id) this.update({ ...view, progress: Object.keys(view.report.steps).length ? view.report.steps : get("run").progress });
    } catch {
      /* the end is known already; what can be done next is not */
    }
  }

  close() {
    this.source?.close();
    this.source = null;
  }
}

/** Of all failures that were told, newest first, those that count now: rows that were tried again may have gone through. */
function standing(failures, progress) {
  const left = Object.fromEntries(Object.entries(progress).map(([name, step]) => [name, step.failed]));
  return failures.filter((one) => left[one.step]-- > 0);
}

const follower = new Follower();

export function startFollowing() {
  let shown = null;
  on("route", ({ run }) => {
    if (run !== shown) {
      shown = run;
      follower.open(run);
    }
  });
  on("again", () => route().run && follower.open(route().run));
  on("run", (run) => {
    const state = run?.report?.state ?? "";
    document.documentElement.dataset.runState = run?.error ? "missing" : state;
    document.documentElement.dataset.canResume = run?.can_resume ? "yes" : "";
    document.documentElement.dataset.canRunAgain = run?.can_run_again && !LIVE.includes(state) ? "yes" : "";
    document.documentElement.dataset.hasResult = run?.has_result ? "yes" : "";
    const isRunning = LIVE.includes(state);
    if (get("isRunning") !== isRunning) set("isRunning", isRunning);
    if (run?.steps?.length) {
      const names = run.steps.map((step) => step.name);
      follower.watch(names.includes(route().step) ? route().step : busiest(run));
    }
  });
  document.addEventListener("visibilitychange", () => {
    if (document.hidden) follower.close();
    else if (get("run")?.report && LIVE.includes(get("run").report.state)) follower.listen();
  });
}

/** The step that is worth looking at when nobody chose one: the last that gets replies, else the last. */
function busiest(run) {
  if (follower.step && run.steps.some((step) => step.name === follower.step)) return follower.step;
  const asking = run.steps.filter((step) => step.replies);
  return (asking.at(-1) ?? run.steps.at(-1)).name;
}

/** The step that is shown: the one in the address, else the one that is followed. */
export function chosen(run) {
  const names = (run.steps ?? []).map((step) => step.name);
  return names.includes(route().step) ? route().step : follower.step || names.at(-1);
}
