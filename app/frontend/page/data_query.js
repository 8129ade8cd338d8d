/* What is asked of the rows of a result. It stands in the address, so a link or a reload brings it back. */

import { go, route } from "./store.js";

/** Search, filters, sort and shown columns of the address; what cannot be read counts as none. */
export function query() {
  const { search, sort, columns } = route();
  const at = sort.indexOf(":");
  return {
    search,
    filters: list(route().filters).filter((one) => Array.isArray(one) && one.length > 1),
    sort: at > 0 ? { column: sort.slice(at + 1), isDown: sort.startsWith("desc") } : null,
    columns: list(columns),
  };
}

function list(text) {
  try {
    const found = JSON.parse(text || "[]");
    return Array.isArray(found) ? found : [];
  } catch {
    return [];
  }
}

/** The part of the address that a request for rows takes along. */
export function asked(extra = {}) {
  const found = new URLSearchParams();
  for (const key of ["part", "search", "filters", "sort"]) if (route()[key]) found.set(key, route()[key]);
  for (const [key, value] of Object.entries(extra)) if (value !== "" && value !== null && value !== undefined) found.set(key, value);
  return found;
}

export function setFilters(filters, more = {}) {
  go({ ...more, filters: filters.length ? JSON.stringify(filters) : "", rowpage: "", row: "" });
}

/** Add conditions; those on the same column and operator are replaced. */
export function addFilters(added, more = {}) {
  const isSame = (one, other) => one[0] === other[0] && one[1] === other[1];
  setFilters([...query().filters.filter((one) => !added.some((other) => isSame(one, other))), ...added], more);
}

export function setSearch(text) {
  go({ search: text, rowpage: "", row: "" }, { replace: true });
}

/** Up, down, not at all: what a click on a header does in turn. */
export function turnSort(column) {
  const now = query().sort;
  const next = now?.column !== column ? "asc" : now.isDown ? "" : "desc";
  go({ sort: next && `${next}:${column}`, rowpage: "", row: "" });
}

export function isAsked() {
  return Boolean(route().search || query().filters.length);
}

/** "chosen_rating ≥ 4" */
export function inWords([column, operator, value]) {
  const words = { empty: "is empty", filled: "is not empty" };
  return words[operator] ? `${column} ${words[operator]}` : `${column} ${operator} ${value === "" ? "“”" : value}`;
}
