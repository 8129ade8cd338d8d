from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flows.engine.keys import step_keys
from flows.pipeline import Pipeline
from steps.base import Row
from steps.errors import RowError, RunError
from steps.sources.load_data_from_dicts import LoadDataFromDicts
from steps.tasks.api_gen_execution_checker import APIGenExecutionChecker

FUNCTIONS = Path(__file__).with_name("functions.py")


def call(name: str, /, **arguments: Any) -> dict[str, Any]:
    return {"name": name, "arguments": arguments}


def checked(answers: Any, **params: Any) -> Row:
    step = APIGenExecutionChecker(libpath=str(params.pop("libpath", FUNCTIONS)), **params)
    [row] = step.process([{"answers": answers, "id": 1}])
    return row


def test_calls_that_can_be_made_keep_the_row() -> None:
    row = checked(json.dumps([call("area", width=2, height=3.5), call("greet"), call("greet", name="ü")]))

    assert row["keep_row_after_execution_check"] is True
    assert row["execution_result"] == ["7.0", "hello you", "hello ü"]
    assert row["id"] == 1


def test_a_list_is_as_good_as_its_json() -> None:
    assert checked([call("greet")])["execution_result"] == ["hello you"]


@pytest.mark.parametrize(
    ("wrong", "said"),
    [
        (call("divide", a=1, b=0), "ZeroDivisionError: division by zero"),
        (call("area", width=2), "TypeError: area() missing 1 required positional argument: 'height'"),
        (call("area", width=2, height=3, depth=4), "TypeError: area() got an unexpected keyword argument 'depth'"),
        (call("volume"), "function 'volume' is not there"),
        (call("os"), "function 'os' is not there"),
        (call("_hidden"), "'_hidden' is not the name of a function"),
        (call("../functions"), "'../functions' is not the name of a function"),
        (call("run", command="echo hi"), "function 'run' was not called: it uses subprocess.check_output"),
        (call("ask_name"), "function 'ask_name' was not called: it uses input()"),
        (call("leave"), "ended: the call ended the process (signal 6)"),
        (None, "this is no call: it has no name"),
        ({"name": "area", "arguments": "2, 3"}, "the arguments of 'area' are no object but a str"),
    ],
)
def test_one_call_that_fails_drops_the_row_and_says_why(wrong: Any, said: str) -> None:
    row = checked([call("greet"), wrong])

    assert row["keep_row_after_execution_check"] is False
    assert row["execution_result"] == ["hello you", said]


def test_a_call_that_takes_too_long_is_ended_and_those_after_it_say_so() -> None:
    row = checked([call("greet"), call("sleep", seconds=60), call("greet")], timeout_s=1)

    assert row["execution_result"] == [
        "hello you",
        "ended: the call took more than 1 s",
        "not called: the call before it ended the process",
    ]


def test_dangerous_functions_are_called_where_that_is_wished_and_get_nowhere() -> None:
    row = checked([call("ask_name")], check_is_dangerous=False)

    assert row["execution_result"] == ["EOFError: EOF when reading a line"]


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        (None, "there are no calls"),
        (float("nan"), "there are no calls"),
        ("", "there are no calls"),
        ("[]", "there is no list of calls"),
        ('{"name": "greet"}', "there is no list of calls"),
        ("greet()", "the calls cannot be read as JSON: Expecting value: line 1 column 1 (char 0)"),
    ],
)
def test_a_row_without_calls_is_dropped(answers: Any, said: str) -> None:
    row = checked(answers)

    assert (row["keep_row_after_execution_check"], row["execution_result"]) == (False, [said])


def test_something_else_than_calls_is_an_error_of_the_row() -> None:
    with pytest.raises(RowError, match="holds a int, not calls"):
        checked(3)


def test_a_folder_has_a_file_for_each_function(tmp_path: Path) -> None:
    (tmp_path / "double.py").write_text("def double(n): return 2 * n")
    (tmp_path / "json.py").write_text("def json(): return 'not that of the library'")
    (tmp_path / "broken.py").write_text("def broken(:")

    row = checked([call("double", n=4), call("json"), call("broken"), call("gone")], libpath=tmp_path)

    assert row["execution_result"][:2] == ["8", "not that of the library"]
    assert "broken.py cannot be read as Python" in row["execution_result"][2]
    assert row["execution_result"][3] == "function 'gone' is not there"


def test_what_a_library_does_at_its_import_happens_elsewhere(tmp_path: Path) -> None:
    library = tmp_path / "wild.py"
    library.write_text("import os\nos.abort()\ndef wild(): return 1")

    row = checked([call("wild")], libpath=library)

    assert row["execution_result"] == ["ended: the call ended the process (signal 6)"]


def test_long_results_are_cut(tmp_path: Path) -> None:
    (tmp_path / "long.py").write_text("def long(): return '🦆' * 100_000")

    row = checked([call("long"), call("long")], libpath=tmp_path)

    assert [len(said) for said in row["execution_result"]] == [2000, 2000]
    assert row["keep_row_after_execution_check"] is True


@pytest.mark.parametrize(
    ("path", "what"),
    [("nowhere.py", "neither a Python file nor a folder"), (".", "holds no Python files"), ("bad.py", "cannot be")],
)
def test_a_library_that_is_none_is_told_before_the_run(path: str, what: str, tmp_path: Path) -> None:
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "bad.py").write_text("def (")
    place = tmp_path / "lib" / path if path != "." else tmp_path
    step = APIGenExecutionChecker(libpath=str(place))

    [said] = step.check()

    assert what in str(said)
    with pytest.raises(RunError, match=what):
        step.load()


def test_a_changed_library_is_run_again(tmp_path: Path) -> None:
    library = tmp_path / "lib.py"

    def key() -> str:
        with Pipeline("check") as pipeline:
            load = LoadDataFromDicts(name="load", data=[{"answers": "[]"}])
            _ = load >> APIGenExecutionChecker(name="run", libpath=str(library))
        return step_keys(pipeline.plan())["run"]

    library.write_text("def f(): return 1")
    before, again = key(), key()
    library.write_text("def f(): return 2")

    assert before == again != key()
