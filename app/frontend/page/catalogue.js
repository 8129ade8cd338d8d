/* Every step there is, and how to find one. */

import { fetchJson } from "./store.js";

let asked = null;

/** All steps, by kind; asked for once. */
export function catalogue() {
  asked ??= fetchJson("catalogue").catch((error) => {
    asked = null;
    throw error;
  });
  return asked;
}

/** Names that begin with it first, then names that hold it, columns, and what steps do. */
export function ranked(all, query) {
  const wanted = query.trim().toLowerCase();
  if (!wanted) return all;
  const words = (name) => name.replace(/([a-z])([A-Z])/g, "$1 $2").toLowerCase();
  const rank = (entry) => {
    const name = entry.name.toLowerCase();
    const columns = [...entry.adds, ...entry.needs, ...entry.uses].map((column) => column.toLowerCase());
    if (name.startsWith(wanted)) return 0;
    if (name.includes(wanted) || words(entry.name).includes(wanted)) return 1;
    if (columns.includes(wanted)) return 2;
    if (columns.some((column) => column.includes(wanted))) return 3;
    return entry.summary.toLowerCase().includes(wanted) ? 4 : 5;
  };
  return all
    .map((entry) => ({ entry, rank: rank(entry) }))
    .filter((one) => one.rank < 5)
    .sort((one, other) => one.rank - other.rank)
    .map((one) => one.entry);
}

/** How well a step goes after one with these columns: the columns that would have to be mapped, null where nobody knows. */
export function lacking(entry, columns) {
  if (entry.is_source || !columns) return null;
  return entry.needs.filter((name) => !columns.includes(name));
}
