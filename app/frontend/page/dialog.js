/* A dialog over the page: it holds the focus while it is open, and gives it back. */

import { h } from "./dom.js";
import { icon } from "./icons.js";

let number = 0;

/** Open a dialog with a title; `fill(dialog)` gives its content. */
export function openDialog(title, fill, classes = "") {
  const opener = document.activeElement;
  const id = `dialog-${(number += 1)}`;
  const dialog = h("dialog", { class: `df-dialog ${classes}`, "aria-labelledby": id });
  dialog.append(
    h("div", { class: "df-dialog-head" }, h("h2", { id }, title), h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": "Close", onclick: () => dialog.close() }, icon("cross"))),
    ...[fill(dialog)].flat(5).filter(Boolean),
  );
  dialog.addEventListener("close", () => {
    dialog.remove();
    opener?.focus?.();
  });
  document.body.append(dialog);
  dialog.showModal();
  return dialog;
}
