/* Gallery: working pipelines to start from, or one of your own. */

import { count, empty, h, put, tag } from "./dom.js";
import { icon, svg } from "./icons.js";
import { whenReady } from "./store.js";

export function mountGallery(element, { props, trigger, watch }) {
  const draw = () => {
    const cards = props.value ?? [];
    put(
      element,
      h(
        "div",
        { class: "df-gallery" },
        h("h1", { class: "df-hero" }, "What data do you need?"),
        h("p", { class: "df-hero-sub" }, "Start from a pipeline that works, or open your own."),
        h("div", { class: "df-row df-center" }, h("button", { type: "button", class: "df-btn pri", id: "gallery-import", onclick: () => importDialog((text) => trigger("submit", { text })) }, icon("upload", "s"), "Import YAML")),
        h("h2", { class: "df-gallery-title" }, "Start from a working pipeline"),
        cards.length
          ? h("ul", { class: "df-cards" }, cards.map((card) => h("li", {}, h("button", { type: "button", class: "df-g", "data-testid": `example-${card.name}`, onclick: () => whenReady(() => trigger("select", { file: card.file })) }, thumbnail(card.graph), h("span", { class: "df-g-text" }, h("span", { class: "df-g-title" }, card.title), h("span", { class: "df-g-about" }, card.description), h("span", { class: "df-g-foot" }, h("span", {}, [count(card.steps, "step"), card.kind].filter(Boolean).join(" · ")), readiness(card)))))))
          : empty("No examples here", "The folder with examples is empty."),
      ),
    );
  };
  draw();
  watch("value", draw);
}

function readiness(card) {
  if (card.is_ready && card.reaches.length) return tag(`Needs ${card.reaches.join(" and ")}`, "", "out");
  if (card.is_ready) return tag("Runs as it is", "done", "done");
  if (card.needs_key) return tag("Needs a key", "", "key");
  return tag("Has problems here", "warn", "warn");
}

/** The graph in small: columns by distance from the start, blue where a model is asked. */
function thumbnail(graph) {
  const level = new Map();
  for (const step of graph) level.set(step.name, Math.max(0, ...step.after.map((name) => (level.get(name) ?? -1) + 1)));
  const columns = new Map();
  for (const step of graph) columns.set(level.get(step.name), [...(columns.get(level.get(step.name)) ?? []), step]);
  const width = 268;
  const inner = width - 48;
  const pitch = Math.min(66, (inner - 30) / Math.max(1, columns.size - 1));
  const box = Math.min(34, pitch - 10);
  const left = (width - (pitch * (columns.size - 1) + box)) / 2;
  const at = new Map();
  for (const [column, steps] of columns) {
    steps.forEach((step, row) => at.set(step.name, [left + column * pitch, 40 + (row - (steps.length - 1) / 2) * Math.min(22, 66 / steps.length)]));
  }
  const drawn = svg("svg", { viewBox: `0 0 ${width} 80`, class: "df-thumb", "aria-hidden": "true" });
  for (const step of graph) {
    for (const before of step.after) {
      if (!at.has(before)) continue;
      const [x1, y1] = at.get(before);
      const [x2, y2] = at.get(step.name);
      const middle = (x1 + box + x2) / 2;
      drawn.append(svg("path", { d: `M${x1 + box} ${y1}C${middle} ${y1} ${middle} ${y2} ${x2} ${y2}`, fill: "none", stroke: "var(--edge)" }));
    }
  }
  for (const step of graph) {
    const [x, y] = at.get(step.name);
    drawn.append(svg("rect", { x, y: y - 7, width: box, height: 14, rx: 3, class: step.asks ? "asks" : "" }));
  }
  return drawn;
}

/** Asks for a pipeline as file or text, and hands its text to `take`. */
export function importDialog(take) {
  const opener = document.activeElement;
  const area = h("textarea", { class: "df-area", rows: "14", id: "import-text", spellcheck: "false", placeholder: "distilflow: 1\nname: my-pipeline\nsteps:\n  - name: load\n    use: LoadDataFromFileSystem\n    with: {data_files: my-rows.jsonl}" });
  const file = h("input", { type: "file", accept: ".yaml,.yml,.json", id: "import-file", class: "df-file" });
  const said = h("p", { class: "df-small fail", role: "alert" });
  file.addEventListener("change", async () => {
    const [picked] = file.files;
    if (!picked) return;
    if (picked.size > 10_000_000) said.textContent = "This file has more than 10 MB; a pipeline may have 10.";
    else area.value = await picked.text();
  });
  const open = () => {
    if (!area.value.trim()) {
      said.textContent = "Choose a file or paste a pipeline first.";
      area.focus();
      return;
    }
    whenReady(() => take(area.value));
    dialog.close();
  };
  const dialog = h(
    "dialog",
    { class: "df-dialog wide", "aria-labelledby": "import-title" },
    h("div", { class: "df-dialog-head" }, h("h2", { id: "import-title" }, "Import YAML"), h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Close", onclick: () => dialog.close() }, icon("cross"))),
    h("label", { class: "df-label", for: "import-file" }, "File"),
    file,
    h("label", { class: "df-label", for: "import-text" }, "Or paste the pipeline"),
    area,
    said,
    h("div", { class: "df-row df-end" }, h("button", { type: "button", class: "df-btn", onclick: () => dialog.close() }, "Cancel"), h("button", { type: "button", class: "df-btn pri", id: "import-open", onclick: open }, "Open in Build")),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  area.focus();
}
