/* Lines of a text editor in which something is wrong. Gradio's editor is CodeMirror: what is drawn here lies over its lines, in the
   part that scrolls with them, and the way to a line goes through its view. */

import { h, put } from "./dom.js";

const LINE = 22; // height and distance from the top, as the styles have them
const TOP = 5;

const partOf = (language, part) => document.querySelector(`#${language}-code .cm-${part}`);

/** The view of an editor, by which CodeMirror itself finds it from an element. */
function viewOf(language) {
  const content = partOf(language, "content");
  return content?.cmTile?.view ?? content?.cmView?.rootView?.view;
}

/** Mark these lines, counted from 1, and no others. */
export function markLines(language, lines) {
  const scroller = partOf(language, "scroller");
  if (!scroller) return;
  let layer = scroller.querySelector(".df-line-marks");
  if (!layer) {
    layer = h("div", { class: "df-line-marks", "aria-hidden": "true" });
    scroller.append(layer);
    new ResizeObserver(() => draw(language, layer)).observe(partOf(language, "content")); // lines were folded away, or came back
  }
  layer.lines = [...new Set(lines)];
  draw(language, layer);
}

function draw(language, layer) {
  layer.style.width = "0"; // or it would keep the editor as wide as it was
  layer.style.width = `${layer.parentElement.scrollWidth}px`;
  put(layer, layer.lines.map((line) => h("i", { "data-line": String(line), style: placeOf(language, line) }, h("b", {}))));
}

function placeOf(language, line) {
  const doc = viewOf(language)?.state.doc;
  if (!doc || line > doc.lines) return { top: `${TOP + (line - 1) * LINE}px`, height: `${LINE}px` };
  const block = viewOf(language).lineBlockAt(doc.line(line).from);
  return { top: `${TOP + block.top}px`, height: `${block.height}px` };
}

/** Put the cursor at the start of a line, where it can be seen. */
export function goToLine(language, line) {
  const view = viewOf(language);
  const scroller = partOf(language, "scroller");
  if (!view || !scroller) return;
  const { from, text } = view.state.doc.line(Math.min(line, view.state.doc.lines));
  view.dispatch({ selection: { anchor: from + text.length - text.trimStart().length } });
  view.focus();
  scroller.scrollLeft = 0;
  scroller.scrollTop = Math.max(0, view.lineBlockAt(from).top - scroller.clientHeight / 3);
}
