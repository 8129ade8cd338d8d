/* Making elements. Everything from data goes in as text or attribute, never as markup. */

import { icon } from "./icons.js";

export function h(tag, attributes = {}, ...children) {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes ?? {})) {
    if (value === null || value === undefined || value === false) continue;
    if (name.startsWith("on")) made.addEventListener(name.slice(2), value);
    else if (name === "style") for (const [key, setting] of Object.entries(value)) made.style.setProperty(key, setting);
    else made.setAttribute(name, value === true ? "" : value);
  }
  made.append(...children.flat(5).filter((child) => child !== null && child !== undefined && child !== false));
  return made;
}

export function put(element, ...children) {
  element.replaceChildren(...children.flat(5).filter((child) => child !== null && child !== undefined && child !== false));
}

export function chip(text, kind = "", title = "") {
  return h("span", { class: `df-chip ${kind}`, title: title || null }, text);
}

/** Columns as chips; beyond `limit` the rest opens on a click. */
export function chips(names, { limit = 4, sign = "+", kind = "new" } = {}) {
  const shown = names.length > limit + 1 ? names.slice(0, limit) : names;
  const rest = names.slice(shown.length);
  const made = shown.map((name) => chip(sign + name, kind, name));
  if (rest.length) {
    made.push(h("span", { class: `df-chip ${kind}`, title: rest.join(", ") }, `${sign}${rest.length} more`, h("span", { class: "df-sr" }, `: ${rest.join(", ")}`)));
  }
  return made;
}

export function tag(text, kind = "", sign = null) {
  return h("span", { class: `df-tag ${kind}` }, sign && icon(sign), text);
}

export function empty(title, text, ...actions) {
  return h("div", { class: "df-empty" }, h("h2", {}, title), text && h("p", {}, text), actions.length > 0 && h("div", { class: "df-row" }, actions));
}

export function failure(error, ...actions) {
  return h(
    "div",
    { class: "df-callout fail", role: "alert" },
    h("p", { class: "df-callout-title" }, icon("warn"), sentence(error.message ?? String(error))),
    error.fix && h("p", { class: "df-callout-fix" }, icon("wrench"), sentence(error.fix)),
    actions.length > 0 && h("div", { class: "df-row" }, actions),
  );
}

export function capital(text) {
  const isName = /^\w+(?::\/\/|[_.(/])\w/.test(text); // an address, a parameter, a file: they are what they are
  return isName ? text : text.slice(0, 1).toUpperCase() + text.slice(1);
}

/** A sentence: a capital at its start, one full stop at its end. */
export function sentence(text) {
  const trimmed = text.trim();
  return capital(/[.!?…]$/.test(trimmed) ? trimmed : `${trimmed}.`);
}

export function count(number, one, many = `${one}s`) {
  return `${NUMBERS.format(number)} ${number === 1 ? one : many}`;
}

const NUMBERS = new Intl.NumberFormat("en-US"); // made once: a hundred cards ask for it twenty times a second

/** Bytes, as people write them. */
export function size(bytes) {
  if (bytes < 1000) return `${bytes} B`;
  return bytes < 1e6 ? `${Math.round(bytes / 1000)} KB` : bytes < 1e9 ? `${(bytes / 1e6).toFixed(1)} MB` : `${(bytes / 1e9).toFixed(1)} GB`;
}

export function number(value) {
  return NUMBERS.format(value ?? 0);
}

/** A row of the source, by its id: counted from 1, as everywhere; behind a point, which of the rows that were made of it. */
export function sourceRow(id) {
  return String(id).split(".").map((at) => number(Number(at) + 1)).join(".");
}

/** US dollars; what is less than one with so many digits that count. */
export function money(amount, digits = 3) {
  if (amount >= 1) return `$${amount.toLocaleString("en-US", { minimumFractionDigits: 2, maximumFractionDigits: 2 })}`;
  return `$${Number(amount.toPrecision(digits)).toFixed(10).replace(/0+$/, "").padEnd(4, "0")}`;
}

/** Give a text as a file. */
export function saveFile(name, text, type = "text/plain") {
  const link = h("a", { href: URL.createObjectURL(new Blob([text], { type })), download: name });
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
}

export function duration(seconds) {
  const whole = Math.max(0, Math.round(seconds));
  const parts = [Math.floor(whole / 3600), Math.floor(whole / 60) % 60, whole % 60];
  const [hours, minutes, rest] = parts.map((part) => String(part).padStart(2, "0"));
  return parts[0] ? `${parts[0]}:${minutes}:${rest}` : `${Number(minutes)}:${rest}`;
}

export function ago(unixSeconds) {
  const seconds = Date.now() / 1000 - unixSeconds;
  if (seconds < 60) return "just now";
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ago`;
  if (seconds < 86400) return `${Math.floor(seconds / 3600)} h ago`;
  return new Date(unixSeconds * 1000).toLocaleDateString("en-GB", { day: "numeric", month: "short", year: "numeric" });
}

export function clockTime(unixSeconds) {
  return new Date(unixSeconds * 1000).toLocaleTimeString("en-GB", { hour: "2-digit", minute: "2-digit" });
}

/** Tabs with arrow keys. `tabs` are {id, label, count?, kind?}. */
export function tablist(label, tabs, current, choose, classes = "df-tabs") {
  const buttons = tabs.map((one) =>
    h(
      "button",
      {
        type: "button",
        role: "tab",
        id: `tab-${label.toLowerCase().replaceAll(" ", "-")}-${one.id}`,
        "data-testid": `tab-${one.id}`,
        "aria-selected": String(one.id === current),
        tabindex: one.id === current ? "0" : "-1",
        onclick: () => choose(one.id),
      },
      one.label,
      one.count !== undefined && one.count !== null && h("span", { class: one.kind ? `df-tag ${one.kind}` : "df-count" }, number(one.count)),
    ),
  );
  const list = h("div", { class: classes, role: "tablist", "aria-label": label }, buttons);
  list.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step) return;
    event.preventDefault();
    const at = (tabs.findIndex((one) => one.id === current) + step + tabs.length) % tabs.length;
    choose(tabs[at].id);
    document.getElementById(buttons[at].id)?.focus();
  });
  return list;
}

/** Keep what had the focus focused when a part is drawn again: elements are matched by data-key. */
export function keepingFocus(element, draw) {
  const key = element.contains(document.activeElement) ? document.activeElement?.dataset?.key : null;
  draw();
  if (key) element.querySelector(`[data-key="${CSS.escape(key)}"]`)?.focus({ preventScroll: true });
}

let polite = null;
let lastSaid = 0;
let waiting = 0;

/** Tell screen readers, at most once in five seconds. */
export function say(text) {
  polite ??= document.body.appendChild(h("div", { class: "df-sr", role: "status", "aria-live": "polite" }));
  clearTimeout(waiting);
  waiting = setTimeout(
    () => {
      lastSaid = Date.now();
      polite.textContent = text;
    },
    Math.max(0, 5000 - (Date.now() - lastSaid)),
  );
}
