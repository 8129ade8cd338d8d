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

/** Those that have every word: in names first, then in columns, in what steps do, and elsewhere. As `flows/catalogue/searching.py`. */
export function ranked(all, query) {
  const wanted = query.split(/\s+/).map(plain).filter(Boolean);
  if (!wanted.length) return all;
  return all
    .map((entry) => ({ entry, rank: Math.max(...wanted.map((word) => rank(entry, word))) }))
    .filter((one) => one.rank < NOWHERE)
    .sort((one, other) => one.rank - other.rank)
    .map((one) => one.entry);
}

const NOWHERE = 6;

function rank(entry, word) {
  const names = [entry.name.toLowerCase(), plain(entry.name.replace(/([a-z0-9])([A-Z])/g, "$1 $2").replace(/([A-Z])([A-Z][a-z])/g, "$1 $2"))];
  const columns = [...entry.adds, ...entry.needs, ...entry.uses].map(plain);
  const places = [
    names.some((name) => name.startsWith(word)),
    names[1].includes(` ${word}`) || names[0].endsWith(word),
    columns.includes(word),
    columns.some((column) => ` ${column}`.includes(` ${word}`)),
    plain(entry.summary).includes(word),
    entry.found_by.includes(word),
  ];
  const at = places.indexOf(true);
  return at < 0 ? NOWHERE : at;
}

function plain(text) {
  return text.toLowerCase().replace(/[-_\s]+/g, " ").trim();
}

/** How well a step goes after one with these columns: the columns that would have to be mapped, null where nobody knows. */
export function lacking(entry, columns) {
  if (entry.is_source || !columns) return null;
  return entry.needs.filter((name) => !columns.includes(name));
}
