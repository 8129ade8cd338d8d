/* What Python sends of a pipeline: app/handlers/drafts.py and outline.py. */

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
  is_source: boolean;
  after: string[];
  setting: string;
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

export interface View {
  name: string;
  text: string;
  steps: Step[];
  problems: Problem[];
  selected: string | null;
  canvas: { positions: Record<string, [number, number]>; groups: Record<string, Group> };
}

/** How the graph is drawn: steps one by one, or those of a closed group as one. */
export interface Drawn {
  nodes: Map<string, DrawnNode>;
  links: Link[];
}

export interface DrawnNode {
  id: string;
  step: Step | null;
  group: string[];
}

export interface Link {
  source: string;
  target: string;
  /** What the source made, and what passes through it. */
  added: string[];
  passed: string[];
  isBroken: boolean;
}

export function drawn(view: View): Drawn {
  const nodes = new Map<string, DrawnNode>();
  const standsFor = new Map<string, string>();
  for (const [name, group] of Object.entries(view.canvas.groups)) {
    if (group.is_open) continue;
    for (const step of group.steps) standsFor.set(step, name);
  }
  for (const step of view.steps) {
    const id = standsFor.get(step.name) ?? step.name;
    const node = nodes.get(id);
    if (id === step.name) nodes.set(id, { id, step, group: [] });
    else if (node) node.group.push(step.name);
    else nodes.set(id, { id, step: null, group: [step.name] });
  }
  const links = new Map<string, Link>();
  const byName = new Map(view.steps.map((step) => [step.name, step]));
  for (const step of view.steps) {
    for (const before of step.after) {
      const upstream = byName.get(before);
      if (!upstream) continue;
      const source = standsFor.get(before) ?? before;
      const target = standsFor.get(step.name) ?? step.name;
      if (source === target) continue;
      const link = links.get(`${source}>${target}`) ?? { source, target, added: [], passed: [], isBroken: false };
      const added = upstream.adds.filter((column) => !link.added.includes(column));
      link.added.push(...added);
      link.passed.push(...(upstream.columns ?? []).filter((column) => !link.added.includes(column) && !link.passed.includes(column)));
      link.isBroken ||= step.problems.some((problem) => problem.code === "missing-column");
      links.set(`${source}>${target}`, link);
    }
  }
  return { nodes, links: [...links.values()] };
}
