/* The rows that pass from one step to the next: one line, with the columns that were made on it. */

import { BaseEdge, EdgeLabelRenderer, getSmoothStepPath, type Edge, type EdgeProps } from "@xyflow/react";
import { get } from "page/store.js";
import { standingOf } from "page/standing.js";
import { useContext, useEffect, useRef, useState } from "react";

import { Icon } from "./Icon";
import { BETWEEN_ROWS } from "./layout";
import { ModeContext, type Mode } from "./pipeline";
import type { Route } from "./routes";
import { useFrom } from "./usePage";
import type { Link, RunView } from "./view";

/** `from` and `to` are steps. */
export type RowEdge = Edge<Route & { from: string[]; to: string[] }, "rows">;

const MOST_CHIPS = 2;
const BESIDE = 50;
/** Links to one step come together so far before it. */
const BEFORE = 12;

/** Whether rows pass now: some were made, and not all are taken. */
function useFlows(mode: Mode, from: string[], to: string[]): boolean {
  return useFrom(mode === "run" ? ["run"] : [], () => {
    if (mode !== "run") return false;
    const run = get<RunView>("run");
    const state = run?.report.state ?? "";
    if (!["running", "finishing"].includes(state)) return false;
    const has = from.some((name) => (run?.progress?.[name]?.made ?? 0) > 0);
    const isOpen = to.length ? to.some((name) => standingOf(run?.progress?.[name], state).state !== "done") : from.some((name) => run?.progress?.[name]?.state !== "done");
    return has && isOpen;
  });
}

export function RowEdge({ id, data, selected, markerEnd, ...ends }: EdgeProps<RowEdge>) {
  const mode = useContext(ModeContext);
  const flows = useFlows(mode, data?.from ?? [], data?.to ?? []);
  const wraps = data?.wraps ?? false;
  const isAcross = !wraps && ends.targetX - ends.sourceX > 2 * BESIDE;
  const bend = wraps
    ? { centerY: (data?.channel ?? ends.targetY) - BETWEEN_ROWS / 2 } // between the lines, not through their cards
    : isAcross && data?.isJoined
      ? { centerX: ends.targetX - BEFORE }
      : {};
  const [path, middleX, middleY] = getSmoothStepPath({ ...ends, ...bend, borderRadius: 8, offset: 24 });
  const [x, y] = isAcross ? [ends.sourceX + BESIDE, ends.sourceY] : [middleX, middleY]; // beside the step that made them
  const link = data?.link;
  const kind = link?.isBroken ? "is-broken" : flows ? "is-flowing" : "";
  return (
    <>
      <BaseEdge id={id} path={path} markerEnd={markerEnd} className={`df-edge ${kind} ${selected ? "is-selected" : ""}`} interactionWidth={24} />
      {link && (
        <EdgeLabelRenderer>
          <div className={`df-edge-chips nodrag nopan ${wraps ? "is-flat" : ""}`} style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }} data-testid={`edge-${link.source}-${link.target}`}>
            {data.router && (
              <span className="df-chip df-router" title={`Each batch of ${link.source} goes to some of the next steps: ${data.router}`}>
                <Icon name="fork" classes="s" />
                {data.router}
              </span>
            )}
            {data.hasChips ? <Chips link={link} /> : <span className="df-sr">{[...link.added, ...link.passed].join(", ")}</span>}
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

function Chips({ link }: { link: Link }) {
  const [isOpen, setOpen] = useState(false);
  const isNew = link.added.length > 0;
  const columns = isNew ? link.added : link.passed;
  const shown = columns.length > MOST_CHIPS ? columns.slice(0, 1) : columns;
  const rest = columns.length - shown.length;
  const sign = isNew ? "+" : "";
  const kind = isNew ? "new" : "";
  const all = link.added.length + link.passed.length;
  const button = (text: string, label: string) => (
    <button key={text} type="button" className={`df-chip ${kind}`} aria-expanded={isOpen} aria-label={label} onClick={() => setOpen(!isOpen)}>
      {text}
    </button>
  );
  return (
    <>
      {shown.map((name) => button(sign + name, `${name}; show all ${all} columns from ${link.source}`))}
      {rest > 0 && button(`+${rest} more`, `Show all ${all} columns from ${link.source}`)}
      {isOpen && <AllColumns link={link} close={() => setOpen(false)} />}
    </>
  );
}

/** Every column that exists here. */
function AllColumns({ link, close }: { link: Link; close: () => void }) {
  const closing = useRef(close);
  closing.current = close;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      if (event.key !== "Escape") return;
      event.stopPropagation();
      closing.current();
    };
    document.addEventListener("keydown", press, true); // wherever the focus is
    return () => document.removeEventListener("keydown", press, true);
  }, []);
  const part = (title: string, names: string[], kind: string, sign: string) =>
    names.length > 0 && (
      <section>
        <h3>{title}</h3>
        {names.map((name) => (
          <span key={name} className={`df-chip ${kind}`}>
            {sign + name}
          </span>
        ))}
      </section>
    );
  return (
    <div className="df-columns nowheel" role="group" aria-label={`Columns from ${link.source}`}>
      <button type="button" className="df-btn ghost ic sm" aria-label="Close" onClick={close}>
        <Icon name="cross" classes="s" />
      </button>
      {part(`Made by ${link.source}`, link.added, "new", "+")}
      {part("Passed on", link.passed, "", "")}
    </div>
  );
}
