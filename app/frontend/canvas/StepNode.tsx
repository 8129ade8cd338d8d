/* A step, the steps of a closed group, or the result, as a card of a size that never changes. */

import { Handle, NodeToolbar, Position, type Node, type NodeProps } from "@xyflow/react";
import { openCommands } from "page/commands.js";
import { count } from "page/dom.js";
import { useContext } from "react";

import { Callout } from "./Callout";
import { Foot, useLook } from "./Foot";
import { Icon } from "./Icon";
import { NodeTools } from "./NodeTools";
import { ModeContext } from "./pipeline";
import type { Socket } from "./routes";
import type { DrawnNode } from "./view";

export type StepData = { drawn: DrawnNode; isPrimary: boolean; isExplained: boolean; sockets: ReadonlySet<Socket> };
export type StepNode = Node<StepData, "step">;

/** What a screen reader says of it, but for how it stands. */
export function labelOf({ id, step, group, leaves }: DrawnNode): string {
  if (leaves.length) return `${id}, result`;
  if (!step) return `${id}, group of ${count(group.length, "step")}`;
  return [step.name, step.use, step.asks && "asks a model", ...step.problems.map((problem) => problem.title)].filter(Boolean).join(", ");
}

function kindOf({ step, group, leaves }: DrawnNode): string {
  if (step) return step.is_known ? step.use : `${step.use} · not installed here`;
  return leaves.length ? "Result" : `Group of ${count(group.length, "step")}`;
}

export function StepNode({ id, data, selected }: NodeProps<StepNode>) {
  const mode = useContext(ModeContext);
  const { drawn, isPrimary, isExplained, sockets } = data;
  const used = (socket: Socket) => (sockets.has(socket) ? "is-used" : "");
  const { step, leaves } = drawn;
  const look = useLook(mode, drawn);
  const isProblem = Boolean(step?.problems.length) || ["failed", "refused"].includes(look.state);
  const canBuild = mode === "build" && isPrimary && step;
  return (
    <div className={`df-node is-${look.state} kind-${look.kind || "none"} ${selected ? "is-selected" : ""} ${isProblem ? "is-problem" : ""}`} data-state={look.state}>
      {(!step || !step.is_source) && <Handle type="target" position={Position.Left} id="l" className={used("l")} isConnectable={mode === "build" && !leaves.length} />}
      <Handle type="target" position={Position.Top} id="t" className={used("t")} isConnectable={false} />
      <span className={`df-tile ${step?.asks ? "llm" : ""}`}>
        <Icon name={step?.icon ?? (leaves.length ? "box" : "group")} />
      </span>
      <span className="df-node-mark">{look.icon && <Icon name={look.icon} classes={look.spins ? "spin" : ""} />}</span>
      <span className="df-node-name">
        <b title={id}>{id}</b>
        <small>{kindOf(drawn)}</small>
      </span>
      <Foot drawn={drawn} />
      {!leaves.length && <Handle type="source" position={Position.Right} id="r" className={used("r")} isConnectable={mode === "build"} />}
      <Handle type="source" position={Position.Bottom} id="b" className={used("b")} isConnectable={false} />
      {canBuild && (
        <NodeToolbar nodeId={id} position={Position.Right} offset={-12} isVisible>
          <button type="button" className="df-add-after nodrag nopan" aria-label={`Add a step after ${id} (A)`} title="Add a step after this one (A)" onClick={() => openCommands({ add: [id] })}>
            <Icon name="plus" />
          </button>
        </NodeToolbar>
      )}
      {canBuild && selected && (
        <NodeToolbar nodeId={id} position={isExplained ? Position.Top : Position.Bottom} align="start" offset={8} isVisible>
          <NodeTools step={step} />
        </NodeToolbar>
      )}
      {isExplained && step && step.problems[0] && (
        <NodeToolbar nodeId={id} position={Position.Bottom} align="start" offset={8} isVisible>
          <Callout step={step} problem={step.problems[0]} />
        </NodeToolbar>
      )}
      {!step && !leaves.length && (
        <span className="df-open-group">
          <Icon name="right" />
        </span>
      )}
    </div>
  );
}
