/* How links are drawn: where they leave a card and where they arrive. */

import type { Place } from "./layout";
import type { Drawn, Link } from "./view";

/** A place on a card's edge: right, left, bottom, top. */
export type Socket = "r" | "l" | "b" | "t";

/** `wraps`: it leads to the line below; `channel`: the top of that line. `isJoined`: others lead to the same step. */
export type Route = { link: Link; wraps: boolean; channel: number; isJoined: boolean; hasChips: boolean; router: string; leaves: Socket; arrives: Socket };

export function routes(graph: Drawn, places: Map<string, Place>, moved: Record<string, unknown>): Route[] {
  const tops = new Map<number, number>();
  for (const { line, y } of places.values()) tops.set(line, Math.min(tops.get(line) ?? Infinity, y));
  const arriving = new Map<string, number>();
  for (const { target } of graph.links) arriving.set(target, (arriving.get(target) ?? 0) + 1);
  const told = new Set<string>();
  return graph.links.map((link) => {
    const [from, to] = [places.get(link.source)?.line ?? 0, places.get(link.target)?.line ?? 0];
    const wraps = !(link.source in moved) && !(link.target in moved) && from < to;
    const hasChips = !told.has(link.source); // a source that fans out tells once
    told.add(link.source);
    const isJoined = (arriving.get(link.target) ?? 0) > 1;
    const router = hasChips ? (graph.nodes.get(link.source)?.step?.router ?? "") : "";
    return { link, router, wraps, channel: tops.get(to) ?? 0, isJoined, hasChips, leaves: wraps ? "b" : "r", arrives: wraps ? "t" : "l" };
  });
}

/** The places where links begin or end, by card. */
export function sockets(found: Route[]): Map<string, Set<Socket>> {
  const used = new Map<string, Set<Socket>>();
  const add = (id: string, socket: Socket) => used.set(id, (used.get(id) ?? new Set()).add(socket));
  for (const { link, leaves, arrives } of found) {
    add(link.source, leaves);
    add(link.target, arrives);
  }
  return used;
}
