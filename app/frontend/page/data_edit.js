/* The form of a row's values. What is saved is recorded as a change made by hand; the rows of the run stay as they are. */

import { itemsEditor } from "./data_items.js";
import { failure, h, put, sentence } from "./dom.js";
import { fetchJson, postJson } from "./store.js";

/** A form; `saved()` and `left()` are called at its end. */
export async function editForm(run, part, index, saved, left) {
  const base = `runs/${encodeURIComponent(run.id)}/data`;
  const found = await fetchJson(`${base}/form?${new URLSearchParams({ part, index })}`);
  const fields = found.fields.map(field);
  const told = h("div", {});
  const save = h("button", { type: "submit", class: "df-btn pri", "data-testid": "save-row" }, "Save changes");
  const form = h(
    "form",
    { class: "df-edit", novalidate: true, "data-testid": "edit-form" },
    h("div", { class: "df-edit-fields" }, h("p", { class: "df-small t3" }, "Recorded as changes made by hand, which can be undone. The run's own rows stay as they are."), fields.map((one) => one.element)),
    h("div", { class: "df-edit-foot" }, told, h("div", { class: "df-row" }, save, h("button", { type: "button", class: "df-btn", onclick: left }, "Cancel"))),
  );
  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    save.disabled = true;
    fields.forEach((one) => one.tell(""));
    put(told);
    const values = Object.fromEntries(fields.filter((one) => one.isTouched()).map((one) => [one.name, one.value()]));
    try {
      await postJson(`${base}/edit`, { part, index, seen: found.seen, values });
      await saved();
    } catch (error) {
      save.disabled = false;
      for (const one of fields) if (error.of?.[one.name]) one.tell(error.of[one.name]);
      if (error.of) fields.find((one) => error.of[one.name])?.focus();
      else put(told, failure(error));
    }
  });
  form.addEventListener("keydown", (event) => {
    if ((event.ctrlKey || event.metaKey) && event.key === "Enter") {
      event.preventDefault();
      event.stopPropagation();
      form.requestSubmit();
    } else if (event.key === "Escape") {
      event.preventDefault();
      event.stopPropagation();
      left();
    }
  });
  return form;
}

let count = 0;

function field(told) {
  const id = `edit-${(count += 1)}`;
  const isFixed = told.kind === "fixed";
  const settings = { id, class: "df-input", disabled: isFixed, "aria-describedby": `${id}-said`, spellcheck: told.kind === "text" ? null : "false" };
  const items = ["chat", "texts"].includes(told.kind) && itemsEditor(told.kind, told.name, told.value);
  const before = items && told.value !== null ? items.value() : told.value;
  let box;
  if (items) {
    box = items.element;
    Object.assign(box, { id });
    box.setAttribute("aria-describedby", `${id}-said`);
  } else if (told.kind === "bool") {
    box = h("select", { ...settings, class: "df-select" }, ["", "true", "false"].map((one) => h("option", { value: one, selected: one === (told.value ?? "") }, one || "no value")));
  } else if (told.kind === "text" || told.kind === "json") {
    box = h("textarea", { ...settings, class: told.kind === "json" ? "df-area" : "df-input", rows: String(Math.min(12, Math.max(2, Math.ceil((told.value ?? "").length / 44)))) });
    box.value = told.value ?? "";
  } else {
    box = h("input", { ...settings, inputmode: isFixed ? null : "decimal" });
    box.value = told.value ?? "";
  }
  const none = h("input", { type: "checkbox", disabled: isFixed });
  none.checked = told.value === null;
  const sync = () => (box.disabled = isFixed || none.checked);
  if (told.kind !== "bool") none.addEventListener("change", sync);
  sync();
  const said = h("p", { class: "df-small fail", id: `${id}-said`, role: "alert" });
  const value = () => (told.kind === "bool" ? box.value || null : none.checked ? null : items ? items.value() : box.value);
  return {
    name: told.name,
    element: h("div", { class: "df-field" }, h("div", { class: "df-row" }, items ? h("span", { class: "df-label" }, told.name) : h("label", { for: id, class: "df-label" }, told.name), h("span", { class: "df-small t3 df-one-line" }, isFixed ? `${told.type}, cannot be edited here` : told.type), h("span", { class: "df-grow" }), told.kind !== "bool" && !isFixed && h("label", { class: "df-check df-small" }, none, "no value")), box, said),
    value,
    isTouched: () => !isFixed && value() !== before,
    focus: () => (items || box).focus(),
    tell: (words) => {
      put(said, words && sentence(words));
      box.setAttribute("aria-invalid", String(Boolean(words)));
    },
  };
}
