/* What can be done with what is selected, from the toolbar and by keys. */

import { change } from "page/changes.js";
import { openCommands } from "page/commands.js";
import { say } from "page/dom.js";
import { enterForm } from "page/form.js";
import { get, set } from "page/store.js";
import { useEffect, useMemo, useRef } from "react";

import { GRID } from "./layout";
import { select, type Mode } from "./pipeline";
import type { StepNode } from "./StepNode";

export interface Actions {
  selected: StepNode[];
  remove(): void;
  duplicate(): void;
  copy(): Promise<void>;
  paste(): Promise<void>;
  group(): void;
  tidy(): void;
  fit(): void;
  /** Whether a closed group is selected, which `open` opens. */
  opened(): boolean;
  open(): void;
  add(): void;
  connect(): void;
  rename(): void;
  walk(direction: "left" | "right" | "up" | "down"): void;
  nudge(x: number, y: number): void;
}

const COPIED = "distilflow-steps";

/** The data of some steps, as it stands in the pipeline. */
export function copyOf(names: string[]): { name: string }[] {
  const wanted = new Set(names);
  return (window.distilflow?.graph()?.steps ?? []).filter((step) => wanted.has(step.name));
}

export function useActions(mode: Mode, nodes: StepNode[], link: string | null, fit: (duration?: number) => void, fitNext: { current: boolean }): Actions {
  return useMemo(() => {
    const selected = nodes.filter((node) => node.selected);
    const steps = selected.flatMap(({ id, data }) => (data.drawn.step ? [id] : data.drawn.group));
    const [first] = steps;
    return {
      selected,
      remove() {
        if (link) {
          const [source, target] = link.split(">");
          change({ do: "disconnect", source, target });
        } else if (steps.length) change({ do: "remove", steps });
      },
      duplicate() {
        if (steps.length) change({ do: "paste", steps: copyOf(steps), is_duplicate: true });
      },
      async copy() {
        if (!steps.length) return;
        await navigator.clipboard.writeText(JSON.stringify({ [COPIED]: copyOf(steps) }));
        say(`Copied ${steps.length === 1 ? first : `${steps.length} steps`}`);
      },
      async paste() {
        const text = await navigator.clipboard.readText();
        try {
          const found = JSON.parse(text)[COPIED];
          if (Array.isArray(found)) change({ do: "paste", steps: found, after: get("build")?.selected ? [get("build")!.selected] : [] });
        } catch {
          say("What was copied are no steps");
        }
      },
      group() {
        if (steps.length > 1) change({ do: "group", steps });
      },
      tidy() {
        change({ do: "tidy" });
        fitNext.current = true;
      },
      fit: () => fit(120),
      opened: () => selected.length === 1 && selected[0]!.data.drawn.group.length > 0,
      open: () => change({ do: "open-group", group: selected[0]!.id }),
      add: () => openCommands({ add: steps.slice(0, 1) }),
      connect: () => first && openCommands({ connect: first }),
      rename: () => first && set("renaming", first),
      walk(direction) {
        const from = selected[0] ?? nodes[0];
        const to = from && neighbour(from, nodes, direction);
        if (to?.data.drawn.step) select(mode, to.id);
      },
      nudge(x, y) {
        if (selected.length) change({ do: "move", to: Object.fromEntries(selected.map((node) => [node.id, [Math.round(node.position.x + x), Math.round(node.position.y + y)]])) });
      },
    };
  }, [mode, nodes, link, fit]);
}

/** The nearest card in a direction: sideways along the rows first. */
function neighbour(from: StepNode, nodes: StepNode[], direction: "left" | "right" | "up" | "down"): StepNode | undefined {
  const after = (name: string) => nodes.filter((node) => node.data.drawn.step?.after.includes(name));
  const before = (from.data.drawn.step?.after ?? []).flatMap((name) => nodes.filter((node) => node.id === name));
  const along = direction === "right" ? after(from.id) : direction === "left" ? before : [];
  if (along.length) return along[0];
  const isAcross = direction === "up" || direction === "down";
  const sign = direction === "right" || direction === "down" ? 1 : -1;
  const ahead = (node: StepNode) => sign * (isAcross ? node.position.y - from.position.y : node.position.x - from.position.x);
  const aside = (node: StepNode) => Math.abs(isAcross ? node.position.x - from.position.x : node.position.y - from.position.y);
  return nodes.filter((node) => ahead(node) > 1).sort((one, other) => ahead(one) + 2 * aside(one) - ahead(other) - 2 * aside(other))[0];
}

export function useKeys(mode: Mode, frame: { current: HTMLElement | null }, actions: Actions): void {
  const now = useRef(actions);
  now.current = actions;
  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const target = event.target as HTMLElement;
      const isHere = frame.current?.contains(target) || target === document.body;
      if (!isHere || event.defaultPrevented || frame.current?.offsetParent === null) return;
      if (target.closest("input, textarea, select, [contenteditable=true], dialog")) return;
      const found = keyOf(mode, event, now.current);
      if (!found) return;
      event.preventDefault();
      found();
    };
    document.addEventListener("keydown", press);
    return () => document.removeEventListener("keydown", press);
  }, [mode]);
}

function keyOf(mode: Mode, event: KeyboardEvent, actions: Actions): (() => unknown) | undefined {
  const isCommand = event.ctrlKey || event.metaKey;
  const arrow = { ArrowLeft: "left", ArrowRight: "right", ArrowUp: "up", ArrowDown: "down" }[event.key] as "left" | "right" | "up" | "down" | undefined;
  if (arrow && !isCommand && !event.altKey) return () => actions.walk(arrow);
  if (event.key === "1" && !isCommand && localStorage.getItem("distilflow-keys") !== "off") return actions.fit;
  if (mode === "run") return undefined;
  if (arrow && event.altKey) return () => actions.nudge(...({ left: [-GRID, 0], right: [GRID, 0], up: [0, -GRID], down: [0, GRID] }[arrow] as [number, number]));
  if (isCommand) {
    if (event.key.toLowerCase() === "c" && getSelection()?.isCollapsed === false) return undefined; // text somebody selected
    return { c: actions.copy, v: actions.paste, d: actions.duplicate, g: actions.group }[event.key.toLowerCase()];
  }
  if (event.key === "Enter" && actions.opened()) return actions.open;
  if (event.key === "Enter") return enterForm;
  if (event.key === "F2") return actions.rename;
  if (event.key === "Delete" || event.key === "Backspace") return actions.remove;
  if (localStorage.getItem("distilflow-keys") === "off") return undefined;
  return { a: actions.add, c: actions.connect, t: actions.tidy }[event.key.toLowerCase()];
}

declare global {
  interface Window {
    distilflow?: { graph(): { steps: { name: string }[] } | null };
  }
}
