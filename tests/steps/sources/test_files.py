"""Reading of files, bad ones above all."""

from __future__ import annotations

import gzip
import json
import tracemalloc
from contextlib import suppress
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.sources import files
from steps.sources.files import BadFile, FileType, NoFile, find_files, read_rows

ROWS = [{"text": 'a "quoted" {[ \\ é 🦆', "n": {"x": [1, {"y": []}]}}, {"text": "", "n": None}, {}]


def write(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


# ---- what is read


@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("chunk", [1, 7, 1 << 20])
def test_one_array_is_read_object_by_object(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, indent: int | None, chunk: int
) -> None:
    monkeypatch.setattr(files, "_CHUNK_BYTES", chunk)
    path = write(tmp_path, "rows.json", json.dumps(ROWS, indent=indent, ensure_ascii=False))

    assert list(read_rows(path)) == ROWS


@given(st.lists(st.dictionaries(st.text(), st.recursive(st.none() | st.integers() | st.text(), st.lists))))
def test_any_array_of_objects_is_read_back(tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, object]]) -> None:
    path = write(tmp_path_factory.mktemp("any"), "rows.json", json.dumps(rows))

    assert list(read_rows(path)) == rows


def test_lines_may_be_blank_and_start_with_a_byte_order_mark(tmp_path: Path) -> None:
    path = write(tmp_path, "rows.jsonl", '\ufeff{"a": 1}\r\n\n{"a": 2}')

    assert list(read_rows(path)) == [{"a": 1}, {"a": 2}]


def test_what_python_writes_as_json_is_read_without_loss(tmp_path: Path) -> None:
    path = write(tmp_path, "rows.jsonl", '{"a": Infinity, "b": 123456789012345678901, "c": "\\ud83e"}')

    assert list(read_rows(path)) == [{"a": float("inf"), "b": 123456789012345678901, "c": "\ud83e"}]


@pytest.mark.parametrize(
    "text",
    ['a,b\n1,"x, ""y""\nz"\n', 'a;b\r\n1;"x, ""y""\nz"\r\n', 'a\tb\n\n1\t"x, ""y""\nz"', '\ufeffa,b\n1,"x, ""y""\nz"'],
    ids=["commas", "semicolons", "tabs", "byte-order-mark"],
)
def test_csv_comes_with_any_usual_separator(tmp_path: Path, text: str) -> None:
    assert list(read_rows(write(tmp_path, "rows.csv", text))) == [{"a": "1", "b": 'x, "y"\nz'}]


def test_cells_that_are_left_out_at_the_end_of_a_row_are_none(tmp_path: Path) -> None:
    assert list(read_rows(write(tmp_path, "rows.csv", "a,b\n1\n"))) == [{"a": "1", "b": None}]


def test_an_index_without_a_name_is_kept(tmp_path: Path) -> None:
    assert list(read_rows(write(tmp_path, "rows.csv", ",a\n0,x\n"))) == [{"Unnamed: 0": "0", "a": "x"}]


@pytest.mark.parametrize(("name", "text"), [("rows.jsonl.gz", '{"a": "1"}'), ("rows.csv.gz", "a\n1\n")])
def test_compressed_files_are_read(tmp_path: Path, name: str, text: str) -> None:
    assert list(read_rows(write(tmp_path, name, gzip.compress(text.encode())))) == [{"a": "1"}]


def test_a_large_file_does_not_fill_the_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(files, "_CHUNK_BYTES", 1 << 14)
    path = write(tmp_path, "rows.json", json.dumps([{"text": "x" * 1000}] * 5000))

    tracemalloc.start()
    count = sum(1 for _ in read_rows(path))
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert count == 5000
    assert peak < path.stat().st_size / 10


# ---- what is refused


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ('{"a": 1}\n{"a": }\n', r"rows.json:2: this is not JSON: Expecting value at '}'"),
        ('{"a": 1}\n[1]\n', "rows.json:2: a row must be an object, not a list"),
        ('{\n"a": 1}', "rows.json:1: this is not JSON"),
        ('[{"a": 1},\n {"a": x}]', "rows.json:2: this is not JSON"),
        ('[{"a": 1},\n 5]', "expected an object of the array, found .*5"),
        ("[[1]]", "expected an object of the array"),
        ('["a"]', "expected an object of the array"),
        ('[{"a": 1},]', "expected an object of the array"),
        ("[{}{}]", "expected an object of the array"),
        ("[{}] x", "expected an object of the array, found 'x'"),
        ("[{}]]", "expected an object of the array"),
        ("[{}][{}]", "expected an object of the array"),
        ('[{"a": "b}]', "the array is not closed"),
        ('[{"a": 1}', "the array is not closed"),
        ('{"a": ' + "[" * 100_000, "cannot be read"),
        (b'{"a": 1}\n{"b": "\xe9"}', r"rows.json:2: byte 8 of the line \(0xe9\) is not UTF-8"),
        (b'[{"a": 1},\n {"b": "\xe9"}]', r"rows.json:2: byte 9 of the line \(0xe9\) is not UTF-8"),
        ('{"a": 1}'.encode("utf-16"), "rows.json:1: byte 1 of the line"),
        ("", "rows.json is empty"),
        (" \n\n", "rows.json is empty"),
    ],
)
def test_a_bad_json_file_is_refused_with_the_place(tmp_path: Path, content: str | bytes, what: str) -> None:
    with pytest.raises(BadFile, match=what):
        list(read_rows(write(tmp_path, "rows.json", content)))


@pytest.mark.parametrize(
    ("content", "what"),
    [
        ("1,2\n3,4\n", "rows.csv:1: this is a row, not a header"),
        ("a,,b\n1,2,3\n", "rows.csv:1: this is a row, not a header"),
        ("a,a\n1,2\n", "names 'a' twice"),
        ("a,b\n1,2,3\n", "rows.csv:2: this row has 3 cells, the header has 2"),
        ('a,b\n"unclosed,1\n2,3\n', "rows.csv:3: this is not CSV: unexpected end"),
        (b"a,b\nx,\xe9\n", r"rows.csv:2: byte 3 of the line \(0xe9\) is not UTF-8"),
        ("", "rows.csv is empty"),
        ("\n\n", "rows.csv is empty"),
        (",\n1,2\n", "holds no names"),
    ],
)
def test_a_bad_csv_file_is_refused_with_the_place(tmp_path: Path, content: str | bytes, what: str) -> None:
    with pytest.raises(BadFile, match=what):
        list(read_rows(write(tmp_path, "rows.csv", content)))


@pytest.mark.parametrize(
    ("name", "content", "what"),
    [
        ("rows.parquet", b"PAR1 no, it is not", "rows.parquet is not a Parquet file"),
        ("rows.jsonl.gz", b"not compressed", "rows.jsonl.gz is not a whole gzip file"),
        ("rows.jsonl.gz", gzip.compress(b'{"a": 1}' * 100, mtime=0)[:-10], "rows.jsonl.gz is not a whole gzip file"),
        ("rows.txt", b"hello", "its name does not say what it holds"),
    ],
)
def test_a_file_that_is_not_what_its_name_says_is_refused(tmp_path: Path, name: str, content: bytes, what: str) -> None:
    with pytest.raises(BadFile, match=what):
        list(read_rows(write(tmp_path, name, content)))


@pytest.mark.parametrize("filetype", ["json", "csv", "parquet"])
@given(content=st.binary(max_size=60))
def test_noise_is_read_or_refused_but_breaks_nothing(
    tmp_path_factory: pytest.TempPathFactory, filetype: FileType, content: bytes
) -> None:
    path = write(tmp_path_factory.mktemp("noise"), "rows", content)

    with suppress(BadFile):
        assert all(isinstance(row, dict) for row in read_rows(path, filetype))


# ---- which files


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "data").mkdir()
    for name in ("b.jsonl", "a.jsonl", "c.csv", "[x].jsonl", "README.md"):
        write(tmp_path / "data", name, "{}")
    return tmp_path


@pytest.mark.parametrize(
    ("patterns", "names"),
    [
        (["data/a.jsonl"], ["a.jsonl"]),
        (["data/?.jsonl"], ["a.jsonl", "b.jsonl"]),
        (["**/c.*", "data/a.jsonl", "data/c.csv"], ["c.csv", "a.jsonl"]),
        (["data"], ["[x].jsonl", "a.jsonl", "b.jsonl", "c.csv"]),
        (["data/[x].jsonl"], ["[x].jsonl"]),
    ],
    ids=["path", "pattern", "each-once", "folder", "brackets"],
)
@pytest.mark.usefixtures("folder")
def test_files_are_found_from_where_the_run_starts(patterns: list[str], names: list[str]) -> None:
    assert [path.name for path in find_files(patterns)] == names


def test_replies_of_a_journal_are_not_what_was_meant(folder: Path) -> None:
    (folder / "replies.jsonl").write_text('{"key":"' + "0f" * 16 + '","messages":[],"generation":"Yes."}\n')

    with pytest.raises(NoFile) as caught:
        find_files(["replys.jsonl"])

    assert "Did you mean" not in caught.value.message
    (folder / "replies.jsonl").write_text('{"key": "own data"}\n')
    with pytest.raises(NoFile, match=r"Did you mean 'replies.jsonl'"):
        find_files(["replys.jsonl"])


@pytest.mark.parametrize(
    ("pattern", "hint"),
    [
        ("data/a.json", r"Did you mean 'data/a.jsonl'\?"),
        ("date/a.jsonl", "no folder 'date'"),
        ("s3://bucket/a.jsonl", "only files on this machine"),
        ("data/*.parquet", "no file matches 'data/[*].parquet'"),
    ],
)
@pytest.mark.usefixtures("folder")
def test_a_pattern_that_matches_nothing_is_refused_with_a_hint(pattern: str, hint: str) -> None:
    with pytest.raises(NoFile, match=hint):
        find_files(["data/b.jsonl", pattern])
