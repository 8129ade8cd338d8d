"""Parquet files as tables that can be asked: DuckDB that sees these files and nothing else.

It has no network, loads no extensions, writes nothing, and its settings are locked. Columns are named by their place and
values are parameters, so nothing that came with the data is part of a statement.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from threading import Condition
from typing import TYPE_CHECKING, Any

from cachetools import LRUCache, cached

from app.handlers.columns import ResultColumn, columns_in
from flows.distiset.by_hand import Applied
from flows.distiset.parts import Part, unreadable
from steps.base import Row
from steps.errors import DistilflowError

if TYPE_CHECKING:
    import duckdb
    import pyarrow as pa

TABLES_KEPT = 4
MEMORY = "1GB"
THREADS = max(1, min(4, os.cpu_count() or 1))
LONGEST_S = 60.0
ROW_NUMBER = "file_row_number"


class TooMuch(DistilflowError):
    """A question about rows took too long, or too much memory."""

    code = "too-much"


class Table:
    """The rows of one part as the engine wrote them."""

    def __init__(self, part: Part) -> None:
        import duckdb

        files = part.open()
        try:
            self.part = part
            self.schema: pa.Schema = files[0].schema_arrow
            self.counts: list[int] = [file.metadata.num_rows for file in files]
        finally:
            for file in files:
                file.close()
        self.columns: list[ResultColumn] = columns_in(self.schema)
        self.by_name = {column.name: column for column in self.columns}
        self.total = sum(self.counts)
        self._originals: dict[int, Row] = {}
        settings: dict[str, str | bool | int | float | list[str]] = {
            "threads": THREADS,
            "memory_limit": MEMORY,
            "autoinstall_known_extensions": False,
            "autoload_known_extensions": False,
        }
        self._database = duckdb.connect(":memory:", config=settings)
        allowed = ", ".join(_quoted(str(path)) for path in part.files)
        self._database.execute("SET parquet_metadata_cache = true")
        self._database.execute(f"SET allowed_paths = [{allowed}]")
        self._database.execute("SET enable_external_access = false")
        self._database.execute("SET lock_configuration = true")

    @contextmanager
    def asking(self, applied: Applied) -> Iterator[Question]:
        """Ask something of the rows with what was changed by hand. One thread at a time holds a question; many may be open.

        Raises:
            TooMuch: It took too long, or too much memory.
            UnreadableRows: A file is torn or gone.
        """
        import duckdb

        cursor = self._database.cursor()
        timer = threading.Timer(LONGEST_S, cursor.interrupt)
        timer.daemon = True
        timer.start()
        try:
            yield Question(cursor, self, applied)
        except (duckdb.InterruptException, duckdb.OutOfMemoryException) as error:
            raise TooMuch("this takes too long, or too much memory", "narrow it down with a filter first") from error
        except duckdb.Error as error:
            raise unreadable(self.part.files[0], error) from error
        finally:
            timer.cancel()
            with suppress(duckdb.Error):
                cursor.close()

    def source(self, applied: Applied) -> str:
        """The rows as SQL: `i` is the row's place, `c0`, `c1`, ... are its columns."""
        names = [column.sql for column in self.columns]
        has_own = any(column.name.lower() == ROW_NUMBER for column in self.columns)
        parts, before = [], 0
        for path, count in zip(self.part.files, self.counts, strict=True):
            if has_own:  # DuckDB's row number cannot be had beside a column of this name
                number, settings, aliases = "row_number() OVER () - 1", "", names
            else:
                number, settings, aliases = ROW_NUMBER, f", {ROW_NUMBER} = true", [*names, ROW_NUMBER]
            file = f"read_parquet({_quoted(str(path))}, hive_partitioning = false{settings})"
            parts.append(f"SELECT {number} + {before} AS i, {', '.join(names)} FROM {file} AS t({', '.join(aliases)})")
            before += count
        rows = " UNION ALL ".join(parts)
        gone = sorted(applied.dropped | applied.values.keys())
        if gone:
            rows = f"SELECT * FROM ({rows}) WHERE i NOT IN ({', '.join(map(str, gone))})"
        if applied.values:
            rows += " UNION ALL SELECT * FROM edited"
        return f"({rows})"

    def edited(self, applied: Applied) -> pa.Table:
        """The rows that were edited, as they are now, with their place."""
        import pyarrow as pa

        indexes = sorted(applied.values)
        if missing := [index for index in indexes if index not in self._originals]:
            self._originals.update(self.part.rows_at(missing))
        rows = [applied.row(index, self._originals[index]) for index in indexes]
        arrays = [pa.array([row.get(column.name) for row in rows], type=column.type) for column in self.columns]
        return pa.Table.from_arrays([pa.array(indexes, type=pa.int64()), *arrays], ["i", *(one.sql for one in self.columns)])


class Question:
    """A connection that asks about rows. In its SQL `{rows}` stands for them."""

    def __init__(self, cursor: duckdb.DuckDBPyConnection, table: Table, applied: Applied) -> None:
        self._cursor = cursor
        self._rows = table.source(applied)
        if applied.values:
            cursor.register("edited", table.edited(applied))

    def fetch(self, sql: str, values: Sequence[Any] = ()) -> list[tuple[Any, ...]]:
        """All rows of the answer."""
        return self._cursor.execute(sql.replace("{rows}", self._rows), list(values)).fetchall()

    def numbers(self, sql: str, values: Sequence[Any] = ()) -> Any:
        """The first column of the answer as a numpy array."""
        found = self._cursor.execute(sql.replace("{rows}", self._rows), list(values)).fetchnumpy()
        return next(iter(found.values()))

    def arrow(self, sql: str) -> pa.Table:
        """The answer as an Arrow table."""
        return self._cursor.sql(sql.replace("{rows}", self._rows)).to_arrow_table()


def _quoted(text: str) -> str:
    return "'" + text.replace("'", "''") + "'"


@cached(LRUCache(TABLES_KEPT), key=lambda part: part.stamp, condition=Condition())
def table_of(part: Part) -> Table:
    """The table of a part; the last few are kept open.

    Raises:
        UnreadableRows: A file cannot be read.
    """
    return Table(part)
