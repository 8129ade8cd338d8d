/* Editing what has parts: a chat message by message, a list text by text. Its value is JSON, as the form of other nested values. */

import { h, put } from "./dom.js";
import { icon } from "./icons.js";

const ROLES = ["system", "user", "assistant", "tool"];

const WORDS = { chat: { one: "message", fresh: () => ({ role: "user", content: "" }) }, texts: { one: "item", fresh: () => "" } };

/** An editor of a "chat" or of "texts": `element`, `value()` as JSON, and `focus()`. */
export function itemsEditor(kind, name, json) {
  const { one, fresh } = WORDS[kind];
  let items = json === null ? [] : JSON.parse(json);
  const list = h("ol", { class: "df-items" });
  const add = h("button", { type: "button", class: "df-btn sm", onclick: () => grow() }, icon("plus", "s"), `Add ${one === "item" ? "an item" : "a message"}`);
  const element = h("fieldset", { class: "df-items-of", "aria-label": name }, list, add);

  const draw = () => put(list, items.map((item, at) => line(item, at)));
  const line = (item, at) => {
    const of = `${name}, ${one} ${at + 1}`;
    const isChat = kind === "chat";
    const text = h("textarea", { class: "df-input", rows: String(rowsFor(isChat ? item.content : item)), "aria-label": isChat ? `${of}, text` : of, oninput: (event) => (isChat ? (item.content = event.target.value) : (items[at] = event.target.value)) });
    text.value = isChat ? item.content : item;
    return h(
      "li",
      { "data-testid": "item" },
      h("div", { class: "df-row" }, isChat ? roleOf(item, of) : h("span", { class: "df-small t3" }, String(at + 1)), h("span", { class: "df-grow" }), h("button", { type: "button", class: "df-btn ghost ic sm", "aria-label": `Remove ${of}`, title: `Remove this ${one}`, onclick: () => shrink(at) }, icon("trash", "s"))),
      text,
    );
  };
  const roleOf = (item, of) => {
    const choices = ROLES.includes(item.role) ? ROLES : [...ROLES, item.role];
    return h("select", { class: "df-select", "aria-label": `${of}, role`, onchange: (event) => (item.role = event.target.value) }, choices.map((role) => h("option", { value: role, selected: role === item.role }, role)));
  };
  const grow = () => {
    const last = items.at(-1);
    items.push(kind === "chat" && last?.role === "user" ? { role: "assistant", content: "" } : fresh());
    draw();
    list.lastElementChild.querySelector("textarea").focus();
  };
  const shrink = (at) => {
    items = items.toSpliced(at, 1);
    draw();
    (list.children[Math.min(at, items.length - 1)]?.querySelector("textarea") ?? add).focus();
  };
  draw();
  return {
    element,
    value: () => JSON.stringify(items),
    focus: () => (list.querySelector("textarea") ?? add).focus(),
  };
}

const rowsFor = (text) => Math.min(12, Math.max(2, Math.ceil(text.length / 44), text.split("\n").length));
