/* A small panel below a button: closes on Escape, on a click elsewhere, and gives the focus back. */

import { h } from "./dom.js";

let open = null;

export function closePopover({ refocus = false } = {}) {
  if (!open) return;
  const { panel, button } = open;
  open = null;
  panel.remove();
  button.setAttribute("aria-expanded", "false");
  if (refocus) button.focus();
}

/** Show `content` below `button`, or close it when it is shown there already. */
export function popover(button, label, content) {
  const isSame = open?.button === button;
  closePopover();
  if (isSame) return;
  const panel = h("div", { class: "df-popover", role: "dialog", "aria-label": label }, content);
  const box = button.getBoundingClientRect();
  button.closest(".gradio-container").append(panel);
  const left = Math.max(8, Math.min(box.left, innerWidth - panel.offsetWidth - 8));
  panel.style.setProperty("left", `${left}px`);
  panel.style.setProperty("top", `${Math.max(8, Math.min(box.bottom + 4, innerHeight - panel.offsetHeight - 8))}px`);
  button.setAttribute("aria-expanded", "true");
  open = { panel, button };
  panel.querySelector("input, select, button, a")?.focus();
}

document.addEventListener("keydown", (event) => {
  if (event.key !== "Escape" || !open) return;
  event.preventDefault();
  event.stopPropagation();
  closePopover({ refocus: true });
}, true);
document.addEventListener("pointerdown", (event) => {
  if (open && !open.panel.contains(event.target) && !open.button.contains(event.target)) closePopover();
}, true);
