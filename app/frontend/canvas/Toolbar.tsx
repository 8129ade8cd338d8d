/* What floats over the canvas: undo, redo, tidy, group; and the zoom. */

import { Panel, useReactFlow, useStore, type PanelPosition } from "@xyflow/react";
import { change } from "page/changes.js";
import { number } from "page/dom.js";
import { standingOf } from "page/standing.js";
import { get } from "page/store.js";

import type { Actions } from "./actions";
import { useFit } from "./fit";
import { Icon } from "./Icon";
import { useFrom, usePage } from "./usePage";
import type { RunView } from "./view";

export function Toolbar({ actions, selected }: { actions: Actions; selected: number }) {
  const view = usePage<{ undo: string; redo: string }>("build");
  const way = (what: "undo" | "redo", keys: string) => (
    <button
      type="button"
      className="df-btn ghost ic sm"
      data-testid={what}
      aria-disabled={view?.[what] ? undefined : "true"}
      aria-label={view?.[what] ? `${what === "undo" ? "Undo" : "Redo"}: ${view[what]} (${keys})` : `Nothing to ${what}`}
      title={view?.[what] ? `${what === "undo" ? "Undo" : "Redo"}: ${view[what]}` : undefined}
      onClick={() => view?.[what] && change({ do: what })}
    >
      <Icon name={what} classes="s" />
    </button>
  );
  return (
    <Panel position="top-left" className="df-tools">
      {way("undo", "Ctrl Z")}
      {way("redo", "Shift Ctrl Z")}
      <span className="df-sep" />
      <button type="button" className="df-btn ghost sm" data-testid="tidy" onClick={actions.tidy} title="Tidy (T)">
        <Icon name="graph" classes="s" />
        Tidy
      </button>
      <button type="button" className="df-btn ghost sm" data-testid="group" aria-disabled={selected > 1 ? undefined : "true"} onClick={actions.group} title="Group what is selected (Ctrl G)">
        <Icon name="group" classes="s" />
        Group
      </button>
    </Panel>
  );
}

export function Zoom({ position }: { position: PanelPosition }) {
  const flow = useReactFlow();
  const fit = useFit();
  const zoom = useStore((state) => state.transform[2]);
  return (
    <Panel position={position} className="df-tools">
      <button type="button" className="df-btn ghost ic sm" aria-label="Zoom out" onClick={() => void flow.zoomOut({ duration: 120 })}>
        −
      </button>
      <span className="df-zoom">{Math.round(zoom * 100)}%</span>
      <button type="button" className="df-btn ghost ic sm" aria-label="Zoom in" onClick={() => void flow.zoomIn({ duration: 120 })}>
        <Icon name="plus" classes="s" />
      </button>
      <span className="df-sep" />
      <button type="button" className="df-btn ghost ic sm" aria-label="Show all (1)" title="Show all (1)" onClick={() => fit(120)}>
        <Icon name="fit" classes="s" />
      </button>
    </Panel>
  );
}

const STATES = { done: "done", running: "arc", paused: "pause", failed: "cross", stopped: "stop", loading: "clock", waiting: "dotted" };

/** How many steps are done, running, waiting: where there are too many to count. */
export function States() {
  const told = useFrom(["run"], () => {
    const run = get<RunView>("run");
    const counts: Record<string, number> = {};
    for (const { name } of run?.steps ?? []) {
      const { state } = standingOf(run?.progress?.[name], run?.report.state ?? "");
      counts[state] = (counts[state] ?? 0) + 1;
    }
    return JSON.stringify(counts);
  });
  const counts: Record<string, number> = JSON.parse(told);
  return (
    <Panel position="top-right" className="df-tools df-states">
      {Object.entries(STATES).map(
        ([state, icon]) =>
          counts[state] && (
            <span key={state} className={state === "done" ? "done" : state === "failed" ? "fail" : state === "running" ? "acc" : ""}>
              <Icon name={icon} classes="s" />
              {number(counts[state])} {state}
            </span>
          ),
      )}
    </Panel>
  );
}
