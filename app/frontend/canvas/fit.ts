/* Showing the whole graph: as large as it can be without a card lying under what floats over the canvas. */

import { useReactFlow, useStoreApi } from "@xyflow/react";
import { useCallback } from "react";

import { NODE } from "./layout";

export const MARGIN = 22;
const GAP = 8; // between a card and what floats
const LEAST = 0.1;

interface Box {
  x: number;
  y: number;
  width: number;
  height: number;
}

interface Viewport {
  x: number;
  y: number;
  zoom: number;
}

/** A function that fits the graph into its frame, in so many ms. */
export function useFit(): (duration?: number) => void {
  const flow = useReactFlow();
  const store = useStoreApi();
  return useCallback(
    (duration = 0) => {
      const frame = store.getState().domNode;
      const cards = flow.getNodes().map(({ position }) => ({ ...position, ...NODE }));
      if (frame && cards.length) void flow.setViewport(viewportFor(cards, frame.getBoundingClientRect(), floatingOver(frame)), { duration });
    },
    [flow, store],
  );
}

/** Where tools, zoom and overview are, and what is said of a run, from the corner of the frame. */
function floatingOver(frame: HTMLElement): Box[] {
  const corner = frame.getBoundingClientRect();
  const found = [...frame.querySelectorAll(".react-flow__panel"), ...(frame.closest(".df-run-main")?.querySelectorAll(".df-run-said > *") ?? [])];
  return found
    .map((element) => element.getBoundingClientRect())
    .filter((box) => box.width > 0 && box.height > 0)
    .map(({ x, y, width, height }) => ({ x: x - corner.x, y: y - corner.y, width, height }));
}

/** Of all ways to leave room at some sides for what floats there, the one that shows the graph largest. */
export function viewportFor(cards: Box[], frame: { width: number; height: number }, floating: Box[]): Viewport {
  const sides = {
    top: Math.max(MARGIN, ...floating.filter((box) => box.y < frame.height / 2).map((box) => box.y + box.height + GAP)),
    bottom: Math.max(MARGIN, ...floating.filter((box) => box.y >= frame.height / 2).map((box) => frame.height - box.y + GAP)),
    left: Math.max(MARGIN, ...floating.filter((box) => box.x < frame.width / 2).map((box) => box.x + box.width + GAP)),
    right: Math.max(MARGIN, ...floating.filter((box) => box.x >= frame.width / 2).map((box) => frame.width - box.x + GAP)),
  };
  const free: Viewport[] = [];
  for (const top of [MARGIN, sides.top])
    for (const bottom of [MARGIN, sides.bottom])
      for (const left of [MARGIN, sides.left])
        for (const right of [MARGIN, sides.right]) {
          const found = fitted(cards, { x: left, y: top, width: frame.width - left - right, height: frame.height - top - bottom });
          if (!cards.some((card) => floating.some((box) => touch(onScreen(card, found), box)))) free.push(found);
        }
  const largest = free.reduce<Viewport | null>((best, one) => (best && best.zoom >= one.zoom ? best : one), null);
  return largest ?? fitted(cards, { x: MARGIN, y: MARGIN, width: frame.width - 2 * MARGIN, height: frame.height - 2 * MARGIN });
}

/** All cards in the middle of a part of the frame, never larger than they are. */
function fitted(cards: Box[], room: Box): Viewport {
  const [left, top] = [Math.min(...cards.map((card) => card.x)), Math.min(...cards.map((card) => card.y))];
  const width = Math.max(...cards.map((card) => card.x + card.width)) - left;
  const height = Math.max(...cards.map((card) => card.y + card.height)) - top;
  const zoom = Math.max(LEAST, Math.min(1, room.width / width, room.height / height));
  return { x: room.x + (room.width - zoom * width) / 2 - zoom * left, y: room.y + (room.height - zoom * height) / 2 - zoom * top, zoom };
}

function onScreen(card: Box, { x, y, zoom }: Viewport): Box {
  return { x: x + zoom * card.x, y: y + zoom * card.y, width: zoom * card.width, height: zoom * card.height };
}

function touch(one: Box, other: Box): boolean {
  return one.x < other.x + other.width + GAP / 2 && other.x < one.x + one.width + GAP / 2 && one.y < other.y + other.height + GAP / 2 && other.y < one.y + one.height + GAP / 2;
}
