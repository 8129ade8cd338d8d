/* What is most often done with the selected step, beside it. */

import { change } from "page/changes.js";
import { openCommands } from "page/commands.js";
import { startPreview } from "page/preview.js";

import { Icon } from "./Icon";
import { copyOf } from "./actions";
import type { Step } from "./view";

export function NodeTools({ step }: { step: Step }) {
  const tool = (label: string, icon: string, action: () => void) => (
    <button
      type="button"
      className="df-btn ghost ic sm"
      aria-label={label}
      title={label}
      onClick={action}
    >
      <Icon name={icon} classes="s" />
    </button>
  );
  return (
    <div className="df-node-tools df-tools nodrag nopan" role="toolbar" aria-label={`What to do with ${step.name}`}>
      {tool("Run this step on 5 rows (P)", "play", () => startPreview(step.name))}
      {tool("Duplicate (Ctrl D)", "copy", () => change({ do: "paste", steps: copyOf([step.name]), is_duplicate: true }))}
      {tool("Delete (Del)", "trash", () => change({ do: "remove", steps: [step.name] }))}
      <span className="df-sep" />
      {tool("More", "more", () => openCommands({ of: step.name }))}
    </div>
  );
}
