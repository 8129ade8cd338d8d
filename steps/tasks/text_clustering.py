"""Name the clusters that texts fall into."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator
from random import Random
from typing import ClassVar

from pydantic import Field, PrivateAttr

from steps.base import Row
from steps.errors import RowError
from steps.extras import without_extra
from steps.llms.base import Ask
from steps.tasks.cluster_map import NOISE, ClusterMap, point_in
from steps.tasks.global_task import GlobalTask
from steps.tasks.material import tagged
from steps.tasks.text_classification import TextClassification
from steps.wording import quoted

FIGURE = "figure_clustering.png"
_SEED = 42
_TEXTS = "distilflow_texts_of_cluster"

log = logging.getLogger(__name__)


class TextClustering(GlobalTask, TextClassification):
    """Gives each cluster of texts a label, which all of its rows get.

    The model reads some texts of each cluster, drawn by chance, once per cluster. Rows that belong to none (`cluster_label`
    -1) get `default_label`, and nobody is asked about them. Put EmbeddingGeneration, UMAP and DBSCAN before it.

    Where rows have a `projection`, a figure of the clusters with their labels is left beside the rows, as the artifact
    `Text Clusters`: `pip install 'distilflow[clustering]'` has what draws it.

    Example:
        >>> rows = [{"text": text, "cluster_label": at} for text, at in [("red fox", 0), ("grey fox", 0), ("?", -1)]]
        >>> fox, other, none = TextClustering().process(rows)
        >>> fox["summary_label"] == other["summary_label"], none["summary_label"]
        (True, 'Unclassified')
    """

    inputs: ClassVar[tuple[str, ...]] = ("text", "cluster_label")
    optional_inputs: ClassVar[tuple[str, ...]] = ("projection",)
    outputs: ClassVar[tuple[str, ...]] = ("summary_label",)
    prepared: ClassVar[tuple[str, ...]] = (_TEXTS,)

    savefig: bool = Field(default=True, description="Draw the clusters, where rows have a `projection`, as an artifact.")
    samples_per_cluster: int = Field(default=10, ge=1, description="Texts of each cluster that the model reads.")

    _map: ClusterMap | None = PrivateAttr(default=None)
    _draws: bool | None = PrivateAttr(default=None)

    def load(self) -> None:
        super().load()
        self._map = None

    def unload(self) -> None:
        if (drawn := self._map) is not None:
            about = {"type": "image", "library": "matplotlib", "rows": drawn.rows.total(), "clusters": len(drawn.clusters)}
            self.save_artifact("Text Clusters", lambda folder: drawn.save(folder / FIGURE), about)
        super().unload()

    def recall(self, row: Row) -> None:
        self._put_on_map(row)

    def _put_on_map(self, row: Row) -> None:
        if not self.savefig or self._draws is False:
            return
        point, cluster, label = point_in(row.get("projection")), row.get("cluster_label"), row.get("summary_label")
        if point is None or not isinstance(cluster, int):
            return
        if self._draws is None:
            lacking = [f"{what}: {fix}" for what, fix in without_extra("matplotlib", "clustering", "a figure of the clusters")]
            self._draws = not lacking
            if lacking:
                log.warning("step %r: %s", self.name, lacking[0])
                return
        self._map = self._map or ClusterMap()
        self._map.add(point, cluster, ", ".join(label) if isinstance(label, list) else label or "")

    def prepare(self, rows: Collection[Row]) -> Iterator[Row]:
        drawn = self._draw(rows)
        for row in rows:
            cluster = row.get("cluster_label")
            yield {**row, _TEXTS: drawn.get(cluster) if isinstance(cluster, int) else None}

    def _draw(self, rows: Collection[Row]) -> dict[int, list[str]]:
        """Some texts of each cluster, by equal chance (reservoir sampling). What is wrong with a row is told later."""
        rng, drawn, seen = Random(_SEED), dict[int, list[str]](), dict[int, int]()
        for row in rows:
            cluster, text = row.get("cluster_label"), row.get("text")
            if not isinstance(cluster, int) or cluster == NOISE or not isinstance(text, str) or not text.strip():
                continue
            texts = drawn.setdefault(cluster, [])
            seen[cluster] = seen.get(cluster, 0) + 1
            if len(texts) < self.samples_per_cluster:
                texts.append(text)
            elif (place := rng.randrange(seen[cluster])) < self.samples_per_cluster:
                texts[place] = text
        return drawn

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        made = await self._labelled(row, ask)
        for new in made:
            self._put_on_map(new)
        return made

    async def _labelled(self, row: Row, ask: Ask) -> list[Row]:
        self.check_row(row)
        if row[_TEXTS] is not None:
            return await super().answer(row, ask)
        if row["cluster_label"] != NOISE:
            what = f"`cluster_label` holds {quoted(row['cluster_label'])}: no texts are known of such a cluster"
            raise RowError(what, "make it with DBSCAN, and have texts in `text`")
        kept = {column: value for column, value in row.items() if column not in self.prepared}
        return [{**kept, "summary_label": self.default_label, "model_name": None}]

    def task_in_words(self) -> str:
        return f"The texts below ({self.query_title}) were found to be alike. Say what they have in common: give them "

    def material(self, row: Row) -> str:
        return "\n\n".join(tagged("text", text) for text in row[_TEXTS])

    def format_output(self, text: str, row: Row) -> Row:
        return {"summary_label": super().format_output(text, row)["labels"]}
