/* Where nodes stand that nobody has moved: columns as deep as the rows have come, wrapped like text where that lets them be drawn larger. */

import dagre from "@dagrejs/dagre";

import type { Drawn } from "./view";

export const NODE = { width: 200, height: 76 };
const PITCH = { x: 310, y: 88 };
export const BETWEEN_ROWS = 64;
export const GRID = 16;

export interface Place {
  x: number;
  y: number;
  /** Which line of the text it would be: links from one line to another go from bottom to top. */
  line: number;
}

export interface Room {
  width: number;
  height: number;
}

/** Places of all nodes, on as many lines as let them be drawn largest in the room there is. */
export function layout(graph: Drawn, room: Room): Map<string, Place> {
  const columns = columnsOf(graph);
  let best = laidOut(columns, columns.length);
  for (let perLine = columns.length - 1; perLine > 1; perLine -= 1) {
    const other = laidOut(columns, perLine);
    if (scaleOf(other, room) > 1.02 * scaleOf(best, room)) best = other;
  }
  return best.places;
}

interface Laid extends Room {
  places: Map<string, Place>;
}

function scaleOf({ width, height }: Laid, room: Room): number {
  return Math.min(1, room.width / width, room.height / height);
}

function laidOut(columns: string[][], perLine: number): Laid {
  const places = new Map<string, Place>();
  let top = 0;
  let widest = 0;
  for (let start = 0, line = 0; start < columns.length; line += 1) {
    const some = columns.slice(start, start + lineLength(columns.slice(start), perLine));
    start += some.length;
    const tallest = Math.max(...some.map((column) => column.length));
    some.forEach((column, at) => {
      const offset = ((tallest - column.length) * PITCH.y) / 2;
      column.forEach((id, row) => places.set(id, { x: at * PITCH.x, y: top + offset + row * PITCH.y, line }));
    });
    widest = Math.max(widest, (some.length - 1) * PITCH.x + NODE.width);
    top += (tallest - 1) * PITCH.y + NODE.height + BETWEEN_ROWS;
  }
  return { places, width: widest, height: top - BETWEEN_ROWS };
}

/** How many columns go on one line: it ends where one node hands the rows on, if there is such a place in its last half. */
function lineLength(columns: string[][], most: number): number {
  if (columns.length <= most) return columns.length;
  for (let length = most; length > most / 2; length -= 1) if (columns[length - 1]?.length === 1) return length;
  return most;
}

/** Nodes by column, those in a column in an order in which few links cross. */
function columnsOf(graph: Drawn): string[][] {
  const laid = new dagre.graphlib.Graph().setGraph({ rankdir: "LR", ranker: "longest-path" }).setDefaultEdgeLabel(() => ({}));
  for (const id of graph.nodes.keys()) laid.setNode(id, { ...NODE });
  for (const link of [...graph.links].reverse()) laid.setEdge(link.source, link.target); // of equals it puts the last one first
  dagre.layout(laid);
  const depth = depths(graph);
  const columns: string[][] = [];
  for (const id of graph.nodes.keys()) (columns[depth.get(id) ?? 0] ??= []).push(id);
  for (const column of columns) column.sort((one, other) => laid.node(one).y - laid.node(other).y);
  return columns.filter(Boolean);
}

/** How many steps rows have passed at most when they come here; 0 in a circle, which the plan tells of. */
function depths(graph: Drawn): Map<string, number> {
  const found = new Map([...graph.nodes.keys()].map((id) => [id, 0]));
  const missing = new Map(found);
  const next = new Map<string, string[]>();
  for (const { source, target } of graph.links) {
    missing.set(target, (missing.get(target) ?? 0) + 1);
    next.set(source, [...(next.get(source) ?? []), target]);
  }
  const ready = [...missing].filter(([, count]) => count === 0).map(([id]) => id);
  for (let id = ready.pop(); id !== undefined; id = ready.pop()) {
    for (const target of next.get(id) ?? []) {
      found.set(target, Math.max(found.get(target) ?? 0, (found.get(id) ?? 0) + 1));
      missing.set(target, (missing.get(target) ?? 0) - 1);
      if (missing.get(target) === 0) ready.push(target);
    }
  }
  return found;
}
