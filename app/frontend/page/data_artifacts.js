/* What steps left beside the rows: each artifact with what its step says of it, its images, and its files to download. */

import { empty, h, number, put, size, tag } from "./dom.js";
import { api, fetchJson } from "./store.js";

export async function drawArtifacts(content, run, signal) {
  const found = await fetchJson(`runs/${encodeURIComponent(run.id)}/artifacts`, signal);
  if (!found.length) return void put(content, empty("No artifacts", "A step may leave files beside the rows, such as a plot or an index. None of this run did."));
  put(
    content,
    h(
      "div",
      { class: "df-plots", tabindex: "0", role: "region", "aria-label": "Artifacts", "data-testid": "artifacts" },
      h("p", { class: "df-small t3 df-plots-about" }, "Files that steps left beside the rows. They are pushed and downloaded with the result, in artifacts/<step>/<artifact>/."),
      found.map((one) => artifact(run, one)),
    ),
  );
}

function artifact(run, one) {
  const link = (file) => api(`runs/${encodeURIComponent(run.id)}/artifacts/file?${new URLSearchParams({ step: one.step, name: one.name, file })}`);
  return h(
    "article",
    { class: "df-plot df-artifact", "data-testid": "artifact" },
    h("div", { class: "df-row" }, h("h2", { class: "df-grow" }, one.name), tag(one.step)),
    one.problem && h("p", { class: "df-callout warn slim" }, `No metadata: ${one.problem}.`),
    one.files.filter((file) => file.is_image).map((file) => h("a", { href: link(file.name), target: "_blank", rel: "noopener noreferrer", "aria-label": `Open ${file.name}` }, h("img", { class: "df-artifact-image", src: link(file.name), alt: `${one.name}: ${file.name}`, loading: "lazy" }))),
    one.metadata.length > 0 && h("dl", { class: "df-files df-said" }, one.metadata.map(([name, value]) => [h("dt", {}, name), h("dd", {}, value)])),
    h("dl", { class: "df-files" }, one.files.map((file) => [h("dt", { class: "df-mono" }, h("a", { href: link(file.name), download: file.name.split("/").at(-1), title: file.name }, file.name)), h("dd", { class: "df-num" }, size(file.size))])),
    one.more > 0 && h("p", { class: "df-small t3" }, `${number(one.more)} more files are in the download of the whole result.`),
  );
}
