/* What a step takes and makes, and the papers that it follows, as its form, its documentation and the search show it. */

import { chips, h } from "./dom.js";

/** Columns by what the step does with them; nothing where it is not known. */
export function passing({ needs, uses, makes }) {
  return [
    needs?.length > 0 && h("span", {}, "Needs ", spaced(chips(needs, { limit: 6, sign: "", kind: "" }))),
    uses?.length > 0 && h("span", { title: "Used where a row has them" }, "Can use ", spaced(chips(uses, { limit: 6, sign: "", kind: "maybe" }))),
    makes?.length > 0 && h("span", {}, "Makes ", spaced(chips(makes, { limit: 6 }))),
  ];
}

function spaced(some) {
  return some.map((one) => [one, " "]);
}

/** Where a method comes from. */
export function papers(found) {
  return found.map((paper) => h("p", { class: "df-source" }, "Paper: ", h("a", { href: paper.url, target: "_blank", rel: "noopener noreferrer nofollow" }, paper.title)));
}

/** The same without any markup, for a hover. */
export function inWords(entry) {
  const said = (word, names) => names.length > 0 && `${word} ${names.join(", ")}`;
  const lines = [said("Needs", entry.needs), said("Can use", entry.uses), said("Makes", entry.adds), ...entry.papers.map((paper) => `Paper: ${paper.title}`)];
  return [entry.summary, ...lines.filter(Boolean)].join("\n");
}
