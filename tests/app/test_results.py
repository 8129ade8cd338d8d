from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.context import AppContext
from app.handlers import results
from app.handlers.columns import OPERATORS
from app.handlers.selecting import BadQuery, Filter, Query, parse_query
from flows.engine.options import RunOptions
from flows.runs import RunFolder
from steps.errors import DistilflowError, RunError
from tests.app.made import result_of


def places(run: RunFolder, **asked: str) -> list[int]:
    """Places of all rows that fit, page after page."""
    query = parse_query(**asked)
    first = results.page(run, query=query)
    found = list(first["places"])
    for number in range(2, first.get("pages", 1) + 1):
        found += results.page(run, number=number, query=query)["places"]
    assert len(found) == first["matched"]
    return found


# ---- pages


def test_a_page_has_cells_columns_and_numbers(ctx: AppContext) -> None:
    page = results.page(ctx.store.get("sample-1"))

    assert (page["total"], page["matched"], page["page"], page["parts"]) == (2, 2, 1, ["default / train"])
    assert page["rows"][0]["messages"]["kind"] == "chat"
    assert page["rows"][0]["note"]["text"] == "<script>window.hacked = 1</script>"


def test_pages_follow_each_other_also_over_files_and_row_groups(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"n": range(120)}), row_group_size=7)
    folder = run.distiset / "default"
    (folder / "train-00000-of-00001.parquet").rename(folder / "train-00000-of-00002.parquet")
    pq.write_table(pa.table({"n": range(120, 260)}), folder / "train-00001-of-00002.parquet")

    found = [results.page(run, number=number) for number in range(1, 7)]

    assert [row["n"]["text"] for page in found for row in page["rows"]] == [str(n) for n in range(260)]
    assert results.whole_row(run, "default / train", 125)["row"]["n"]["text"] == "125"


@pytest.mark.parametrize("number", [-4, 0, 999])
def test_pages_that_do_not_exist_are_the_nearest_that_do(ctx: AppContext, number: int) -> None:
    assert results.page(ctx.store.get("sample-1"), number=number)["page"] == 1


@pytest.mark.parametrize(("part", "index"), [("../x", 0), ("default / train", 99), ("default / train", -1)])
def test_rows_and_parts_that_do_not_exist_are_refused(ctx: AppContext, part: str, index: int) -> None:
    with pytest.raises(RunError):
        results.whole_row(ctx.store.get("sample-1"), part, index)


def test_a_row_says_where_it_stands_among_those_that_fit(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"n": range(200)}))
    query = parse_query(filters='[["n", "≥", "100"]]', sort="desc:n")

    row = results.whole_row(run, "default / train", 149, query)

    assert (row["position"], row["matched"], row["previous"], row["next"]) == (50, 100, 150, 148)
    assert (row["previous_page"], row["next_page"]) == (1, 2)
    assert results.whole_row(run, "default / train", 3, query)["position"] is None


def test_only_the_columns_that_are_shown_are_read(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"a": [1], "b": [2], "c": [3]}))

    page = results.page(run, shown=["c", "no such"])

    assert (page["shown"], list(page["rows"][0]), len(page["columns"])) == (["c"], ["c"], 3)


def test_without_a_result_there_is_nothing_to_page(tmp_path: Path, ctx: AppContext) -> None:
    run = RunFolder(tmp_path / "runs" / "sample-1")
    report = run.report()
    run.save_report(report.model_copy(update={"options": RunOptions(output=tmp_path / "nowhere")}))

    assert results.page(run)["parts"] == []


@pytest.mark.parametrize("torn", [b"", b"PAR1", b"no parquet at all"])
def test_a_torn_file_is_told_in_words(tmp_path: Path, torn: bytes) -> None:
    run = result_of(tmp_path, pa.table({"n": [1]}))
    path = run.distiset / "default" / "train-00000-of-00001.parquet"
    path.write_bytes(torn)

    with pytest.raises(RunError, match=r"default/train-00000-of-00001\.parquet cannot be read") as caught:
        results.page(run)

    assert str(tmp_path) not in caught.value.message


def test_a_file_torn_in_its_middle_is_told_in_words(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"text": [f"some text {n}" * 20 for n in range(2000)]}), compression="zstd")
    path = run.distiset / "default" / "train-00000-of-00001.parquet"
    content = bytearray(path.read_bytes())
    content[100:4000] = b"\0" * 3900
    path.write_bytes(content)

    for asked in ({}, {"search": "text"}):
        with pytest.raises(RunError, match="cannot be read"):
            results.page(run, query=parse_query(**asked))


def test_links_out_of_the_result_are_not_read(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"n": [1]}))
    pq.write_table(pa.table({"secret": ["x"]}), tmp_path / "other.parquet")
    (run.distiset / "default" / "test-00000-of-00001.parquet").symlink_to(tmp_path / "other.parquet")

    assert results.page(run)["parts"] == ["default / train"]


# ---- names and values that would like to be SQL

ODD = [
    'quo"te',
    "apo'strophe",
    "semi; DROP TABLE rows; --",
    "dot.ted",
    "späce ünïcode 数",
    "Text",
    "text",
    "file_row_number",
    "i",
    "c0",
    "edited",
    "{rows}",
    "?",
    "$1",
    "",
]


@pytest.mark.parametrize("name", ODD)
def test_odd_names_of_columns_are_only_names(tmp_path: Path, name: str) -> None:
    table = pa.table({**{other: [f"{other} {n}" for n in range(3)] for other in ODD}, name: ["one", "two", "three"]})
    run = result_of(tmp_path, table)

    assert places(run, filters=f"[{_json([name, '=', 'two'])}]") == [1]
    assert places(run, sort=f"asc:{name}") == [0, 2, 1]
    assert results.page(run)["rows"][2][name]["text"] == "three"


@pytest.mark.parametrize(
    "value", ["'; DROP TABLE rows; --", "' OR 1=1 --", "%", "_", "\\", '"', "{rows}", "?", "\n", "'", "$1", "a\0b", "é", "数"]
)
def test_values_are_only_values(tmp_path: Path, value: str) -> None:
    run = result_of(tmp_path, pa.table({"a": ["plain", f"x{value}y", "other"]}))

    assert places(run, search=value) == [1]
    assert places(run, filters=f"[{_json(['a', 'contains', value])}]") == [1]
    assert places(run, filters=f"[{_json(['a', '=', f'x{value}y'])}]") == [1]


@pytest.mark.parametrize("odd", ["it's", "[x]", "a=b", "star*", 'quo"te'])
def test_odd_folders_are_only_folders(tmp_path: Path, odd: str) -> None:
    run = result_of(tmp_path / odd, pa.table({"n": [3, 1, 2]}))

    assert places(run, sort="asc:n") == [1, 2, 0]


def test_nothing_else_on_this_machine_can_be_read(tmp_path: Path) -> None:
    import duckdb

    from app.handlers.duck import table_of
    from flows.distiset.by_hand import Applied
    from flows.distiset.parts import parts_of

    run = result_of(tmp_path, pa.table({"n": [1]}))
    (tmp_path / "secret.csv").write_text("a\n1\n")
    table = table_of(parts_of(run)["default / train"])
    for sql in (
        f"SELECT * FROM read_csv('{tmp_path / 'secret.csv'}')",
        f"COPY (SELECT 1) TO '{tmp_path / 'written.csv'}'",
        "SET enable_external_access = true",
        "INSTALL httpfs",
        "ATTACH '/tmp/x.db'",
    ):
        with pytest.raises(DistilflowError) as caught, table.asking(Applied()) as question:
            question.fetch(sql)
        assert isinstance(caught.value.__cause__, duckdb.Error)
    assert not (tmp_path / "written.csv").exists()


# ---- filters, beside plain Python

NUMBERS = st.one_of(st.none(), st.integers(-3, 3))
FLOATS = st.one_of(st.none(), st.just(float("nan")), st.sampled_from([-1.5, 0.0, 0.5, 2.0]))
TEXTS = st.one_of(st.none(), st.text("aAbé'%", max_size=3))
LISTS = st.one_of(st.none(), st.lists(st.one_of(st.none(), st.text("aAb", max_size=2)), max_size=3))
CHATS = st.one_of(
    st.none(), st.lists(st.fixed_dictionaries({"role": st.sampled_from(["user", "bot"]), "content": TEXTS}), max_size=2)
)
ROWS = st.lists(
    st.fixed_dictionaries(
        {
            "int": NUMBERS,
            "float": FLOATS,
            "text": TEXTS,
            "bool": st.one_of(st.none(), st.booleans()),
            "list": LISTS,
            "chat": CHATS,
        }
    ),
    max_size=12,
)
SCHEMA = pa.schema(
    {
        "int": pa.int64(),
        "float": pa.float64(),
        "text": pa.string(),
        "bool": pa.bool_(),
        "list": pa.list_(pa.string()),
        "chat": pa.list_(pa.struct({"role": pa.string(), "content": pa.string()})),
    }
)
KINDS = {"int": "int", "float": "float", "text": "text", "bool": "bool", "list": "list", "chat": "list"}
VALUES = {
    "int": st.integers(-3, 3).map(str) | st.just("0.5"),
    "float": st.sampled_from(["-1.5", "0", "0.5", "2"]),
    "text": st.text("aAbé'%", max_size=2),
    "bool": st.sampled_from(["true", "false"]),
    "list": st.text("aAb", max_size=2),
    "chat": st.text("aAbuser", max_size=2),
}


@st.composite
def filters(draw: st.DrawFn) -> Filter:
    column = draw(st.sampled_from(sorted(KINDS)))
    operator = draw(st.sampled_from(OPERATORS[KINDS[column]]))
    if operator.startswith("length"):
        return Filter(column, operator, str(draw(st.integers(-1, 4))))
    return Filter(column, operator, draw(VALUES[column]))


def texts_in(value: Any) -> list[str]:
    match value:
        case str():
            return [value]
        case list():
            return [text for item in value for text in texts_in(item)]
        case dict():
            return [text for item in value.values() for text in texts_in(item)]
    return []


def fits(row: Mapping[str, Any], one: Filter) -> bool:
    """The model: what a filter means, in plain Python."""
    value, operator = row[one.column], one.operator
    if value != value:  # NaN is no value
        value = None
    if operator == "empty":
        return value in (None, "", [])
    if operator == "filled":
        return value not in (None, "", [])
    if operator == "contains":
        return any(one.value.lower() in text.lower() for text in texts_in(value)) or (value is not None and one.value == "")
    if operator.startswith("length"):
        return value is not None and (len(value) >= int(one.value) if "≥" in operator else len(value) <= int(one.value))
    wanted: Any = float(one.value) if one.column in ("int", "float") else one.value
    if one.column == "bool":
        wanted = one.value == "true"
    if operator == "≠":
        return bool(value != wanted)
    compare = {"=": "__eq__", "<": "__lt__", "≤": "__le__", "≥": "__ge__", ">": "__gt__"}[operator]
    return value is not None and (getattr(float(value) if one.column in ("int", "float") else value, compare)(wanted) is True)


@example(rows=[dict.fromkeys(SCHEMA.names) | {"list": [None]}], asked=[Filter("list", "contains", "")], search="")
@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, asked=st.lists(filters(), max_size=3), search=st.text("aAb", max_size=2))
def test_filters_and_search_find_what_plain_python_finds(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], asked: list[Filter], search: str
) -> None:
    run = result_of(tmp_path_factory.mktemp("filters"), pa.Table.from_pylist(rows, schema=SCHEMA), row_group_size=5)
    page = results.page(run, query=Query(search, tuple(asked)))

    expected = [
        at
        for at, row in enumerate(rows)
        if all(fits(row, one) for one in asked)
        and (not search or any(search.lower() in text.lower() for value in row.values() for text in texts_in(value)))
    ]
    assert page["places"] == expected
    assert (page["matched"], page["total"]) == (len(expected), len(rows))


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(rows=ROWS, column=st.sampled_from(["int", "float", "text", "bool"]), is_down=st.booleans())
def test_sorting_is_that_of_plain_python_with_empty_cells_last(
    tmp_path_factory: pytest.TempPathFactory, rows: list[dict[str, Any]], column: str, is_down: bool
) -> None:
    run = result_of(tmp_path_factory.mktemp("sorting"), pa.Table.from_pylist(rows, schema=SCHEMA))
    page = results.page(run, query=Query(sort=(column, is_down)))

    values = [row[column] for row in rows]
    missing = [at for at, value in enumerate(values) if value is None or value != value]
    there = [at for at in range(len(rows)) if at not in missing]
    # stable, so that rows that are alike stay in order whichever way it goes
    expected = sorted(there, key=lambda at: _bytes(values[at]), reverse=is_down)
    assert page["places"] == expected + missing


def _bytes(value: Any) -> Any:
    """Texts sort by their UTF-8."""
    return value.encode() if isinstance(value, str) else value


def _json(parts: list[str]) -> str:
    import json

    return json.dumps(parts)


@pytest.mark.parametrize(
    "asked",
    [
        {"filters": "no json"},
        {"filters": "{}"},
        {"filters": '[["n"]]'},
        {"filters": '[["n", "=", 1]]'},
        {"filters": '[["n", "LIKE", "1"]]'},
        {"filters": '[["n", "=", "abc"]]'},
        {"filters": '[["n", "=", "nan"]]'},
        {"filters": '[["nn", "=", "1"]]'},
        {"filters": '[["t", "length ≥", "x"]]'},
        {"filters": "[" + ",".join(['["n", "=", "1"]'] * 21) + "]"},
        {"sort": "n"},
        {"sort": "up:n"},
        {"sort": "asc:nn"},
        {"search": "x" * 10_001},
    ],
    ids=str,
)
def test_questions_that_cannot_be_are_told_in_words(tmp_path: Path, asked: dict[str, str]) -> None:
    run = result_of(tmp_path, pa.table({"n": [1], "t": ["a"]}))

    with pytest.raises(BadQuery) as caught:
        results.page(run, query=parse_query(**asked))

    assert caught.value.fix


def test_a_column_that_is_nearly_named_is_suggested(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"rating": [1]}))

    with pytest.raises(BadQuery) as caught:
        results.page(run, query=parse_query(sort="asc:ratings"))

    assert "'rating'" in caught.value.fix
