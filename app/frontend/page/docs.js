/* The documentation of the selected step's class, and of its model's, beside the form. */

import { chip, failure, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { cardOf, tab } from "./panel.js";
import { fetchJson, get, on } from "./store.js";

const known = new Map(); // by class

export function mountDocs(element) {
  let shown = "";
  const draw = async () => {
    const card = cardOf();
    const classes = card && tab() === "docs" ? [card.use, modelOf(card.name)].filter(Boolean) : [];
    const wanted = classes.join(" ");
    if (wanted === shown) return;
    shown = wanted;
    if (!classes.length) return put(element);
    if (!classes.every((name) => known.has(name))) put(element, h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), "Reading the documentation"));
    const found = await Promise.all(classes.map(find));
    if (wanted === shown) put(element, found.map((docs, at) => article(docs, at > 0)));
  };
  on("route", draw);
  on("build", draw);
}

/** The class of the model that a step asks. */
function modelOf(step) {
  const llm = get("build").spec?.steps?.find((one) => one.name === step)?.with?.llm;
  return typeof llm?.use === "string" ? llm.use : "";
}

async function find(name) {
  if (known.has(name)) return known.get(name);
  try {
    const docs = await fetchJson(`catalogue/${encodeURIComponent(name)}`);
    known.set(name, docs);
    return docs;
  } catch (error) {
    return { name, error };
  }
}

function article(docs, isModel) {
  if (docs.error) return failure(docs.error);
  return h(
    "article",
    { class: "df-docs-of", "data-testid": `docs-${docs.name}` },
    h("h3", {}, isModel && h("span", { class: "t3" }, "Model: "), docs.name),
    h("p", {}, docs.summary),
    prose(docs.html),
    docs.paper && h("p", {}, "Paper: ", h("a", { href: docs.paper.address, target: "_blank", rel: "noopener noreferrer nofollow" }, docs.paper.title)),
    columns("Needs", docs.needs, ""),
    columns("Makes", docs.makes, "new"),
    docs.parameters.length > 0 && [h("h4", {}, "Parameters"), h("dl", { class: "df-params" }, docs.parameters.map(parameter))],
    docs.example && [h("h4", {}, "Example"), h("pre", { class: "df-pre is-whole", tabindex: "0" }, docs.example)],
  );
}

function columns(label, names, kind) {
  return names?.length > 0 && h("p", { class: "df-docs-columns" }, `${label} `, names.map((name) => [chip(kind ? `+${name}` : name, kind), " "]));
}

function parameter(one) {
  const may = one.is_required ? "required" : one.default ? `default ${one.default}` : "may be left out";
  return [h("dt", {}, h("span", { class: "df-mono" }, one.name), h("span", { class: "t3" }, ` ${one.type}, ${may}`)), h("dd", {}, one.description.split("`").map((text, at) => (at % 2 ? h("code", {}, text) : text)))];
}

/** Markdown that the server made harmless: raw markup in it is text. */
function prose(html) {
  if (!html) return null;
  const holder = h("div", { class: "df-prose" });
  holder.innerHTML = html;
  return holder;
}
