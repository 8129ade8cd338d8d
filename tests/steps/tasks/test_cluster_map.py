from __future__ import annotations

import random
import sys
import warnings
from pathlib import Path

import pytest

from steps.errors import RunError
from steps.tasks.cluster_map import MOST_NAMED, MOST_POINTS, NOISE, ClusterMap, Point, point_in

NASTY = ["_hidden", "$x_1$ and $y", "日本語", "", "a\nb", "\\frac", "long " * 40]
Rows = list[tuple[Point, int, str]]


def rows_of(clusters: int, each: int) -> Rows:
    rng = random.Random(7)
    return [
        ((rng.gauss(cluster, 0.2), rng.gauss(cluster % 3, 0.2)), cluster, f"cluster {cluster}")
        for cluster in [*range(clusters), NOISE]
        for _ in range(each)
    ]


def map_of(rows: Rows) -> ClusterMap:
    made = ClusterMap()
    for row in rows:
        made.add(*row)
    return made


def picture(made: ClusterMap, path: Path) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of matplotlib's own imports
        pytest.importorskip("matplotlib.figure")
    made.save(path)
    return path.read_bytes()


def test_the_order_of_the_rows_changes_nothing(tmp_path: Path) -> None:
    rows = rows_of(4, 2000)
    mixed = random.Random(1).sample(rows, len(rows))

    assert picture(map_of(rows), tmp_path / "a.png") == picture(map_of(mixed), tmp_path / "b.png")


def test_the_picture_is_one_and_differs_with_the_rows(tmp_path: Path) -> None:
    from PIL import Image

    one = picture(map_of(rows_of(4, 30)), tmp_path / "a.png")
    other = picture(map_of([(point, 0, "all") for point, _, _ in rows_of(4, 30)]), tmp_path / "b.png")

    with Image.open(tmp_path / "a.png") as image:
        assert image.size == (1200, 800)
    assert one != other


def test_of_many_rows_some_are_drawn_and_all_are_counted() -> None:
    made = map_of(rows_of(2, MOST_POINTS))

    assert len(made._drawn) == MOST_POINTS
    assert made.rows == {0: MOST_POINTS, 1: MOST_POINTS, NOISE: MOST_POINTS}


def test_the_largest_clusters_have_names_and_colours_of_their_own(tmp_path: Path) -> None:
    rows = [row for at in range(MOST_NAMED + 2) for row in [((0.0, float(at)), at, f"of {at}")] * (30 - at)]
    made = map_of([*rows, ((5.0, 5.0), NOISE, "none")])
    picture(made, tmp_path / "a.png")

    entries, colours = zip(*[(entry, str(colour)) for entry, colour, _ in made._groups()], strict=True)

    assert entries[:2] == ("-1 · none (1)", f"2 more clusters ({30 - MOST_NAMED + 29 - MOST_NAMED})")
    assert entries[-1] == "0 · of 0 (30)"
    assert len(set(colours)) == len(colours) == MOST_NAMED + 2


def test_whatever_a_model_calls_a_cluster_can_be_drawn(tmp_path: Path) -> None:
    made = map_of([((float(at), 0.0), at, name) for at, name in enumerate(NASTY)])

    picture(made, tmp_path / "a.png")

    assert {entry for entry, _, _ in made._groups()} >= {"0 · _hidden (1)", "4 · a b (1)", "3 ·  (1)"}


def test_a_missing_library_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)

    with pytest.raises(RunError, match=r"pip install 'distilflow\[clustering\]'"):
        map_of(rows_of(1, 1)).save(tmp_path / "a.png")


@pytest.mark.parametrize("value", [None, "ab", [], [1.0], [1.0, None], [1.0, float("nan")], [True, 1], {"a": 1}])
def test_what_is_no_point_is_left_out(value: object) -> None:
    assert point_in(value) is None
    assert point_in([1, 2.5, 9]) == (1.0, 2.5)
