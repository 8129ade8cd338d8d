/* The card as readers of the Hub will see it, and the log. */

import { empty, h, put } from "./dom.js";
import { icon } from "./icons.js";
import { lookedAtCard } from "./looked.js";
import { logOf } from "./run_log.js";
import { fetchJson } from "./store.js";

const A_LOOK_MS = 1000;

export async function drawCard(content, run, signal) {
  const { html } = await fetchJson(`runs/${encodeURIComponent(run.id)}/card`, signal);
  if (!html) {
    put(content, empty("No card yet", "The card is written with the result: what the data is, how it was made, and its limits."));
    return;
  }
  const article = h("article", { class: "df-md", "data-testid": "card" });
  article.innerHTML = html; // made by the server from Markdown with raw markup, images and scripts switched off
  const paper = h("div", { class: "df-paper", tabindex: "0", role: "region", "aria-label": "Card" }, h("p", { class: "df-small t3 df-row" }, icon("eye", "s"), "README.md as readers of the Hub will see it"), article);
  put(content, paper);
  setTimeout(() => paper.isConnected && paper.checkVisibility() && lookedAtCard(run), A_LOOK_MS); // what only passed was not looked at
}

export async function drawLog(content, run, signal) {
  const { log, process } = await fetchJson(`runs/${encodeURIComponent(run.id)}/log`, signal);
  put(content, logOf(log, process, { tabindex: "0", role: "region", "aria-label": "Log" }));
}
