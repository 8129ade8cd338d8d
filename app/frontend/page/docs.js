/* The documentation of the selected step's class, and of its model's, beside the form. */

import { papers, passing } from "./about.js";
import { failure, h, put } from "./dom.js";
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
    papers(docs.papers),
    docs.works_on && h("p", {}, `Works on ${docs.works_on}.`),
    h("p", { class: "df-passing" }, passing(docs)),
    parameters("Parameters", docs.parameters.filter((one) => !one.is_of_every_task)),
    parameters("Parameters of every task", docs.parameters.filter((one) => one.is_of_every_task)),
    docs.example && [h("h4", {}, "Example"), h("pre", { class: "df-pre is-whole", tabindex: "0" }, docs.example)],
  );
}

function parameters(title, some) {
  return some.length > 0 && [h("h4", {}, title), h("dl", { class: "df-params" }, some.map(parameter))];
}

function parameter(one) {
  const may = one.is_required ? "required" : one.default ? `default ${one.default}` : "may be left out";
  return [
    h("dt", {}, h("span", { class: "df-mono" }, one.name), h("span", { class: "t3" }, ` ${[one.type, one.limits, may].filter(Boolean).join(", ")}`)),
    h("dd", {}, one.description.split("`").map((text, at) => (at % 2 ? h("code", {}, text) : text)), one.whole_default && h("details", {}, h("summary", {}, "All of the default"), h("pre", { class: "df-pre is-whole", tabindex: "0" }, one.whole_default))),
  ];
}

/** Markdown that the server made harmless: raw markup in it is text. */
function prose(html) {
  if (!html) return null;
  const holder = h("div", { class: "df-prose" });
  holder.innerHTML = html;
  return holder;
}
