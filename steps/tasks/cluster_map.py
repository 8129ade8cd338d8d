"""A map of clusters: rows as points, coloured by the cluster they fall into, and what the clusters are called."""

from __future__ import annotations

import heapq
import math
import struct
import warnings
from collections import Counter, defaultdict
from hashlib import blake2b
from pathlib import Path
from typing import Any

from steps.extras import extra

MOST_POINTS = 5000
"""That are drawn; more than these cover each other."""
_COLOURS = (*range(0, 14, 2), 16, 18, *range(1, 14, 2), 17, 19)
"""Of a palette of twenty in pairs: the strong ones first, without its greys."""
MOST_NAMED = len(_COLOURS)
"""Clusters with a colour and a name of their own: more colours cannot be told apart."""
NOISE = -1
"""What DBSCAN calls the points that belong to no cluster."""
_LONGEST_NAME = 48
_GREYS: dict[int | None, Any] = {NOISE: "#d5d5d5", None: "#9a9a9a"}
"""Of rows that belong to no cluster, and of those whose cluster has no colour of its own."""

Point = tuple[float, float]


class ClusterMap:
    """Rows on a plane. The same rows make the same picture, in whatever order they come."""

    def __init__(self) -> None:
        self._drawn: list[tuple[int, Point, int]] = []
        """A heap: the points with the least digests, the greatest of these first."""
        self._names: dict[int, str] = {}
        self.rows: Counter[int] = Counter()
        """Of each cluster."""

    def add(self, point: Point, cluster: int, name: str) -> None:
        """Add a row, with the name that its cluster got."""
        self.rows[cluster] += 1
        self._names[cluster] = min(name, self._names.get(cluster, name))
        digest = blake2b(struct.pack("<ddq", *point, cluster), digest_size=7).digest()
        entry = (-int.from_bytes(digest, "little"), point, cluster)
        if len(self._drawn) < MOST_POINTS:
            heapq.heappush(self._drawn, entry)
        else:
            heapq.heappushpop(self._drawn, entry)

    @property
    def clusters(self) -> list[int]:
        """The clusters, those with most rows first."""
        return sorted(self.rows.keys() - {NOISE}, key=lambda cluster: (-self.rows[cluster], cluster))

    def save(self, path: Path) -> None:
        """Draw it, as PNG. Needs no screen, and leaves matplotlib's own figures alone.

        Raises:
            RunError: There is no matplotlib.
        """
        figures: Any = extra("matplotlib.figure", "clustering", "drawing clusters")
        figure = figures.Figure(figsize=(12, 8), dpi=100, layout="constrained")
        axes = figure.add_subplot()
        groups = self._groups()
        marks = [axes.scatter(*zip(*points, strict=True), s=12, color=colour, linewidths=0) for _, colour, points in groups]
        axes.set_xticks([])
        axes.set_yticks([])
        total = self.rows.total()
        sampled = f", {len(self._drawn):,} of them drawn" if total > len(self._drawn) else ""
        axes.set_title(f"{total:,} rows in {len(self.clusters):,} clusters{sampled}")
        marks.reverse()
        legend = figure.legend(marks, [" "] * len(marks), loc="outside right upper", frameon=False, markerscale=2)
        for text, (name, _, _) in zip(legend.get_texts(), reversed(groups), strict=True):
            text.set_parse_math(False)  # a model's words: a dollar sign starts no formula, an underscore hides no entry
            text.set_text(name)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of letters that the font has not: they are drawn as boxes
            figure.savefig(path, format="png", metadata={"Software": None})

    def _groups(self) -> list[tuple[str, Any, list[Point]]]:
        """What is drawn in one colour, from the bottom up: its name, the colour, and the points."""
        named = self.clusters[:MOST_NAMED]
        points: dict[int | None, list[Point]] = defaultdict(list)
        for _, point, cluster in sorted(self._drawn):
            points[cluster if cluster in named or cluster == NOISE else None].append(point)
        palette = extra("matplotlib", "clustering", "drawing clusters").colormaps["tab20"].colors
        colours: dict[int | None, Any] = _GREYS | {cluster: palette[at] for cluster, at in zip(named, _COLOURS, strict=False)}
        order: list[int | None] = [NOISE, None, *reversed(named)]
        return [(self._entry(cluster, named), colours[cluster], points[cluster]) for cluster in order if points[cluster]]

    def _entry(self, cluster: int | None, named: list[int]) -> str:
        if cluster is None:
            others = self.clusters[len(named) :]
            return f"{len(others):,} more clusters ({sum(self.rows[other] for other in others):,})"
        line = " ".join("".join(c if c.isprintable() else " " for c in self._names[cluster]).split())
        shown = line if len(line) <= _LONGEST_NAME else f"{line[: _LONGEST_NAME - 1]}…"
        return f"{cluster} · {shown} ({self.rows[cluster]:,})"


def point_in(projection: Any) -> Point | None:
    """The first two numbers of a projection; None where there are none."""
    if not isinstance(projection, (list, tuple)) or len(projection) < 2:
        return None
    x, y = projection[:2]
    is_point = all(isinstance(n, (int, float)) and not isinstance(n, bool) and math.isfinite(n) for n in (x, y))
    return (float(x), float(y)) if is_point else None
