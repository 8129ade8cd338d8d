from __future__ import annotations

import re

import pytest

from flows.samples import read_rows, sample_rows
from steps.errors import SpecError

ROWS = [{"a": "x", "b": 1}, {"a": "y", "b": 2}]


@pytest.mark.parametrize(
    "text",
    [
        '[{"a": "x", "b": 1}, {"a": "y", "b": 2}]',
        '\ufeff[\n {"a": "x", "b": 1},\n {"a": "y", "b": 2}\n]\n',
        '{"a": "x", "b": 1}\n\n{"a": "y", "b": 2}\n',
        '{\n "a": "x",\n "b": 1\n}\n{\n "a": "y",\n "b": 2\n}',
        '{"a": "x", "b": 1},\n{"a": "y", "b": 2},\n',
        "- a: x\n  b: 1\n- {a: y, b: 2}\n",
    ],
    ids=["list", "list-over-lines", "lines", "objects-over-lines", "lines-with-commas", "yaml"],
)
def test_rows_are_read_as_people_paste_them(text: str) -> None:
    assert read_rows(text) == ROWS


def test_one_object_is_one_row() -> None:
    assert read_rows('{"chat": [{"role": "user", "content": "hi"}]}') == [{"chat": [{"role": "user", "content": "hi"}]}]


@pytest.mark.parametrize(
    ("text", "rows"),
    [
        ('a,b\nx,1\n"y, z",2\n', [{"a": "x", "b": "1"}, {"a": "y, z", "b": "2"}]),
        ("a\tb\r\nx\t1\r\n", [{"a": "x", "b": "1"}]),
        ("a;b\nx;1\n", [{"a": "x", "b": "1"}]),
        ("instruction\nSay hi\n\nSay bye\n", [{"instruction": "Say hi"}, {"instruction": "Say bye"}]),
    ],
    ids=["commas", "tabs", "semicolons", "one-column"],
)
def test_csv_has_a_header_and_texts(text: str, rows: list[dict[str, str]]) -> None:
    assert read_rows(text) == rows


def test_nothing_is_no_rows() -> None:
    assert read_rows(" \n") == []


@pytest.mark.parametrize(
    ("text", "what", "fix"),
    [
        ('{"a": 1}\n{"a": 2\n{"a": 3}', "line 3, character 1", "comma between"),
        ("[{'a': 1}]", "line 1, character 3", "double quotes"),
        # from Python 3.13 on a comma too many is told as such
        ('[\n{"a": 1},\n]', "line 3, character 1: a value|line 2, character 9: there is a comma", "double quotes|take out"),
        ('[\n{"a": None}\n]', "line 2, character 7", "null"),
        ('{"a": NaN}', "NaN is no JSON", "null"),
        ('{"a": "x\ny"}', "line 1, character 9: a line break stands in a text", r"as \\n"),
        ('[{"a": "x}]', "line 1, character 8: a text is not closed", "double quote"),
        ('[{"a": 1}] [{"a": 2}]', "line 1, character 12: something follows", "one list"),
        (r'{"a": "C:\d"}', "line 1, character 10: a backslash", r"as \\\\$"),
        ('[{"a": 1}, "text"]', 'item 2: "text" is no row', "JSON object"),
        ('{"a": 1}\n{}', "line 2: the row has no columns", "JSON object"),
        ("Write a poem about the sea", "'Write a poem about the sea' is no row", "JSON object"),
        ("instruction", "no rows follow", "JSON object"),
        ("a,b\nx,1\ny\n", "line 3: 1 value for 2 columns", "a, b"),
        ("a,a\nx,1\n", "line 1: the header", "once"),
        ('a,b\n"x,1\n', "no CSV", "quote"),
        ("[" * 100_000, "the values are nested too deep", "nested less"),
        ('{"a":' * 100_000, "line 1: the values are nested too deep", "nested less"),
    ],
)
def test_a_mistake_is_told_with_its_line_and_what_to_do(text: str, what: str, fix: str) -> None:
    with pytest.raises(SpecError, match=what) as told:
        read_rows(text)
    assert re.search(fix, told.value.fix)


def test_a_sample_is_read_no_further_than_its_first_rows() -> None:
    assert sample_rows('{"a": 1}\n' * 20 + "no row") == [{"a": 1}] * 20


def test_numbers_beyond_all_numbers_and_texts_beyond_all_bounds_are_refused() -> None:
    with pytest.raises(SpecError, match="larger than a number can be"):
        read_rows('{"n": 1e999}')
    with pytest.raises(SpecError, match="more than 5 MB"):
        read_rows('{"n": 1}\n' * 600_000)
