/* Labels: what is shown now, and what is sent. The server keeps every answer before it says so; one that did not get through stays here
   with its mark, so that it can be sent again and counts once. */

import { say } from "./dom.js";
import { fetchJson, get, go, postJson, route, set } from "./store.js";

const NAME = "distilflow-reviewer";
const DRAWN = "reviewer-";
const KEPT = "distilflow-labels";
const LEARNING_MS = 700;
const LEARNING_MOST_MS = 5000;
const SEGMENT = ["rounds", "annotator", "column", "value"];

let request = new AbortController();
let itemRequest = new AbortController();
let polling = 0;

export const isHere = () => route().place === "labels" && Boolean(route().project);
export const base = (name = route().project) => `labels/${encodeURIComponent(name)}`;
export const shown = () => (get("labels")?.name === route().project ? get("labels") : null);
export const overview = () => shown()?.view ?? null;
export const shownItem = () => (get("labelsItem")?.item === route().item ? get("labelsItem") : null);
export const knownProjects = () => JSON.parse(localStorage.getItem(KEPT) ?? "[]");

/** Some letters and digits that nobody else drew. Works on pages without https too, where `crypto.randomUUID` is missing. */
const drawn = (bytes) => [...crypto.getRandomValues(new Uint8Array(bytes))].map((one) => one.toString(16).padStart(2, "0")).join("");

/** The name that answers get. Until people give theirs, each browser draws one: under one name two people would be one annotator. */
export function reviewer() {
  if (!localStorage.getItem(NAME)) localStorage.setItem(NAME, `${DRAWN}${drawn(2)}`);
  return localStorage.getItem(NAME);
}

export const isNameDrawn = () => reviewer().startsWith(DRAWN);

export function setReviewer(name) {
  if (name.trim()) localStorage.setItem(NAME, name.trim().slice(0, 100));
  load();
  loadItem();
}

function remember(name) {
  localStorage.setItem(KEPT, JSON.stringify([name, ...knownProjects().filter((one) => one !== name)].slice(0, 100)));
}

/** What the address asks for instead of the open round. */
export function segment() {
  const asked = new URLSearchParams();
  for (const key of SEGMENT) if (route()[key]) asked.set(key, route()[key]);
  return asked;
}

/** The project with its queue; gives it, or nothing if something else is asked for meanwhile. */
export async function load() {
  request.abort();
  request = new AbortController();
  const name = route().project;
  if (!name) return null;
  const asked = segment();
  asked.set("reviewer", reviewer());
  if (route().order) asked.set("order", route().order);
  try {
    const view = await fetchJson(`${base(name)}?${asked}`, request.signal);
    remember(name);
    set("labels", { name, view });
    if (view.learning && !view.learning.is_over) waitForLearning();
    return view;
  } catch (error) {
    if (error.name !== "AbortError") set("labels", { name, error });
    return null;
  }
}

function waitForLearning() {
  clearTimeout(polling);
  const seconds = overview()?.learning?.seconds ?? 0;
  polling = setTimeout(async () => {
    if (!isHere()) return;
    const view = await load();
    if (!view?.learning?.is_over) return;
    const isSame = !view.learning.problem && !view.learning.is_new;
    set("labelsLearned", isSame ? view.name : null);
    if (isSame) say("Learned anew: the strategy stays as it is");
    loadItem();
  }, Math.min(LEARNING_MOST_MS, LEARNING_MS + seconds * 100));
}

export async function loadItem() {
  itemRequest.abort();
  itemRequest = new AbortController();
  const { project, item } = route();
  if (!project || !item) return set("labelsItem", null);
  try {
    const view = await fetchJson(`${base(project)}/item?${new URLSearchParams({ item, reviewer: reviewer() })}`, itemRequest.signal);
    return set("labelsItem", { item, view });
  } catch (error) {
    return error.name === "AbortError" ? null : set("labelsItem", { item, error });
  }
}

/** Send an act to a project; what did not get through is shown with a way to send it again, and goes first, to the project that it
    was meant for. Gives what the server says, or null. */
export async function act(told, project = route().project) {
  const before = get("labelsSent");
  if (before?.error && before.told.mark !== told.mark && !(await act(before.told, before.project))) return null;
  const id = project === route().project ? overview()?.id : undefined; // another project may have got its name meanwhile
  const sent = { mark: drawn(16), by: reviewer(), ...(id && { project: id }), ...told };
  set("labelsSent", { told: sent, project });
  set("labelsLearned", null);
  try {
    const answer = await postJson(`${base(project)}/act`, sent);
    set("labelsSent", null);
    return answer;
  } catch (error) {
    set("labelsSent", { told: sent, project, error });
    return null;
  }
}

/** The items of the queue that are still open, in order. */
export const openItems = () => (overview()?.queue ?? []).filter((one) => !one.is_done);

/** Go to the item that follows in the queue, or with -1 to the one before. */
export function move(step) {
  const items = overview()?.queue ?? [];
  if (!items.length) return;
  const at = items.findIndex((one) => one.item === route().item);
  const next = at < 0 ? 0 : Math.max(0, Math.min(items.length - 1, at + step));
  if (items[next].item !== route().item) go({ item: items[next].item }, { replace: true });
}

/** After something was done to an item: the next one that is open; those that were passed over come at the end. */
export async function moveOn() {
  const before = overview()?.queue ?? [];
  const at = before.findIndex((one) => one.item === route().item);
  const here = route().item;
  const view = await load();
  if (!view) return;
  const open = view.queue.filter((one) => !one.is_done && one.item !== here);
  const fresh = open.filter((one) => !one.is_skipped);
  const left = new Set((fresh.length ? fresh : open).map((one) => one.item));
  const next = [...before.slice(at + 1), ...before.slice(0, Math.max(at, 0)), ...view.queue].find((one) => left.has(one.item));
  if (next) go({ item: next.item }, { replace: true });
  else go({ item: "" }, { replace: true });
}
