from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.handlers import hand_edits, results
from app.handlers.selecting import parse_query
from flows.distiset.parts import by_hand, standing_of
from flows.distiset.publishing import prepared
from flows.runs import RunFolder
from steps.errors import RunError
from tests.app.made import PART, result_of

ROWS: list[dict[str, Any]] = [
    {
        "text": f"row {n}",
        "rating": n,
        "score": n / 2,
        "flag": n % 2 == 0,
        "tags": ["a"],
        "chat": [{"role": "user", "content": "x"}],
    }
    for n in range(6)
]
TABLE = pa.Table.from_pylist(ROWS)


@pytest.fixture
def run(tmp_path: Path) -> RunFolder:
    return result_of(tmp_path, TABLE, row_group_size=2)


def save(run: RunFolder, index: int, **values: str | None) -> dict[str, Any]:
    seen = hand_edits.form_of(run, PART, index)["seen"]
    return hand_edits.save_row(run, PART, index, seen, values)


def shown(run: RunFolder, **asked: str) -> list[str]:
    return [row["text"]["text"] for row in results.page(run, query=parse_query(**asked))["rows"]]


def published(run: RunFolder) -> list[dict[str, Any]]:
    with prepared(run) as folder:
        found: list[dict[str, Any]] = pq.read_table(folder / "default" / "train-00000-of-00001.parquet").to_pylist()
        return found


def test_an_edit_is_shown_filtered_sorted_searched_and_published_and_the_file_stays(run: RunFolder) -> None:
    before = (run.distiset / "default" / "train-00000-of-00001.parquet").read_bytes()

    assert save(run, 4, text="quite new", rating="-9") == {"saved": 2}

    assert shown(run)[4] == "quite new"
    assert shown(run, search="quite") == ["quite new"]
    assert shown(run, search="row 4") == []
    assert shown(run, sort="asc:rating")[0] == "quite new"
    assert shown(run, filters='[["rating", "<", "0"]]') == ["quite new"]
    assert results.whole_row(run, PART, 4)["edited"] == ["text", "rating"]
    assert results.page(run)["edited"][4] == ["text", "rating"]
    assert published(run) == [*ROWS[:4], {**ROWS[4], "text": "quite new", "rating": -9}, ROWS[5]]
    assert (run.distiset / "default" / "train-00000-of-00001.parquet").read_bytes() == before


def test_chats_and_lists_of_texts_are_edited_by_item_and_other_nested_values_as_json(tmp_path: Path) -> None:
    turn = {"role": "user", "content": "x"}
    rows = [
        {"chat": [turn], "tags": ["a"], "numbers": [1], "calls": [{**turn, "name": "n"}]},
        {"chat": [{"role": "tool", "content": None}], "tags": [None], "numbers": None, "calls": None},
        {"chat": None, "tags": None, "numbers": None, "calls": None},
        {"chat": [turn] * 201, "tags": ["a"] * 201, "numbers": None, "calls": None},
    ]
    run = result_of(tmp_path, pa.Table.from_pylist(rows))

    def kinds(index: int) -> list[str]:
        return [field["kind"] for field in hand_edits.form_of(run, PART, index)["fields"]]

    assert kinds(0) == kinds(2) == ["chat", "texts", "json", "json"]
    assert kinds(1) == kinds(3) == ["json"] * 4
    save(run, 0, chat='[{"role":"user","content":"y"},{"role":"assistant","content":"z"}]', tags="[]")
    assert (published(run)[0]["chat"][1]["content"], published(run)[0]["tags"]) == ("z", [])


def test_a_dropped_row_is_nowhere_until_it_is_undone(run: RunFolder) -> None:
    change = hand_edits.drop_row(run, PART, 2)["change"]

    assert "row 2" not in shown(run)
    assert (results.page(run)["total"], results.page(run)["dropped"]) == (5, 1)
    assert ROWS[2] not in published(run)
    with pytest.raises(RunError):
        hand_edits.drop_row(run, PART, 2)

    hand_edits.undo_change(run, change)

    assert shown(run)[2] == "row 2"
    assert published(run) == ROWS
    with pytest.raises(RunError, match="no such change"):
        hand_edits.undo_change(run, change)


def test_changes_are_listed_newest_first_and_undone_one_by_one(run: RunFolder) -> None:
    save(run, 1, text="first")
    save(run, 1, text="second")
    [second, first] = hand_edits.list_changes(run)["changes"]
    assert [one["after"]["text"] for one in (second, first)] in (["second", "first"], ["first", "second"])
    newest = next(one for one in (second, first) if one["after"]["text"] == "second")
    assert (newest["by"], newest["column"], newest["before"]["text"], newest["applies"]) == ("by hand", "text", "first", True)

    hand_edits.undo_change(run, newest["id"])

    assert shown(run)[1] == "first"


def test_what_was_done_by_hand_goes_with_the_rows_and_stands_in_the_card(run: RunFolder) -> None:
    (run.distiset / "README.md").write_text("---\nconfigs: []\n---\n# Made\n")
    save(run, 0, text="new", rating="7")
    hand_edits.drop_row(run, PART, 5)

    with prepared(run) as folder:
        lines = [json.loads(line) for line in (folder / "changes.jsonl").read_text().splitlines()]
        card = (folder / "README.md").read_text()

    assert [(one["kind"], one["row"], one["column"], one["before"], one["after"]) for one in lines[:2]] == [
        ("edit", 0, "text", "row 0", "new"),
        ("edit", 0, "rating", 0, 7),
    ]
    assert (lines[2]["kind"], lines[2]["row"], lines[2]["by"]) == ("drop", 5, "by hand")
    assert "2 values edited, 1 row dropped" in card


@pytest.mark.parametrize(
    ("column", "typed", "said"),
    [
        ("rating", "many", "no int"),
        ("rating", "1.5", "no int"),
        ("rating", str(2**70), "not of the form"),
        ("score", "much", "no float"),
        ("flag", "perhaps", "true or false"),
        ("tags", "not json", "no JSON"),
        ("tags", '{"a": 1}', "not of the form"),
        ("tags", "[1]", "not of the form"),
        ("chat", '[{"role": "user", "content": "x", "extra": 1}]', "fields that the column lacks"),
        ("chat", "[" * 100_000, "no JSON|nested"),
        ("nope", "x", "no such column"),
    ],
)
def test_values_that_are_none_are_refused_by_column_and_nothing_is_saved(
    run: RunFolder, column: str, typed: str, said: str
) -> None:
    with pytest.raises(hand_edits.NotEdited) as caught:
        save(run, 1, text="fine", **{column: typed})

    assert list(caught.value.of) == [column]
    assert re.search(said, caught.value.of[column])
    assert hand_edits.list_changes(run)["total"] == 0


@pytest.mark.parametrize(
    ("column", "typed", "value"),
    [
        ("rating", " 12 ", 12),
        ("score", "1e3", 1000.0),
        ("flag", "true", True),
        ("tags", '["é", null]', ["é", None]),
        ("chat", '[{"role": "bot", "content": "y"}]', [{"role": "bot", "content": "y"}]),
        ("text", "", ""),
        ("text", None, None),
    ],
)
def test_values_are_read_as_their_column_holds_them(run: RunFolder, column: str, typed: str | None, value: Any) -> None:
    save(run, 1, **{column: typed})

    assert published(run)[1][column] == value


def test_values_that_stay_the_same_are_no_change(run: RunFolder) -> None:
    form = {field["name"]: field["value"] for field in hand_edits.form_of(run, PART, 3)["fields"]}

    assert save(run, 3, **form) == {"saved": 0}


def test_a_row_that_was_changed_meanwhile_is_not_overwritten(run: RunFolder) -> None:
    seen = hand_edits.form_of(run, PART, 1)["seen"]
    save(run, 1, text="another tab")

    with pytest.raises(RunError, match="meanwhile"):
        hand_edits.save_row(run, PART, 1, seen, {"text": "mine"})


def test_while_a_run_is_going_on_nothing_can_be_changed(run: RunFolder) -> None:
    with run.locked():
        with pytest.raises(RunError, match="going on"):
            save(run, 1, text="x")
        with pytest.raises(RunError, match="going on"):
            hand_edits.drop_row(run, PART, 1)


def test_in_a_new_result_changes_find_their_rows_or_say_that_they_do_not(run: RunFolder, tmp_path: Path) -> None:
    save(run, 4, text="kept")
    hand_edits.drop_row(run, PART, 1)
    save(run, 5, rating="50")

    result_of(tmp_path, pa.Table.from_pylist([{**ROWS[5], "rating": 500}, ROWS[4], ROWS[0], ROWS[1]]))

    told = hand_edits.list_changes(run)
    assert (told["applied"], told["lost"]) == (2, 1)
    assert shown(run) == ["row 5", "kept", "row 0"]
    assert results.page(run)["changes"] == {"applied": 2, "lost": 1}
    [lost] = [one for one in told["changes"] if not one["applies"]]
    assert (lost["row"], lost["column"]) == (5, "rating")
    hand_edits.undo_change(run, lost["id"])
    assert hand_edits.list_changes(run)["lost"] == 0


def test_rows_that_are_alike_are_changed_one_by_one(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"text": ["same", "same", "same"]}))
    hand_edits.drop_row(run, PART, 1)
    hand_edits.drop_row(run, PART, 0)

    result_of(tmp_path, pa.table({"text": ["other", "same", "same", "same"]}))

    assert shown(run) == ["other", "same"] or len(shown(run)) == 2
    assert standing_of(run).lost == ()


def test_a_line_that_a_crash_tore_loses_only_itself(run: RunFolder) -> None:
    save(run, 1, text="whole")
    with by_hand(run).path.open("ab") as file:
        file.write(b'{"kind":"edit","part":"def')
    save(run, 2, text="after")

    assert shown(run)[1:3] == ["whole", "after"]


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    acts=st.lists(
        st.tuples(st.sampled_from(["edit", "drop", "undo"]), st.integers(0, 5), st.text("ab", max_size=2)), max_size=12
    )
)
def test_edits_drops_and_undos_are_those_of_a_list(
    tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, int, str]]
) -> None:
    run = result_of(tmp_path_factory.mktemp("edits"), TABLE)
    done: list[tuple[str, str, int, str]] = []

    def model() -> list[str]:
        rows = {n: f"row {n}" for n in range(6)}
        rows |= {index: text for _, kind, index, text in done if kind == "edit"}
        gone = {index for _, kind, index, _ in done if kind == "drop"}
        return [text for index, text in rows.items() if index not in gone]

    for kind, index, text in acts:
        known = {change.id for change in by_hand(run).changes()}
        gone = {at for _, what, at, _ in done if what == "drop"}
        if kind == "undo" and done:
            change_id, *_ = done.pop(index % len(done))
            hand_edits.undo_change(run, change_id)
        elif kind == "edit" and index not in gone:
            save(run, index, text=text)
            done += [(one.id, "edit", index, text) for one in by_hand(run).changes() if one.id not in known]
        elif kind == "drop" and index not in gone:
            hand_edits.drop_row(run, PART, index)
            done += [(one.id, "drop", index, "") for one in by_hand(run).changes() if one.id not in known]
    assert shown(run) == model()
    assert [row["text"] for row in published(run)] == model()
