/* Everything of the page that is our own. Each part of it is mounted by one function: see app/components/parts.py. */

export * as build from "./page/build.js";
export * as canvas from "./canvas/mount.tsx";
export * as data from "./page/data.js";
export * as docs from "./page/docs.js";
export * as estimate from "./page/estimate.js";
export * as gallery from "./page/gallery.js";
export * as labels from "./page/labels.js";
export * as palette from "./page/palette.js";
export * as panel from "./page/panel.js";
export * as pipelines from "./page/pipelines.js";
export * as preview from "./page/preview.js";
export * as problems from "./page/problems.js";
export * as push from "./page/push.js";
export * as run from "./page/run.js";
export * as shell from "./page/shell.js";
export * as text_changes from "./page/text_changes.js";
export * as texts from "./page/texts.js";

// for tests
export * as asked from "./page/asked.js";
export * as compare from "./page/compare.js";
export * as why from "./page/why.js";
export { change } from "./page/changes.js";
export { get, on, set } from "./page/store.js";
