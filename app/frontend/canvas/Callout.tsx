/* What is wrong with a step, below it: what is needed, what to do, and the fix as a button where there is one. */

import { useEffect, useRef } from "react";
import { useButtons } from "page/problems.js";
import { problemCallout } from "page/outline.js";

import type { Problem, Step } from "./view";

export function Callout({ step, problem }: { step: Step; problem: Problem }) {
  const holder = useRef<HTMLDivElement>(null);
  useEffect(() => holder.current?.replaceChildren(problemCallout(problem, step.name, useButtons(problem))), [step, problem]);
  return <div className="df-node-callout nodrag nopan nowheel" ref={holder} />;
}
