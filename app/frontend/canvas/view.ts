/* What Python sends of a pipeline: app/handlers/drafts.py, outline.py and watching.py. */

export interface Problem {
  code: string;
  title: string;
  what: string;
  fix: string;
  step: string | null;
  column: string;
  uses: string[];
  likely: string;
}

export interface Step {
  name: string;
  use: string;
  summary: string;
  icon: string;
  asks: boolean;
  is_known: boolean;
  is_source: boolean;
  after: string[];
  setting: string;
  router: string;
  price: string;
  needs: string[];
  adds: string[];
  columns: string[] | null;
  problems: Problem[];
}

export interface Group {
  steps: string[];
  is_open?: boolean;
}

export interface CanvasData {
  positions: Record<string, [number, number]>;
  groups: Record<string, Group>;
}

export interface Leaf {
  leaf: string;
  columns: string[] | null;
}

export interface View {
  name: string;
  text: string;
  steps: Step[];
  problems: Problem[];
  selected: string | null;
  canvas: CanvasData;
  result: Leaf[];
  undo: string;
  redo: string;
}

export interface Progress {
  state: string;
  taken: number;
  made: number;
  failed: number;
  reused: number;
  total: number | null;
  rows_per_s: number;
}

export interface RunView {
  id: string;
  steps: Step[];
  canvas: CanvasData;
  result: Leaf[];
  report: { state: string; rows: Record<string, number> };
  progress: Record<string, Progress>;
}

/** Of either, what the canvas draws. */
export interface Pipeline {
  /** Changes when another one is shown. */
  key: string;
  steps: Step[];
  selected: string | null;
  canvas: CanvasData;
  result: Leaf[];
}

/** How the graph is drawn: steps one by one, or those of a closed group as one; and the result. */
export interface Drawn {
  nodes: Map<string, DrawnNode>;
  links: Link[];
}

export interface DrawnNode {
  id: string;
  step: Step | null;
  group: string[];
  /** The leaves of the pipeline, where this stands for the result. */
  leaves: Leaf[];
}

export interface Link {
  source: string;
  target: string;
  /** What the source made, and what passes through it. */
  added: string[];
  passed: string[];
  isBroken: boolean;
}

export function drawn({ steps, canvas, result }: Pipeline): Drawn {
  const nodes = new Map<string, DrawnNode>();
  const standsFor = new Map<string, string>();
  for (const [name, group] of Object.entries(canvas.groups)) {
    if (group.is_open) continue;
    for (const step of group.steps) standsFor.set(step, name);
  }
  for (const step of steps) {
    const id = standsFor.get(step.name) ?? step.name;
    const node = nodes.get(id);
    if (id === step.name) nodes.set(id, { id, step, group: [], leaves: [] });
    else if (node) node.group.push(step.name);
    else nodes.set(id, { id, step: null, group: [step.name], leaves: [] });
  }
  const links = new Map<string, Link>();
  const byName = new Map(steps.map((step) => [step.name, step]));
  const connect = (before: string, target: string, isBroken: boolean) => {
    const upstream = byName.get(before);
    const source = standsFor.get(before) ?? before;
    if (!upstream || source === target) return;
    const link = links.get(`${source}>${target}`) ?? { source, target, added: [], passed: [], isBroken: false };
    link.added.push(...upstream.adds.filter((column) => !link.added.includes(column)));
    link.passed.push(...(upstream.columns ?? []).filter((column) => !link.added.includes(column) && !link.passed.includes(column)));
    link.isBroken ||= isBroken;
    links.set(`${source}>${target}`, link);
  };
  for (const step of steps) {
    const lacks = step.problems.some((problem) => problem.code === "missing-column");
    for (const before of step.after) connect(before, standsFor.get(step.name) ?? step.name, lacks);
  }
  if (result.length) {
    const id = nodes.has("distiset") ? "distiset (result)" : "distiset";
    nodes.set(id, { id, step: null, group: [], leaves: result });
    for (const { leaf } of result) connect(leaf, id, false);
  }
  return { nodes, links: [...links.values()] };
}
