"""Texts that have to be SQL."""

from __future__ import annotations

import logging
import re
from collections.abc import Iterable
from typing import Any, Literal

from pydantic import Field

from steps.errors import Complaint, RowError
from steps.extras import extra, without_extra
from steps.secrets import LATER
from steps.validators.base import Validator
from steps.validators.fences import code_in
from steps.wording import quoted

Dialect = Literal[
    "bigquery", "clickhouse", "databricks", "duckdb", "hive", "mysql", "oracle", "postgres", "presto", "redshift",
    "snowflake", "spark", "sqlite", "trino", "tsql",
]  # fmt: skip
_CLASS = re.compile(r"<class '[\w.]*?(\w+)'>")
_TOKEN = re.compile(r"<Token .*?text: (.*?), line: .*>", re.DOTALL)


class ValidateSQL(Validator):
    """Checks that code is SQL that can be parsed. Nothing is run.

    `<column>_is_valid` says whether it is, `<column>_problem` what is wrong and where. Tables and columns need not exist, and
    the parser (sqlglot) takes more than some databases do. Of a reply with Markdown fences the code in the first SQL fence
    counts; it may hold several statements. A row with more of it than `max_length` goes to the quarantine.

    Example:
        >>> [row] = ValidateSQL(column="query").process([{"query": "SELECT name FORM people"}])
        >>> row["query_is_valid"], row["query_problem"]
        (False, "line 1, column 23: Invalid expression / Unexpected token: 'people'")
    """

    dialect: Dialect | None = Field(default=None, description="Whose SQL it is; empty for what most databases share.")
    max_length: int = Field(
        default=100_000,
        ge=1,
        description="Most characters of SQL; longer goes to the quarantine.",
        json_schema_extra=LATER,
    )

    def check(self) -> Iterable[Complaint]:
        yield from without_extra("sqlglot", "validators", "SQL")

    def load(self) -> None:
        extra("sqlglot", "validators", "SQL")
        logging.getLogger("sqlglot").setLevel(logging.ERROR)  # it warns of each statement that it knows by its first word only

    def problem(self, text: str) -> str | None:
        sqlglot = extra("sqlglot", "validators", "SQL")
        code = code_in(text, ("sql", *filter(None, [self.dialect])))
        if len(code) > self.max_length:  # of some texts, each twice as long takes the parser four times as long
            what = f"column {self.column!r} holds {len(code):,} characters of SQL, of at most {self.max_length:,}"
            raise RowError(what, "raise `max_length`, or leave such rows out before (FilterLength)")
        try:
            statements = [one for one in sqlglot.parse(code, read=self.dialect) if one is not None]
            bare = next((quoted(one.sql()) for one in statements if _is_bare(one)), None)
        except sqlglot.errors.ParseError as error:
            return _told(error.errors[0]) if error.errors else str(error)
        except sqlglot.errors.SqlglotError as error:
            return str(error)[:200]
        except RecursionError:
            return "it is nested too deep"
        if not statements:
            return "it holds no statement"
        return f"{bare} is no statement" if bare else None


def _is_bare(statement: Any) -> bool:
    """Whether it is an expression alone: to the parser, `hello world` is a column with another name."""
    from sqlglot import exp

    return isinstance(statement, (exp.Condition, exp.Alias)) and not isinstance(statement, exp.Query)


def _told(error: dict[str, Any]) -> str:
    what = _TOKEN.sub(r"'\1'", _CLASS.sub(r"\1", str(error.get("description") or "it cannot be parsed")))
    seen = str(error.get("highlight") or "")
    near = f": {quoted(seen)}" if seen and repr(seen) not in what else ""
    return f"line {error.get('line')}, column {error.get('col')}: {what.rstrip('.')}{near}"
