/* What cannot be understood in a field is told at the field. Python keeps it as it was entered; the form shows it again. */

import { change } from "./changes.js";
import { h, sentence } from "./dom.js";
import { afterEdits } from "./edits.js";
import { icon } from "./icons.js";
import { get, on } from "./store.js";

/** Mark the fields of the form that is shown. */
export function markWrongEntries() {
  const draw = () => {
    const view = get("build");
    const form = document.getElementById("step-form");
    if (!view || !form) return;
    const wrong = (view.wrong ?? []).filter((entry) => entry.step === view.selected);
    for (const note of form.querySelectorAll(".df-wrong")) if (!wrong.some((entry) => note.dataset.told === told(entry))) clear(note);
    for (const entry of wrong) {
      const field = form.querySelector(`#field-${CSS.escape(entry.field)}`);
      if (field && !field.querySelector(".df-wrong")) mark(field, entry);
    }
  };
  on("build", draw);
  on("form", draw);
}

const told = (entry) => JSON.stringify([entry.step, entry.field, entry.what, entry.fix]);

function mark(field, entry) {
  const id = `wrong-${entry.field}`;
  const input = field.querySelector("textarea, input");
  input?.setAttribute("aria-invalid", "true");
  input?.setAttribute("aria-describedby", id);
  field.append(
    h(
      "div",
      { class: "df-wrong", id, role: "alert", "data-testid": id, "data-told": told(entry) },
      icon("warn", "s"),
      h("p", {}, `${sentence(entry.what)} `, entry.fix && h("span", {}, `${sentence(entry.fix)} `), h("button", { type: "button", class: "df-linkish", onclick: () => giveUp(entry) }, "Take the last value back")),
    ),
  );
}

/** Leaving the field for this button has sent its entry once more: that is answered first. */
function giveUp({ step, field }) {
  afterEdits(() => change({ do: "discard-entry", step, field }));
}

function clear(note) {
  const input = note.parentElement.querySelector("textarea, input");
  input?.removeAttribute("aria-invalid");
  input?.removeAttribute("aria-describedby");
  note.remove();
}
