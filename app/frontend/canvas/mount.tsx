/* Mounts the canvas into a part of the page. */

import { ReactFlowProvider } from "@xyflow/react";
import { on } from "page/store.js";
import { createRoot } from "react-dom/client";

import { Canvas } from "./Canvas";
import { ModeContext, type Mode } from "./pipeline";

/** `mode` says whether it shows the pipeline that is built, or a run. */
function drawCanvas(element: HTMLElement, mode: Mode): () => void {
  const root = createRoot(element);
  root.render(
    <ModeContext.Provider value={mode}>
      <ReactFlowProvider>
        <Canvas />
      </ReactFlowProvider>
    </ModeContext.Provider>,
  );
  return () => root.unmount();
}

/** Draw the canvas while `isShown`, and nothing while it is not: what nobody sees takes no time. */
function drawWhile(element: HTMLElement, mode: Mode, name: string, isShown: (value: unknown) => boolean): void {
  let close: (() => void) | null = null;
  on(name, (value) => {
    if (isShown(value) === Boolean(close)) return;
    close?.();
    close = isShown(value) ? drawCanvas(element, mode) : null;
  });
}

export function mountCanvas(element: HTMLElement): void {
  drawWhile(element, "build", "shown", (shown) => shown === "canvas");
}

export function mountRunCanvas(element: HTMLElement): void {
  drawWhile(element, "run", "shown", (shown) => shown === "run-canvas");
}
