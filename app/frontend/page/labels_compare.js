/* Two versions of a strategy side by side. */

import { count, failure, h, put } from "./dom.js";
import { openDialog } from "./dialog.js";
import { busy } from "./importing.js";
import { percent } from "./labels_item.js";
import { share } from "./labels_side.js";
import { base, overview } from "./labels_state.js";
import { fetchJson, go } from "./store.js";

export function compareStrategies() {
  const { versions } = overview();
  const choice = (label, value) => {
    const made = h("select", { class: "df-select", "aria-label": label }, versions.map((one) => h("option", { value: one }, `v${one}`)));
    made.value = value;
    made.addEventListener("change", () => look());
    return made;
  };
  const one = choice("First version", versions.at(-2));
  const other = choice("Second version", versions.at(-1));
  const found = h("div", { class: "df-stack", "aria-live": "polite", "data-testid": "compared" });
  const look = async () => {
    put(found, busy("Applying both to all items"));
    try {
      put(found, compared(await fetchJson(`${base()}/compare?${new URLSearchParams({ one: one.value, other: other.value })}`), () => dialog.close()));
    } catch (error) {
      put(found, failure(error));
    }
  };
  const dialog = openDialog("Compare strategies", () => [h("div", { class: "df-row df-versions" }, one, h("span", { class: "t3" }, "beside"), other), found], "wide");
  look();
}

function compared(told, close) {
  const [one, other] = told.versions;
  const about = (version) => h("td", {}, version);
  const interval = ({ value, low, high }) => `${share(value, 3)} (${share(low, 3)} to ${share(high, 3)})`;
  const measure = (name, label) => h("tr", {}, h("th", { scope: "row" }, label), told.quality.map((quality) => h("td", { class: "df-num" }, interval(quality[name]))));
  const facts = [
    ["Strategy", (version) => version.name.replace("_", " ")],
    ["Hash", (version) => h("span", { class: "df-mono" }, version.hash)],
    ["Learned from", (version) => `${count(version.annotations, "annotation")}, ${version.gold} gold`],
  ];
  const better = told.difference?.accuracy;
  return [
    h("div", { class: "df-lab-scroll" }, h("table", { class: "df-table plain" }, h("caption", { class: "df-sr" }, "Both versions"), h("thead", {}, h("tr", {}, h("td", {}), [one, other].map((version) => h("th", { scope: "col" }, `v${version.version}`)))), h("tbody", {}, facts.map(([label, of]) => h("tr", {}, h("th", { scope: "row" }, label), [one, other].map((version) => about(of(version))))), told.quality && [measure("accuracy", "Accuracy"), measure("log_loss", "Log-loss"), measure("calibration_error", "Calibration error"), measure("review_gain", "Errors in top 10%")]))),
    told.quality && h("p", { class: "df-hint" }, `On ${count(told.gold, "gold item")} with 95% intervals, neither measured by gold that it was told. ${better.value === 0 ? "Both are right equally often." : `v${other.version} is right in ${percent(Math.abs(better.value))} ${better.value < 0 ? "fewer" : "more"} of them (${share(better.low, 3)} to ${share(better.high, 3)}).`}`),
    h("h3", {}, told.changed ? `${count(told.changed, "item")} of ${told.items} get another label` : `All ${count(told.items, "item")} get the same label`),
    told.moved > 0 && h("p", { class: "df-hint" }, `The probability of ${count(told.moved, "item")} moves by 10 points or more.`),
    told.changed > 0 && h("p", { class: "df-hint" }, "Those that both are surest of come first."),
    told.changed > 0 && h("div", { class: "df-lab-scroll df-lab-changes", tabindex: "0" }, h("table", { class: "df-table plain" }, h("thead", {}, h("tr", {}, ["Item", `v${one.version}`, `v${other.version}`].map((name) => h("th", { scope: "col" }, name)))), h("tbody", {}, told.changes.slice(0, 100).map((change) => h("tr", {}, h("th", { scope: "row" }, h("button", { type: "button", class: "df-linkish acc", onclick: () => (close(), go({ item: change.item })) }, change.item)), h("td", {}, `${inWords(change.before)} ${percent(change.sure_before)}`), h("td", {}, `${inWords(change.after)} ${percent(change.sure_after)}`)))))),
  ];
}

const inWords = (label) => (Array.isArray(label) ? label.map((one) => one.label ?? one).join(", ") : String(label));
