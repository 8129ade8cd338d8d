"""One Parquet file of any rows, in constant memory.

The file is begun with the schema of the first rows. Mostly it fits the others; if not, the rest is only looked at, and all is
written again in the schema that fits: from the rows themselves, so nothing is lost on the way through a narrower type.
"""

from __future__ import annotations

import json
import logging
import os
import secrets
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Protocol, Self, runtime_checkable

from flows.engine.codec import decode, encode
from flows.parquet.types import NULL, OddValue, Type, is_stored_alike, join, to_arrow, type_of_dicts
from flows.parquet.values import fitted, plain, weight
from steps.base import Row

CHUNK_ROWS = 2000
CHUNK_BYTES = 16 * 2**20
ANY_COLUMNS = 2**62
IMAGE_STARTS = (b"\x89PNG", b"\xff\xd8\xff", b"GIF8", b"RIFF", b"BM", b"II*\0", b"MM\0*")

log = logging.getLogger(__name__)


def file_name(split: str = "train") -> str:
    return f"{split}-00000-of-00001.parquet"


def write_rows(
    rows: Iterable[Row],
    folder: Path,
    split: str = "train",
    *,
    columns: Sequence[str] = (),
    warn: Callable[[str], None] = log.warning,
) -> int:
    """Write rows to `<folder>/<split>-00000-of-00001.parquet`, all or nothing; returns how many there are.

    The file has the columns of all rows: `columns` first, then the others as they appear; without rows, just `columns`. Where a
    row has none the cell is null. Ints among floats become floats; dicts get the keys of all dicts in their column.
    Values that share no type become JSON text, and `warn` is told once per place which rows they are in.

    A collection may be read a second or third time; other iterables are kept in a temporary file beside the result meanwhile.

    Raises:
        RowError: A column holds something that cannot be stored.
    """
    folder.mkdir(parents=True, exist_ok=True)
    part = folder / f".part-{os.getpid()}-{secrets.token_hex(4)}"
    try:
        with _Source(rows, part.with_suffix(".rows")) as source:
            images: dict[str, bool] = {}
            found, count, is_written = _write_once(source, part, columns, images)
            if not is_written:
                _write_again(source, part, found, images)
            for warning in _warnings(source, found):
                warn(warning)
        part.replace(folder / file_name(split))
    finally:
        part.unlink(missing_ok=True)
    return count


def _write_once(source: _Source, part: Path, columns: Sequence[str], images: dict[str, bool]) -> tuple[Type, int, bool]:
    """Type of the rows, how many there are, and whether they are all written in it. Fills in which columns are images."""
    found, count = Type("dict"), 0
    writer: _Writer | None = None
    try:
        for chunk, own in source.first():
            count += len(chunk)
            found = join(found, own, ANY_COLUMNS)
            _find_images(chunk, own, images)
            if writer is None:
                writer = _Writer(part, _in_order(found, columns), images)
            if not writer.is_stale:
                found = _in_order(found, columns)
                writer.is_stale = not is_stored_alike(writer.found, found)
            if not writer.is_stale:
                writer.write(chunk, found)
        if writer is None:
            found = Type("dict", fields=dict.fromkeys(columns, NULL))
            writer = _Writer(part, found, images)
    finally:
        if writer is not None:
            writer.close()
    return _in_order(found, columns), count, not writer.is_stale


def _write_again(source: _Source, part: Path, found: Type, images: dict[str, bool]) -> None:
    writer = _Writer(part, found, images)
    try:
        for chunk in source.again():
            writer.write(chunk, found)
    finally:
        writer.close()


def _find_images(chunk: list[Row], found: Type, images: dict[str, bool]) -> None:
    """Decide by its first value whether a column of {bytes, path} holds images."""
    for name, inner in found.fields.items():
        if inner.is_image and name not in images:
            content = next((v["bytes"] for row in chunk if (v := row.get(name)) and v.get("bytes")), b"")
            images[name] = content.startswith(IMAGE_STARTS)


def _in_order(found: Type, columns: Sequence[str]) -> Type:
    first = [name for name in columns if name in found.fields]
    return Type("dict", fields={name: found.fields[name] for name in dict.fromkeys([*first, *found.fields])})


def _warnings(source: _Source, found: Type) -> list[str]:
    """A sentence for each place that became JSON text. Only then the rows are looked at one by one, to name two of them."""
    places = dict(found.texts_of_json())
    names = [name for name, inner in found.fields.items() if any(inner.texts_of_json())]
    seen, number, waiting = Type("dict"), 0, set(places)
    for chunk in source.again() if names else ():
        for row in chunk:
            own = type_of_dicts([{name: row[name] for name in names if name in row}], number, limit=ANY_COLUMNS)
            seen = join(seen, own, ANY_COLUMNS)
            number += 1
        waiting -= {path for path, _ in seen.texts_of_json()}
        if not waiting:
            break
    told = {**places, **dict(seen.texts_of_json())}
    return [f"column {path!r} {told[path].why}; it is written as JSON text" for path in places]


class _Source:
    """Rows in chunks, as often as needed."""

    def __init__(self, rows: Iterable[Row], spool: Path) -> None:
        self._rows = rows
        self._spool = spool
        self._file: Any = None
        self._is_odd = False

    def __enter__(self) -> Self:
        if not isinstance(self._rows, Collection):
            self._file = self._spool.open("w+b")
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        if self._file is not None:
            self._file.close()
            self._spool.unlink(missing_ok=True)

    def first(self) -> Iterator[tuple[list[Row], Type]]:
        """Chunks, with their types. Rows with values of other classes become what the ledger would give back."""
        for chunk in _chunks(self._rows):
            try:
                rows, own = chunk, type_of_dicts(chunk, limit=ANY_COLUMNS)
            except OddValue:
                self._is_odd = True
                rows = [plain(row) for row in chunk]
                own = type_of_dicts(rows, limit=ANY_COLUMNS)
            if self._file is not None:
                self._keep(rows)
            yield rows, own

    def again(self) -> Iterator[list[Row]]:
        if self._file is None:
            for chunk in _chunks(self._rows):
                yield [plain(row) for row in chunk] if self._is_odd else chunk
            return
        import zstandard

        self._file.seek(0)
        while size := int.from_bytes(self._file.read(8), "little"):
            lines = zstandard.decompress(self._file.read(size))
            yield [decode(line) for line in lines.split(b"\n")]

    def _keep(self, chunk: list[Row]) -> None:
        import zstandard

        frame = zstandard.compress(b"\n".join(map(encode, chunk)), 1)
        self._file.write(len(frame).to_bytes(8, "little") + frame)


@runtime_checkable
class Chunked(Protocol):
    """Rows that can be had in lists, which is faster than one by one."""

    def chunks(self, rows: int, size: int) -> Iterator[list[Row]]: ...


def _chunks(rows: Iterable[Row]) -> Iterator[list[Row]]:
    if isinstance(rows, Chunked):
        yield from rows.chunks(CHUNK_ROWS, CHUNK_BYTES)
        return
    chunk: list[Row] = []
    size = 0
    for row in rows:
        chunk.append(row)
        size += weight(row)
        if len(chunk) >= CHUNK_ROWS or size >= CHUNK_BYTES:
            yield chunk
            chunk, size = [], 0
    if chunk:
        yield chunk


class _Writer:
    """A Parquet file that is being written; each chunk is a row group."""

    def __init__(self, path: Path, found: Type, images: dict[str, bool]) -> None:
        import pyarrow as pa
        import pyarrow.parquet as pq

        self.found = found
        self.is_stale = False
        fields = [pa.field(name, to_arrow(inner)) for name, inner in found.fields.items()]
        features = {name: {"_type": "Image"} for name in found.fields if images.get(name) and found.fields[name].is_image}
        told = {"huggingface": json.dumps({"info": {"features": features}})} if features else None  # as `datasets` does
        self._schema = pa.schema(fields, metadata=told)
        self._file = pq.ParquetWriter(path, self._schema, compression="zstd")

    def write(self, chunk: list[Row], found: Type) -> None:
        import pyarrow as pa

        self.found = found
        arrays = [
            _array([row.get(name) for row in chunk], inner, self._schema.field(name).type)
            for name, inner in found.fields.items()
        ]
        self._file.write_table(pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        self._file.close()


def _array(values: list[Any], found: Type, stored: Any) -> Any:
    import pyarrow as pa

    if not found.needs_json():
        try:
            return pa.array(values, type=stored)
        except (pa.ArrowException, UnicodeEncodeError, OverflowError):
            pass  # ints that a float only approximates, lone surrogates: value by value
    return pa.array([fitted(value, found) for value in values], type=stored)
