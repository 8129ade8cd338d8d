/* A step, or the steps of a closed group, as a card of a size that never changes. */

import { Handle, Position, type Node, type NodeProps } from "@xyflow/react";
import { change } from "page/changes.js";
import { count } from "page/dom.js";
import { set } from "page/store.js";

import { Callout } from "./Callout";
import { Icon } from "./Icon";
import type { Step } from "./view";

export type StepData = { step: Step | null; group: string[]; isPrimary: boolean; isExplained: boolean };
export type StepNode = Node<StepData, "step">;

/** What a screen reader says of it. */
export function labelOf(id: string, { step, group }: StepData): string {
  if (!step) return `${id}, group of ${count(group.length, "step")}`;
  return [step.name, step.use, step.asks && "asks a model", ...step.problems.map((problem) => problem.title)].filter(Boolean).join(", ");
}

export function StepNode({ id, data, selected }: NodeProps<StepNode>) {
  const { step, group, isPrimary, isExplained } = data;
  const problems = step?.problems ?? [];
  return (
    <div className={`df-node ${selected ? "is-selected" : ""} ${problems.length ? "is-problem" : ""}`}>
      {(!step || !step.is_source) && <Handle type="target" position={Position.Left} id="l" />}
      <Handle type="target" position={Position.Top} id="t" isConnectable={false} />
      <span className={`df-tile ${step?.asks ? "llm" : ""}`}>
        <Icon name={step?.icon ?? "group"} />
      </span>
      <span className="df-node-name">
        <b>{id}</b>
        <small>{step ? step.use : `Group of ${count(group.length, "step")}`}</small>
      </span>
      <span className={`df-node-foot ${problems.length ? "fail" : ""}`} data-testid={`node-${id}-state`}>
        {problems[0] ? (
          <>
            <Icon name="warn" />
            {problems[0].title}
          </>
        ) : (
          <>
            <span>{step?.setting}</span>
            <span>{step?.price}</span>
          </>
        )}
      </span>
      <Handle type="source" position={Position.Right} id="r" />
      <Handle type="source" position={Position.Bottom} id="b" isConnectable={false} />
      {isPrimary && step && (
        <button
          type="button"
          className="df-add-after nodrag nopan"
          aria-label={`Add a step after ${id} (A)`}
          title="Add a step after this one (A)"
          onClick={(event) => {
            event.stopPropagation();
            set("adding", { after: [id] });
          }}
        >
          <Icon name="plus" />
        </button>
      )}
      {isExplained && step && problems[0] && <Callout step={step} problem={problems[0]} />}
      {!step && (
        <button type="button" className="df-open-group nodrag nopan" aria-label={`Open the group ${id}`} onClick={() => change({ do: "open-group", group: id })}>
          <Icon name="right" />
        </button>
      )}
    </div>
  );
}
