/* What the canvas draws: the pipeline that is being built, or that of a run. */

import { change } from "page/changes.js";
import { chosen } from "page/follow.js";
import { get, go } from "page/store.js";
import { createContext } from "react";

import { useFrom } from "./usePage";
import type { Pipeline, RunView, View } from "./view";

export type Mode = "build" | "run";
export const ModeContext = createContext<Mode>("build");

const NO_CANVAS = { positions: {}, groups: {} };
const keep = <T>() => {
  let last: { of: unknown[]; made: T } | null = null;
  return (of: unknown[], make: () => T): T => {
    if (!last || of.some((one, at) => one !== last?.of[at])) last = { of, made: make() };
    return last.made;
  };
};
const ofRun = keep<Pipeline>();
const ofView = keep<Pipeline>();

export function usePipeline(mode: Mode): Pipeline | undefined {
  return useFrom(mode === "build" ? ["build", "early"] : ["run", "route"], mode === "build" ? readBuild : readRun);
}

function readBuild(): Pipeline | undefined {
  const view = get<View>("build") ?? get<View>("early");
  return view && ofView([view], () => ({ key: view.name, steps: view.steps, selected: view.selected, canvas: view.canvas, result: view.result }));
}

/** Of a run only what does not change with every row. */
function readRun(): Pipeline | undefined {
  const run = get<RunView>("run");
  if (!run?.steps?.length) return undefined;
  const selected = chosen(run);
  return ofRun([run.id, run.steps, run.canvas, run.result, selected], () => ({ key: run.id, steps: run.steps, selected, canvas: { ...NO_CANVAS, ...run.canvas }, result: run.result }));
}

export function select(mode: Mode, step: string): void {
  if (mode === "run") go({ step }, { replace: true });
  else if (get<View>("build")?.selected !== step) change({ do: "select", step });
}
