/* Labels: the place. The queue, the item with its answers, the annotators; each is drawn by a module of its own. */

import { closePopover, popover } from "./popover.js";
import { count, empty, failure, h, keepingFocus, put, sentence } from "./dom.js";
import { icon } from "./icons.js";
import { answers, answerKeys } from "./labels_answers.js";
import { compareStrategies } from "./labels_compare.js";
import { drawItem, guideline } from "./labels_item.js";
import { drawList, importDialog } from "./labels_new.js";
import { queuePart } from "./labels_queue.js";
import { nextRound, startLearning } from "./labels_rounds.js";
import { exportChoices, settingsDialog } from "./labels_settings.js";
import { drawSide } from "./labels_side.js";
import { act, isHere, load, loadItem, move, openItems, overview, segment, shown, shownItem } from "./labels_state.js";
import { keys } from "./shell.js";
import { address, get, go, on, route } from "./store.js";

/* ---- page bar */

export function mountLabelsBar(element) {
  const draw = () => {
    if (!route().project) return put(element, h("h1", { class: "df-title" }, "Labels"));
    const view = overview();
    const title = h("h1", { class: "df-title", title: route().project }, route().project, view?.round && [h("span", { class: "df-run-id" }, " / "), `Round ${view.round.number}`]);
    const back = h("a", { class: "df-btn ghost ic sm", href: address({ project: "" }).href, "aria-label": "All label projects", title: "All label projects", "data-key": "back", onclick: (event) => (event.preventDefault(), go({ project: "" })) }, icon("left", "s"));
    if (!view) return put(element, back, title);
    const facts = [count(view.items, "item"), count(view.annotations, "annotation"), view.gold > 0 && `${view.gold} gold`].filter(Boolean).join(" · ");
    return keepingFocus(element, () => put(
      element,
      back,
      title,
      view.version && h("span", { class: "df-tag acc df-strategy", title: sentence(view.version.why || view.version.tag), "data-testid": "strategy" }, `Strategy ${view.version.name} v${view.version.number}`),
      isLearning(view) && h("span", { class: "df-tag", role: "status" }, icon("arc", "spin"), "Learning"),
      get("labelsLearned") === view.name && h("span", { class: "df-tag", "data-testid": "learned-same", title: `What was said since changes labels, but not how ${view.version.name} counts. Another strategy can be chosen in the settings.` }, "Learned: stays as it is"),
      h("span", { class: "df-small t3 df-num df-one-line df-facts" }, facts),
      h("span", { class: "df-grow" }),
      view.round && h("span", { class: "df-small t2 df-num df-row df-round", "data-testid": "round-progress" }, `${view.round.done} of ${view.round.size} this round`, h("span", { class: "df-meter", "aria-hidden": "true" }, h("i", { style: { width: `${(100 * view.round.done) / Math.max(1, view.round.size)}%` } }))),
    ));
  };
  on("labels", draw);
  on("labelsLearned", draw);
  on("route", draw);
}

export const isLearning = (view) => Boolean(view?.learning && !view.learning.is_over);

export function mountLabelsActions(element) {
  const draw = () => {
    const view = overview();
    if (!view) return put(element);
    const learnable = view.version ? `${count(view.since, "answer")} since v${view.version.number} was learned` : "Learn a strategy from all answers";
    const learn = h("button", { type: "button", class: "df-btn", id: "labels-learn", "data-testid": "learn", "data-key": "learn", "aria-disabled": isLearning(view) || !view.annotations ? "true" : null, title: view.annotations ? learnable : "There is nothing to learn from yet", onclick: () => !isLearning(view) && view.annotations && startLearning() }, icon("again", "s"), "Learn anew");
    const compare = h("button", { type: "button", class: "df-btn", id: "labels-compare", "data-testid": "compare-strategies", "data-key": "compare", "aria-disabled": view.versions.length < 2 ? "true" : null, title: view.versions.length < 2 ? "There is one version so far; learn anew after some answers" : null, onclick: () => view.versions.length > 1 && compareStrategies() }, icon("copy", "s"), "Compare strategies");
    const save = h("button", { type: "button", class: "df-btn", id: "labels-export", "data-testid": "export-round", "data-key": "export", "aria-haspopup": "dialog", "aria-expanded": "false", onclick: () => popover(save, "Export", exportChoices()) }, icon("download", "s"), view.round ? "Export round" : "Export");
    const more = h("button", { type: "button", class: "df-btn ghost ic", id: "labels-settings", "data-testid": "labels-settings", "data-key": "settings", "aria-label": "Question, columns and rounds", title: "Question, columns and rounds", onclick: settingsDialog }, icon("settings"));
    return keepingFocus(element, () => put(element, h("div", { class: "df-row df-labels-actions" }, h("span", { class: "df-sep" }), learn, compare, save, more)));
  };
  on("labels", draw);
  on("route", draw);
}

/* ---- body */

export function mountLabelsBody(element, { props }) {
  const isPublic = props.value?.isPublic ?? false;
  const list = h("div", { class: "df-labels-list", "data-region": "label projects" });
  const queue = queuePart();
  const item = h("div", { class: "df-labels-item", "data-region": "item" });
  const foot = h("div", { class: "df-labels-foot", "data-region": "answers" });
  const main = h("section", { class: "df-labels-main", "aria-label": "Item" }, item, foot);
  const side = h("aside", { class: "df-labels-side", "aria-label": "Annotators and learning", "data-region": "annotators", tabindex: "0" });
  const place = h("div", { class: "df-labels", hidden: true }, queue.element, main, side);
  put(element, list, place);
  let was = {};
  let isOpen = false;

  const drawMain = () => {
    if (!isHere()) return;
    const state = shown();
    const view = state?.view;
    document.documentElement.dataset.labels = view ? "one" : "none";
    foot.hidden = true;
    if (state?.error) return put(item, failure(state.error, h("button", { type: "button", class: "df-btn", onclick: () => go({ project: "" }) }, "Show all label projects")));
    if (!view) return put(item, h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), "Opening the project"));
    const told = shownItem();
    if (route().item && told?.error) return put(item, failure(told.error, h("button", { type: "button", class: "df-btn", onclick: () => go({ item: "" }, { replace: true }) }, "Back to the queue")));
    if (!route().item) return put(item, standing(view));
    if (!told) return put(item, h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), "Opening the item"));
    foot.hidden = false;
    const top = was.drawn === route().item ? item.scrollTop : 0;
    keepingFocus(item, () => put(item, problems(view), drawItem(view, told.view)));
    item.scrollTop = top;
    was.drawn = route().item;
    return keepingFocus(foot, () => answers(foot, view, told.view));
  };

  const follow = async () => {
    const { place: where, project, item: asked } = route();
    const wasOpen = isOpen;
    isOpen = where === "labels";
    if (isOpen || wasOpen) closePopover(); // those of other places are theirs to close
    if (!isOpen) return;
    list.hidden = Boolean(project);
    place.hidden = !project;
    const now = { project, asked, queue: JSON.stringify([project, route().order, segment().toString()]) };
    const before = was;
    was = { ...now, drawn: before.drawn };
    if (!project) return void drawList(list, isPublic);
    if (now.queue !== before.queue) {
      if (!overview()) drawMain();
      await load();
    }
    if (asked && (asked !== before.asked || project !== before.project)) loadItem();
    drawMain();
  };
  /** Without an item in the address, the first one that is open. */
  const choose = () => {
    const first = openItems().find((one) => !one.is_skipped) ?? openItems()[0];
    if (isHere() && !route().item && first && overview()?.name === route().project) go({ item: first.item }, { replace: true });
  };
  on("route", follow);
  on("labels", () => {
    if (!isHere()) return;
    choose();
    queue.draw();
    drawSide(side, overview());
    drawMain();
  });
  on("labelsItem", () => (queue.draw(), drawMain()));
  on("labelsSent", (sent) => sent?.error && drawMain());
  keys("labels", {
    j: () => move(1),
    k: () => move(-1),
    undo: () => answerKeys.undo(),
    ...answerKeys.bound,
    Escape: () => queue.close(),
  });
}

/** What went wrong in the project as a whole. */
function problems(view) {
  const again = h("button", { type: "button", class: "df-btn", onclick: startLearning }, icon("again", "s"), "Learn anew");
  if (view.problem) return failure({ message: view.problem.what, fix: view.problem.fix }, again);
  if (view.learning?.problem && view.learning.is_over) return failure({ message: view.learning.problem.what, fix: view.learning.problem.fix });
  return null;
}

/** What is shown where there is no item: nothing yet, or all done. */
function standing(view) {
  if (isLearning(view)) return h("p", { class: "df-busy", role: "status" }, icon("arc", "spin"), `Learning a strategy from ${count(view.annotations, "annotation")}`);
  const problem = problems(view);
  if (!view.items) return [problem, empty("No items yet", "Add rows with an item, who answered and the answer: CSV or JSON Lines.", h("button", { type: "button", class: "df-btn pri", "data-testid": "add-rows", onclick: () => importDialog({ into: view.name }) }, icon("upload", "s"), "Add rows"))];
  if (view.queued === 0 && segment().size) return [problem, empty("Nothing here", "No item fits this filter.", h("button", { type: "button", class: "df-btn pri", onclick: () => go({ rounds: "", annotator: "", column: "", value: "" }) }, "Show the open round"))];
  if (!view.round) {
    const open = h("button", { type: "button", class: "df-btn pri", "data-testid": "open-round", onclick: () => openNext() }, icon("plus", "s"), `Open a round of ${Math.min(view.settings.round_size, view.items)}`);
    return [problem, empty(view.annotations ? "No round is open" : "No answers yet", "A round takes the items about which an answer brings most.", open), guideline(view)];
  }
  const close = h("button", { type: "button", class: "df-btn pri", "data-testid": "next-round", onclick: nextRound }, icon("again", "s"), "Learn, and open the next round");
  return [problem, empty(`Round ${view.round.number} is done`, `All ${count(view.round.size, "item")} have an answer. What was answered makes the strategy better.`, close, h("a", { class: "df-btn", href: "#", onclick: (event) => (event.preventDefault(), go({ item: view.queue[0]?.item ?? "" })) }, "Look through them again"))];
}

async function openNext() {
  await act({ do: "open-round" });
  if (!get("labelsSent")?.error) load();
  else put(document.querySelector(".df-labels-item"), failure(get("labelsSent").error));
}
