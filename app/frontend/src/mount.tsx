/* Mounts the canvas into a part of the page. */

import flowCss from "@xyflow/react/dist/base.css";
import { ReactFlowProvider } from "@xyflow/react";
import { createRoot } from "react-dom/client";

import { Canvas } from "./Canvas";
import css from "./canvas.css";

export function mountCanvas(element: HTMLElement): void {
  const style = document.createElement("style");
  style.textContent = flowCss + css;
  document.head.append(style);
  createRoot(element).render(
    <ReactFlowProvider>
      <Canvas />
    </ReactFlowProvider>,
  );
}
