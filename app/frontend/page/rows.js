/* Rows as a table: texts wrapped and clipped, chats as turns, ratings as stars. All of it is text to the browser. */

import { h, number } from "./dom.js";
import { svg } from "./icons.js";

const STAR = "M8 1.8l1.9 4 4.3.5-3.2 3 .9 4.3L8 11.4l-3.9 2.2.9-4.3-3.2-3 4.3-.5z";

function stars(text) {
  const value = Math.round(Number(text));
  return h(
    "span",
    { class: "df-rating" },
    h("span", { class: "df-stars", role: "img", "aria-label": `${text} of 5` }, [1, 2, 3, 4, 5].map((at) => svg("svg", { viewBox: "0 0 16 16", class: at <= value ? "" : "o", "aria-hidden": "true" }, svg("path", { d: STAR })))),
    h("b", {}, text),
  );
}

function text(found, whole) {
  return [found.text, found.chars && h("span", { class: "df-cut" }, whole ? ` … cut at ${number(found.text.length)} of ${number(found.chars)} characters` : " …")];
}

function image({ src, width, height }, whole) {
  return h("img", { class: `df-image ${whole ? "is-whole" : ""}`, src, width: String(width), height: String(height), alt: `Image, ${number(width)} × ${number(height)} pixels`, loading: "lazy", decoding: "async" });
}

/** One value. `whole` shows it unclipped, as the sheet does. */
export function cell(found, whole = false) {
  if (!found) return h("span", { class: "df-none" }, "–");
  switch (found.kind) {
    case "none":
      return h("span", { class: "df-none" }, "null");
    case "number":
    case "flag":
      return h("span", { class: "df-num" }, found.text);
    case "rating":
      return stars(found.text);
    case "ratings":
      return h("span", { class: "df-ratings" }, found.items.map((item) => (item === null ? h("span", { class: "df-none" }, "none") : stars(item))));
    case "image":
      return image(found, whole);
    case "images":
      return h("div", { class: "df-images" }, found.items.map((one) => image(one, whole)), found.more > 0 && h("span", { class: "df-cut" }, `${found.more} more`));
    case "note":
      return h("span", { class: "df-tag" }, found.text);
    case "chat":
      return h("div", { class: `df-chat ${whole ? "is-whole" : ""}` }, found.items.map((turn) => h("div", { class: `df-bub ${turn.role === "user" ? "u" : ""}` }, h("span", { class: "df-role" }, turn.role), h("div", { class: "df-text" }, text(turn, whole)), turn.images?.length > 0 && h("div", { class: "df-images" }, turn.images.map((one) => image(one, whole))))), found.more > 0 && h("span", { class: "df-cut" }, `${found.more} more turns`));
    case "list":
      return h("ol", { class: `df-list ${whole ? "is-whole" : ""}` }, found.items.map((item) => h("li", {}, h("span", { class: "df-text" }, text(item, whole)))), found.more > 0 && h("li", { class: "df-cut" }, `${found.more} more`));
    case "data":
      return h("pre", { class: `df-pre ${whole ? "is-whole" : ""}` }, text(found, whole));
    default:
      return h("div", { class: `df-text ${whole ? "is-whole" : ""}` }, text(found, whole));
  }
}

const WIDTHS = { number: 88, flag: 72, rating: 132, ratings: 132, note: 140, image: 200, images: 264, none: 96, text: 264, chat: 340, list: 320, data: 280 };

/** Whether a column holds hashes or ids: long and without a space. */
function isId(column, rows) {
  const texts = rows.map((row) => row[column]).filter((found) => found?.kind === "text");
  return texts.length > 0 && texts.every((found) => found.text.length > 24 && !/\s/.test(found.text));
}

function widthOf(column, rows) {
  const kinds = rows.map((row) => row[column]?.kind ?? "none").filter((kind) => kind !== "none");
  const kind = kinds[0] ?? "none";
  if (isId(column, rows)) return 136;
  if (kind === "text") {
    const longest = Math.max(...rows.map((row) => row[column]?.text?.length ?? 0));
    if (longest <= 18) return 128;
    if (longest <= 40) return 184;
  }
  if (kind === "list" && rows.every((row) => (row[column]?.items ?? []).every((item) => item.text.length <= 18))) return 168;
  return WIDTHS[kind] ?? 200;
}

/** A table of cells. `columns` are names or {name, type}; `start` numbers the rows; `open(index)` makes rows clickable.
 * `head(column)` makes another head than name and type; `numberOf(index)` another number than the place on the page. */
export function table(columns, rows, { start = null, open = null, selected = null, fresh = null, label = "Rows", added = [], head = null, numberOf = null, isEdited = null } = {}) {
  const named = columns.map((column) => (typeof column === "string" ? { name: column } : column));
  const numbered = start !== null;
  const shown = numberOf ?? ((at) => start + at + 1);
  const numberWidth = rows.some((_, at) => numbered && shown(at) > 99_999) ? 88 : 56;
  const ids = new Set(named.filter((column) => isId(column.name, rows)).map((column) => column.name));
  const widths = named.map((column) => widthOf(column.name, rows));
  return h(
    "table",
    { class: "df-table", style: { width: `${widths.reduce((sum, width) => sum + width, numbered ? numberWidth : 0)}px` } },
    h("caption", { class: "df-sr" }, label),
    h("colgroup", {}, numbered && h("col", { style: { width: `${numberWidth}px` } }), widths.map((width) => h("col", { style: { width: `${width}px` } }))),
    h(
      "thead",
      {},
      h("tr", {}, numbered && h("th", { scope: "col", class: "df-rowno" }, "Row"), named.map((column) => head?.(column) ?? h("th", { scope: "col" }, h("span", { class: added.includes(column.name) ? "acc" : null }, column.name), column.type && h("span", { class: "df-type" }, column.type)))),
    ),
    h(
      "tbody",
      {},
      rows.map((row, at) =>
        h(
          "tr",
          { class: [open && "is-open", selected === at && "is-selected", fresh?.(row) && "is-new"].filter(Boolean).join(" ") || null, "data-testid": "row", onclick: open && (() => open(at)) },
          numbered && h("th", { scope: "row", class: "df-rowno" }, open ? h("button", { type: "button", class: "df-linkish", "data-key": `row-${at}`, "data-row": String(shown(at) - 1), "aria-label": `Open row ${shown(at)}` }, number(shown(at))) : number(shown(at))),
          named.map((column) => h("td", isEdited?.(at, column.name) ? { class: "is-edited", title: "Edited by hand" } : {}, ids.has(column.name) && row[column.name]?.kind === "text" ? h("span", { class: "df-id", title: row[column.name].text }, row[column.name].text) : cell(row[column.name]))),
        ),
      ),
    ),
  );
}
