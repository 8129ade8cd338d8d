from __future__ import annotations

import logging
from typing import get_args

import pytest

from steps.errors import RowError
from steps.validators.validate_sql import Dialect, ValidateSQL


@pytest.mark.parametrize(
    ("sql", "dialect", "problem"),
    [
        ("SELECT a, count(*) FROM t GROUP BY a ORDER BY 2 DESC LIMIT 5;", None, None),
        ("CREATE TABLE t (a INT); INSERT INTO t VALUES (1)", "sqlite", None),
        ("WITH x AS (SELECT 1 AS a) SELECT a FROM x", "postgres", None),
        ("(SELECT 1)", None, None),
        ("```sql\nSELECT 1\n```", None, None),
        ("```mysql\nSELECT `a` FROM t\n```", "mysql", None),
        ("SELECT a FORM t", None, "line 1, column 15: Invalid expression / Unexpected token: 't'"),
        ("SELECT 1;\nSELECT FROM WHERE", None, "line 2, column 17: Expected table name but got 'WHERE'"),
        ("DELETE FROM t WHERE", None, "line 1, column 19: Required keyword: 'this' missing for Where"),
        ("SELECT 'abc", None, "Error tokenizing"),
        ("hello world", None, "is no statement"),
        ("Here is your query", None, "is no statement"),
        ("-- nothing", None, "it holds no statement"),
        ("SELECT " + "(" * 20_000, None, "it is nested too deep"),
    ],
)
def test_code_is_sql_or_it_is_said_why_not(sql: str, dialect: Dialect | None, problem: str | None) -> None:
    [row] = ValidateSQL(column="q", dialect=dialect).process([{"q": sql}])

    assert row["q_is_valid"] is (problem is None)
    assert (problem or "") in (row["q_problem"] or "")


def test_sql_that_is_too_long_to_parse_is_refused() -> None:
    step = ValidateSQL(column="q", max_length=9)

    assert step.process([{"q": "```sql\nSELECT 1\n```"}])[0]["q_is_valid"]  # what stands around it does not count
    with pytest.raises(RowError, match="'q' holds 10 characters of SQL, of at most 9"):
        step.process([{"q": "SELECT 123"}])


@pytest.mark.parametrize("dialect", get_args(Dialect))
def test_every_dialect_is_known(dialect: Dialect) -> None:
    [row] = ValidateSQL(column="q", dialect=dialect).process([{"q": "SELECT a FROM t"}])

    assert row["q_is_valid"]


def test_the_log_does_not_fill_with_what_the_parser_knows_by_its_first_word_only(caplog: pytest.LogCaptureFixture) -> None:
    step = ValidateSQL(column="q")
    step.load()

    with caplog.at_level(logging.WARNING):
        assert step.process([{"q": "CALL f()"}])[0]["q_is_valid"]
    assert caplog.records == []
