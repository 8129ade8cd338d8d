from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.errors import RunError
from steps.sources.load_data_from_file_system import LoadDataFromFileSystem


@pytest.fixture(autouse=True)
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the pipeline runs, with a file of each kind."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "one.jsonl").write_text('{"a": 1}\n{"a": 2, "b": "x"}\n')
    (tmp_path / "two.csv").write_text("a,c\n3,y\n")
    pq.write_table(pa.table({"a": [4, 5], "d": [["z"], None]}), tmp_path / "three.parquet")
    return tmp_path


def test_files_of_several_kinds_are_read_one_after_the_other() -> None:
    load = LoadDataFromFileSystem(data_files=["one.jsonl", "two.csv", "three.parquet"])

    assert [row["a"] for row in load.generate()] == [1, 2, "3", 4, 5]
    assert load.columns() == ["a", "b", "c", "d"]


def test_values_of_parquet_keep_their_types() -> None:
    assert next(LoadDataFromFileSystem(data_files="three.parquet").generate()) == {"a": 4, "d": ["z"]}


def test_reading_ends_after_the_rows_that_were_asked_for() -> None:
    assert list(LoadDataFromFileSystem(data_files="*.jsonl", num_examples=1).generate()) == [{"a": 1}]


def test_a_split_chooses_its_files() -> None:
    load = LoadDataFromFileSystem(data_files={"train": ["one.jsonl"], "test": "two.csv"}, split="test")

    assert list(load.generate()) == [{"a": "3", "c": "y"}]


def test_the_type_that_is_named_counts_more_than_the_name(folder: Path) -> None:
    (folder / "rows.txt").write_text('{"a": 6}')

    assert list(LoadDataFromFileSystem(data_files="rows.txt", filetype="json").generate()) == [{"a": 6}]


def test_parameters_of_distilabel_are_accepted() -> None:
    load = LoadDataFromFileSystem(data_files="one.jsonl", repo_id="x/y", config="c", revision="main", streaming=False)

    assert len(list(load.generate())) == 2


@pytest.mark.parametrize(
    ("load", "what"),
    [
        (LoadDataFromFileSystem(), "no file is named"),
        (LoadDataFromFileSystem(data_files=""), "no file is named"),
        (LoadDataFromFileSystem(data_files="nowhere.csv"), "no file matches 'nowhere.csv'"),
        (LoadDataFromFileSystem(data_files={"train": "one.jsonl"}, split="tset"), "no split 'tset'"),
        (LoadDataFromFileSystem(data_files="unknown.bin"), "does not say what it holds"),
    ],
    ids=["none", "empty", "nowhere", "split", "type"],
)
def test_what_is_wrong_with_the_files_is_known_before_the_run(load: LoadDataFromFileSystem, what: str, folder: Path) -> None:
    (folder / "unknown.bin").write_text("?")

    [complaint] = load.check()

    assert isinstance(complaint, tuple)
    assert (what in complaint[0], bool(complaint[1])) == (True, True)
    assert load.columns() is None
    with pytest.raises(RunError, match=what):
        list(load.generate())


def test_files_that_are_there_pass_the_check() -> None:
    assert list(LoadDataFromFileSystem(data_files="*.jsonl").check()) == []


def test_only_the_head_of_a_file_is_read_for_its_columns(folder: Path) -> None:
    (folder / "long.jsonl").write_text('{"a": 1}\n' * 1000 + "this is not JSON\n")

    assert LoadDataFromFileSystem(data_files="long.jsonl").columns() == ["a"]


def test_columns_of_a_bad_file_are_not_known(folder: Path) -> None:
    (folder / "bad.jsonl").write_text("this is not JSON\n")

    assert LoadDataFromFileSystem(data_files="bad.jsonl").columns() is None


@pytest.mark.parametrize(
    ("files", "most", "count"),
    [(["one.jsonl", "two.csv", "three.parquet"], None, 5), ("*.parquet", None, 2), ("*.jsonl", 1, 1), ("*", 4, 4), ("*", 9, 5)],
)
def test_rows_are_counted_as_they_are_read(files: str | list[str], most: int | None, count: int) -> None:
    load = LoadDataFromFileSystem(data_files=files, num_examples=most)

    assert load.count() == len(list(load.generate())) == count


def test_a_file_that_cannot_be_read_is_told_when_it_is_counted(folder: Path) -> None:
    (folder / "bad.jsonl").write_text('{"a": 1}\nnot json\n')

    with pytest.raises(RunError, match=r"bad\.jsonl:2"):
        LoadDataFromFileSystem(data_files="bad.jsonl").count()
