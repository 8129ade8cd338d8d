from __future__ import annotations

from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.sources.data_sampler import DataSampler

NUMBERS = [{"n": n, "text": str(n)} for n in range(30)]


@given(seed=st.integers(), size=st.integers(1, 40), samples=st.integers(1, 20))
def test_each_row_holds_lists_of_what_was_drawn(seed: int, size: int, samples: int) -> None:
    rows = list(DataSampler(data=NUMBERS, size=size, samples=samples, seed=seed).generate())

    assert len(rows) == samples
    for row in rows:
        assert list(row) == ["n", "text"]
        assert [str(n) for n in row["n"]] == row["text"]
        assert len(row["n"]) == size
        assert size > len(NUMBERS) or len(set(row["n"])) == size


def test_the_seed_alone_says_what_is_drawn() -> None:
    first, again = (list(DataSampler(data=NUMBERS, samples=50).generate()) for _ in range(2))

    assert first == again
    assert list(DataSampler(data=NUMBERS, samples=50, seed=7).generate()) != first


def test_more_samples_leave_the_first_ones_as_they_were() -> None:
    few, many = (list(DataSampler(data=NUMBERS, samples=samples).generate()) for samples in (5, 500))

    assert many[:5] == few


def test_it_draws_from_all_of_the_data() -> None:
    drawn = {n for row in DataSampler(data=NUMBERS, samples=200).generate() for n in row["n"]}

    assert drawn == set(range(30))


def test_a_row_without_a_column_leaves_the_lists_as_long_as_each_other() -> None:
    [row] = DataSampler(data=[{"a": 1}, {"a": 2, "b": "x"}], size=2, samples=1, seed=1).generate()

    assert sorted(zip(row["a"], row["b"], strict=True)) == [(1, None), (2, "x")]


def test_rows_and_columns_are_known_beforehand() -> None:
    sampler = DataSampler(data=[{"a": 1}, {"b": 2}], samples=3)

    assert (sampler.count(), sampler.columns()) == (3, ["a", "b"])


def test_nothing_to_draw_from_is_a_mistake_and_makes_no_rows() -> None:
    sampler = DataSampler()

    assert (list(sampler.generate()), sampler.count(), sampler.columns()) == ([], 0, None)
    assert list(sampler.check()) == [("`data` has no rows to draw from", "write the rows there, or name files in `data_files`")]


def test_rows_of_files_are_drawn_as_those_that_are_written_down(tmp_path: Path) -> None:
    for name, rows in (("a", NUMBERS[:10]), ("b", NUMBERS[10:])):
        (tmp_path / f"{name}.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))

    of_files = DataSampler(data_files=[str(tmp_path / "a.jsonl"), str(tmp_path / "b.jsonl")], size=3, samples=20)
    of_a_pattern = DataSampler(data_files=str(tmp_path / "*.jsonl"), size=3, samples=20)

    assert list(of_files.check()) == []
    assert (of_files.columns(), of_files.count()) == (["n", "text"], 20)
    written_down = list(DataSampler(data=NUMBERS, size=3, samples=20).generate())
    assert list(of_files.generate()) == list(of_a_pattern.generate()) == written_down


@pytest.mark.parametrize(
    ("data", "files", "said"),
    [
        ([{"a": 1}], "rows.jsonl", "`data` and `data_files` both have rows to draw from"),
        ([], "empty.json", "`data_files` have no rows to draw from"),
        ([], "row.jsonl", "data_files: no file matches"),
        ([], "bad.jsonl", "this is not JSON"),
    ],
)
def test_files_that_cannot_be_drawn_from_are_told(tmp_path: Path, data: list[dict[str, int]], files: str, said: str) -> None:
    for name, text in (("rows.jsonl", '{"a": 1}'), ("empty.json", "[]"), ("bad.jsonl", "no")):
        (tmp_path / name).write_text(text)

    sampler = DataSampler(data=data, data_files=str(tmp_path / files))

    [(what, fix)] = [complaint for complaint in sampler.check() if isinstance(complaint, tuple)]
    assert said in what
    assert fix


def test_of_files_without_rows_nothing_is_made(tmp_path: Path) -> None:
    (tmp_path / "empty.json").write_text("[]")

    assert list(DataSampler(data_files=str(tmp_path / "empty.json")).generate()) == []
