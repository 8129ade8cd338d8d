/* The rows that pass from one step to the next: one line, with the columns that were made on it. */

import { BaseEdge, EdgeLabelRenderer, getSmoothStepPath, Position, type Edge, type EdgeProps } from "@xyflow/react";

import { BETWEEN_ROWS } from "./layout";
import type { Link } from "./view";

export type RowEdge = Edge<{ link: Link; hasChips: boolean }, "rows">;

const MOST_CHIPS = 2;
const BESIDE = 50;

export function RowEdge({ id, data, selected, markerEnd, ...ends }: EdgeProps<RowEdge>) {
  const wraps = ends.sourcePosition === Position.Bottom;
  const between = wraps ? { centerY: ends.targetY - BETWEEN_ROWS / 2 } : {}; // not through the cards of the line above
  const [path, middleX, middleY] = getSmoothStepPath({ ...ends, ...between, borderRadius: 8, offset: 24 });
  const isAcross = ends.sourcePosition === Position.Right && ends.targetX - ends.sourceX > 2 * BESIDE;
  const [x, y] = isAcross ? [ends.sourceX + BESIDE, ends.sourceY] : [middleX, middleY]; // beside the step that made them
  const link = data?.link;
  const kind = link?.isBroken ? "is-broken" : "";
  return (
    <>
      <BaseEdge id={id} path={path} markerEnd={markerEnd} className={`df-edge ${kind} ${selected ? "is-selected" : ""}`} interactionWidth={24} />
      {link && data.hasChips && (
        <EdgeLabelRenderer>
          <div className={`df-edge-chips ${wraps ? "is-flat" : ""}`} style={{ transform: `translate(-50%, -50%) translate(${x}px, ${y}px)` }} data-testid={`edge-${link.source}-${link.target}`}>
            <Chips link={link} />
          </div>
        </EdgeLabelRenderer>
      )}
    </>
  );
}

function Chips({ link }: { link: Link }) {
  const isNew = link.added.length > 0;
  const columns = isNew ? link.added : link.passed;
  const shown = columns.length > MOST_CHIPS ? columns.slice(0, 1) : columns;
  const rest = columns.slice(shown.length);
  const sign = isNew ? "+" : "";
  const kind = isNew ? "new" : "";
  const all = [...link.added.map((name) => `+${name}`), ...link.passed].join(", ");
  return (
    <>
      {shown.map((name) => (
        <span key={name} className={`df-chip ${kind}`} title={all}>
          {sign + name}
        </span>
      ))}
      {rest.length > 0 && (
        <span className={`df-chip ${kind}`} title={all}>
          +{rest.length} more
        </span>
      )}
    </>
  );
}
