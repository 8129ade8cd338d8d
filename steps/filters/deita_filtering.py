"""Good rows that differ."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator
from types import NoneType
from typing import TYPE_CHECKING, Any, ClassVar, Literal

from pydantic import Field

from steps.base import GlobalStep, Group, Row, require
from steps.errors import RowError
from steps.filters.marking import at_row
from steps.filters.nearest import NearestSelected, nearest_of_all
from steps.filters.vectors import check_vector, read_vectors, unit_length

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from steps.filters.vectors import Matrix

SCORES = ("evol_instruction_score", "evol_response_score")


class DeitaFiltering(GlobalStep):
    """Keeps the best rows that differ from the others, up to a number of them.

    A row's score is that of its instruction times that of its response; where one of them is missing or 0, the other one
    alone; `deita_score_computed_with` names those that count. The rows with the best scores are kept whose distance to the
    nearest other row is at least `diversity_threshold`, until there are `data_budget`. They stay in their order.

    In the paper a row is compared with those that were selected before it, so that of rows that are alike the best one
    stays: `compare_with: selected`. By default it is compared with all rows, and none of them stays. Compared with all,
    twice the rows take four times as long.

    After What Makes Good Data for Alignment? (DEITA), https://arxiv.org/abs/2312.15685

    Example:
        >>> rows = [
        ...     {"evol_instruction_score": 3, "evol_response_score": 4, "embedding": [1.0, 0.0]},
        ...     {"evol_instruction_score": 5, "evol_response_score": 5, "embedding": [0.9, 0.1]},
        ...     {"evol_instruction_score": 1, "evol_response_score": 2, "embedding": [0.0, 1.0]},
        ... ]
        >>> step = DeitaFiltering(data_budget=2, diversity_threshold=0.5, compare_with="selected")
        >>> [row["deita_score"] for row in step.process(rows)]
        [25, 2]
    """

    group: ClassVar[Group] = "filters"
    inputs = (*SCORES, "embedding")
    outputs = ("deita_score", "deita_score_computed_with", "nearest_neighbor_distance")

    data_budget: int | None = Field(default=None, ge=1, description="Most rows that are kept; empty for all that differ.")
    diversity_threshold: float = Field(default=0.9, ge=0, description="Least distance to the nearest other row.")
    normalize_embeddings: bool = Field(default=True, description="Give the vectors the length 1 before they are compared.")
    distance_metric: Literal["cosine", "manhattan"] = Field(default="cosine", description="How distances are measured.")
    compare_with: Literal["all", "selected"] = Field(
        default="all", description="Other rows that count: all of them, or those that were selected before, as in the paper."
    )

    def check_row(self, row: Row) -> None:
        _score(row)
        check_vector(row, "embedding")

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        if not len(rows):
            return
        import numpy as np

        scores = np.zeros(len(rows))
        vectors = read_vectors(self._scored(rows, scores), len(rows), "embedding")
        if self.normalize_embeddings:
            unit_length(vectors)
        is_kept, distances = self._chosen(vectors, np.argsort(-scores, kind="stable").tolist())
        for row, keeps, distance in zip(rows, is_kept, distances, strict=True):
            if keeps:
                yield {**row, **_score(row), "nearest_neighbor_distance": float(distance) if np.isfinite(distance) else None}

    def _chosen(self, vectors: Matrix, ranking: list[int]) -> tuple[bytearray, Any]:
        """Which rows are kept, and how far each that was looked at is from the nearest one it is compared with."""
        import numpy as np

        among_all = self.compare_with == "all"
        count = len(vectors)
        distances: Any = nearest_of_all(vectors, self.distance_metric) if among_all else np.full(count, np.inf)
        selected = NearestSelected(vectors, self.distance_metric)
        is_kept, left = bytearray(count), self.data_budget or count
        for at in ranking:
            if not left:
                break
            if not among_all:
                distances[at] = selected.distance(at)
            if distances[at] >= self.diversity_threshold:
                is_kept[at] = 1
                left -= 1
                if not among_all:
                    selected.add(at)
        return is_kept, distances

    def _scored(self, rows: Iterable[Row], scores: NDArray[np.float64]) -> Iterator[Row]:
        """The rows as they come, their scores written down on the way."""
        for number, row in enumerate(rows):
            with at_row(number):
                scores[number] = _score(row)["deita_score"]
            yield row


def _score(row: Row) -> Row:
    score: float = 1
    counting: list[str] = []
    for column in SCORES:
        if column not in row:
            require(row, SCORES)
        value = row[column]
        if isinstance(value, bool) or not isinstance(value, (int, float, NoneType)):
            raise RowError(f"column {column!r} holds {value!r}, not a score", "name a column of numbers")
        if value and value == value:  # neither 0 nor missing: NaN is not equal to itself
            score *= value
            counting.append(column)
    return {"deita_score": score if counting else 0, "deita_score_computed_with": counting}
