"""Near-duplicates among vectors."""

from __future__ import annotations

from array import array
from collections.abc import Collection, Iterable, Iterator, Mapping
from typing import Any, ClassVar, Literal

from pydantic import Field

from steps.base import BaseStep, GlobalStep, Row, require_values
from steps.errors import Complaint, RowError
from steps.filters.faiss_nearest_neighbour import FaissNearestNeighbour
from steps.filters.marking import Marking, at_row

FIX = "put FaissNearestNeighbour right before this step"


class EmbeddingDedup(Marking, GlobalStep):
    """Finds near-duplicates: rows whose vectors are alike. Keeps the first of them.

    It goes by the neighbours that FaissNearestNeighbour found: `nn_indices` are numbers of rows, from 0, so no row may be
    left out between the two steps. A neighbour that is more alike than `threshold` counts as the same. Scores are
    similarities when the metric was the inner product (`metric_type: 0`, which is the cosine of normalized vectors); with its
    other metrics, the default too, they are distances: say so in `scores`.

    Example:
        >>> rows = [
        ...     {"text": "hi", "nn_indices": [1], "nn_scores": [0.97]},
        ...     {"text": "hi!", "nn_indices": [0], "nn_scores": [0.97]},
        ...     {"text": "bye", "nn_indices": [1], "nn_scores": [0.2]},
        ... ]
        >>> [row["keep_row_after_embedding_filtering"] for row in EmbeddingDedup().process(rows)]
        [True, False, True]
    """

    inputs = ("nn_indices", "nn_scores")
    mark: ClassVar[str] = "keep_row_after_embedding_filtering"

    threshold: float = Field(
        default=0.9, description="More alike than this counts as the same; which scores occur depends on the index."
    )
    scores: Literal["similarities", "distances"] = Field(
        default="similarities", description="Whether large scores mean that vectors are alike, or that they are far apart."
    )

    def check_makers(self, makers: Mapping[str, BaseStep]) -> Iterable[Complaint]:
        near = makers.get("nn_scores")
        if isinstance(near, FaissNearestNeighbour) and near.scores not in (None, self.scores):
            other = "small scores where rows are alike" if near.scores == "distances" else "large scores where rows are alike"
            metric = "Euclidean, the default" if near.metric_type is None else near.metric_type
            what = f"`scores` is {self.scores}, and the metric of {near.name!r} ({metric}) makes {near.scores}: {other}"
            turned = f"`scores: {near.scores}` here, with a `threshold` of that kind"
            fix = f"set `metric_type: 0` in {near.name!r}, or {turned}" if near.scores == "distances" else f"set {turned}"
            yield f"{what}. It would leave out the wrong rows", fix

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        earlier, later = self._pairs(rows)
        is_kept = bytearray(b"\1") * len(rows)
        for at in sorted(range(len(later)), key=later.__getitem__):
            if is_kept[earlier[at]]:
                is_kept[later[at]] = 0
        for row, keeps in zip(rows, is_kept, strict=True):
            yield from self.marked(row, bool(keeps))

    def _pairs(self, rows: Collection[Row]) -> tuple[array[int], array[int]]:
        """Pairs of rows that count as the same. It is enough if one of them is a neighbour of the other."""
        earlier, later, count = array("q"), array("q"), len(rows)
        for number, row in enumerate(rows):
            with at_row(number):
                for neighbour in self._alike(row, count):
                    if neighbour != number:
                        earlier.append(min(number, neighbour))
                        later.append(max(number, neighbour))
        return earlier, later

    def _alike(self, row: Row, count: int) -> Iterator[int]:
        indices, scores = _lists(row)
        threshold, more_is_alike = self.threshold, self.scores == "similarities"
        for index, score in zip(indices, scores, strict=True):
            if type(score) is not float:
                if score is None:
                    continue
                if isinstance(score, bool) or not isinstance(score, (int, float)):
                    raise RowError(f"column 'nn_scores' holds {score!r}, not a number", FIX)
            if not (score > threshold if more_is_alike else score < threshold):  # nor is NaN
                continue
            if isinstance(index, bool) or not isinstance(index, int):
                raise RowError(f"column 'nn_indices' holds {index!r}, not the number of a row", FIX)
            if not 0 <= index < count:
                raise RowError(f"neighbour {index} is none of the {count} rows, which are numbered from 0", FIX)
            yield index


def _lists(row: Row) -> tuple[list[Any], list[Any]]:
    indices, scores = row.get("nn_indices"), row.get("nn_scores")
    if indices is None or scores is None:
        require_values(row, EmbeddingDedup.inputs)
    if not isinstance(indices, list) or not isinstance(scores, list) or len(indices) != len(scores):
        raise RowError("columns 'nn_indices' and 'nn_scores' do not hold two lists of the same length", FIX)
    return indices, scores
