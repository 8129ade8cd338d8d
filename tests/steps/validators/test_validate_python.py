from __future__ import annotations

import pytest

from steps.validators.validate_python import ValidatePython


@pytest.mark.parametrize(
    ("code", "problem"),
    [
        ("def f(x: int) -> int:\n    return x\n", None),
        ("Sure:\n```python\nx = 1\n```", None),
        ("x = '\\d'", None),
        ("x = 1\nif x\n  y", "line 2: expected ':'"),
        ("return 1", "line 1: 'return' outside function"),
        ("Sure:\n```python\nx = 1\ny = = 2\n```", "line 2: invalid syntax"),
        ("x = 1\0", "source code string cannot contain null bytes"),
        ("x = '\ud83e'", "it holds half of a character (a surrogate)"),
        ("a" + ".b" * 100_000, "it is nested too deep"),
        ("-" * 100_000 + "1", "it is nested too deep"),
        ("(" * 5_000, "line 1: too many nested parentheses"),
    ],
)
def test_code_is_python_or_it_is_said_why_not(code: str, problem: str | None) -> None:
    [row] = ValidatePython(column="c").process([{"c": code}])

    assert (row["c_is_valid"], row["c_problem"]) == (problem is None, problem)


def test_nothing_is_run() -> None:
    [row] = ValidatePython(column="c").process([{"c": "raise SystemExit(1)"}])

    assert row["c_is_valid"]
