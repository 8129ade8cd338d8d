from __future__ import annotations

from typing import Any

import pytest

from steps.base import Row
from steps.errors import RunError
from steps.sandbox import Ran, run_python
from steps.validators import run_python as module
from steps.validators.run_python import RunPython

CODE = "def double(x):\n    return 2 * x\n"


def _run(code: Any, **params: Any) -> Row:
    columns = params.pop("row", {})
    [row] = RunPython(column="c", **params).process([{"c": code, **columns}])
    assert row.pop("c") is code
    return {name: value for name, value in row.items() if name not in columns}


def test_code_that_ends_well_has_passed() -> None:
    assert _run("print('hi')") == {"c_passed": True, "c_error": None, "c_output": "hi\n"}


def test_code_in_a_fence_of_a_reply_is_run() -> None:
    assert _run("Sure!\n```python\nprint(6 * 7)\n```\nThat is it.")["c_output"] == "42\n"


@pytest.mark.parametrize(
    ("code", "error"),
    [
        ("x = 1\nx / 0", "line 2: ZeroDivisionError: division by zero"),
        ("def f():\n  raise KeyError('k')\n\nf()", "line 2: KeyError: 'k'"),
        ("x = (", "line 1: '(' was never closed"),
        ("import sys\nsys.exit(3)", "it ended with the status 3"),
        ("import os\nos.kill(os.getpid(), 9)", "it was ended by the signal 9"),
        ("x = 'a' * 10**10", "it took more than 512 MB of memory"),
        (None, "there is nothing in it"),
        ("  \n", "there is nothing in it"),
        (["x"], "it is a list, not text"),
    ],
)
def test_code_that_fails_says_where_and_why(code: Any, error: str) -> None:
    assert _run(code) == {"c_passed": False, "c_error": error, "c_output": ""}


def test_code_that_never_ends_is_ended() -> None:
    assert _run("import time\ntime.sleep(60)", wall_s=0.5)["c_error"] == "it took longer than 0.5 s"


def test_tests_run_after_the_code_and_say_which_line_failed() -> None:
    assert _run(CODE, tests="assert double(2) == 4\nprint('done')") == {"c_passed": True, "c_error": None, "c_output": "done\n"}
    assert _run(CODE, tests="x = 1\nassert double(2) == 5, 'no'")["c_error"] == "line 2 of the tests: AssertionError: no"
    assert _run("def double(x): return x.y", tests="double(2)")["c_error"].startswith("line 1: AttributeError")


@pytest.mark.parametrize("own", ["assert double(2) == 5", "```py\nassert double(2) == 5\n```"])
def test_a_row_may_bring_tests_of_its_own(own: str) -> None:
    failed = _run(CODE, tests_column="t", row={"t": own})

    assert failed["c_error"] == "line 1 of the tests: AssertionError"
    assert _run(CODE, tests_column="t", tests="assert double(1) == 2", row={"t": None})["c_passed"]
    assert not _run(CODE, tests_column="t", tests="assert double(1) == 3", row={"t": ""})["c_passed"]


def test_tests_that_are_no_text_are_told() -> None:
    assert _run(CODE, tests_column="t", row={"t": [1]})["c_error"] == "column 't': it is a list, not text"


@pytest.mark.parametrize("end", ["exit()", "import os; os._exit(0)", "raise SystemExit"])
def test_code_that_ends_before_its_tests_has_not_passed(end: str) -> None:
    assert _run(f"print('hi')\n{end}", tests="assert False")["c_error"] == "it ended before its tests did"


def test_code_that_prints_elsewhere_still_reaches_its_tests() -> None:
    code = "import io, sys\nsys.stdout = io.StringIO()\nprint('lost')"

    assert _run(code, tests="assert True") == {"c_passed": True, "c_error": None, "c_output": ""}


def test_a_row_that_fails_is_left_out_where_that_is_wished() -> None:
    step = RunPython(column="c", drop=True)

    assert [row["c"] for row in step.process([{"c": "1/0"}, {"c": "1/1"}])] == ["1/1"]
    assert step.may_change_rows()


def test_a_system_that_cannot_guard_has_to_be_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    def run_unguarded(source: str, **options: Any) -> Ran:
        ran = run_python(source, **options)
        return Ran(ran.status, ran.stdout, ran.stderr, ran.limit, ran.seconds, ("network",))

    monkeypatch.setattr(module, "run_python", run_unguarded)

    with pytest.raises(RunError, match="cannot keep code from network"):
        RunPython().load()
    RunPython(allow_unguarded=True).load()
