"""Rows of JSON, CSV and Parquet files, read piece by piece: memory does not grow with the file."""

from __future__ import annotations

import difflib
import glob
import gzip
import json
import re
import zlib
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from functools import lru_cache
from io import BufferedIOBase
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

import orjson

from steps.base import Row
from steps.errors import RunError
from steps.shipped import here_or_shipped

FileType = Literal["json", "csv", "parquet"]
PEEK_ROWS = 1000

_SUFFIXES: dict[str, FileType] = {
    ".json": "json",
    ".jsonl": "json",
    ".ndjson": "json",
    ".csv": "csv",
    ".tsv": "csv",
    ".parquet": "parquet",
}
_REPLY = re.compile(rb'\{"key":"[0-9a-f]{32}","messages":')
"""How a line begins that `distilflow journal` wrote."""
_BOM = b"\xef\xbb\xbf"
_CHUNK_BYTES = 1 << 20
_LINES_BYTES = 1 << 18


class NoFile(RunError):
    """No file goes by this name or pattern."""

    code = "no-file"


class BadFile(RunError):
    """A file cannot be read as rows; the message says which and where."""

    code = "bad-file"


# ---- which files


def find_files(patterns: Iterable[str]) -> list[Path]:
    """Files that these paths, folders and patterns name, each pattern's in order of name.

    Raises:
        NoFile: One of them matches nothing.
    """
    found: dict[Path, None] = {}
    for pattern in patterns:
        matches = _matches(Path(pattern).expanduser()) or _matches(here_or_shipped(pattern))
        if not matches:
            raise NoFile(f"no file matches {pattern!r} in {Path.cwd()}{_near(pattern)}", "paths start from that folder")
        found.update(dict.fromkeys(matches))
    return list(found)


def _matches(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if path.is_dir():
        return sorted(inner for inner in path.rglob("*") if inner.is_file() and _suffix(inner) in _SUFFIXES)
    return sorted(match for name in glob.glob(str(path), recursive=True) if (match := Path(name)).is_file())  # noqa: PTH207


def _near(pattern: str) -> str:
    wanted = Path(pattern)
    if "://" in pattern:
        return "; only files on this machine can be read: use LoadDataFromHub for data sets of the Hub"
    if not wanted.parent.is_dir():
        return f"; there is no folder {str(wanted.parent)!r}"
    names = [path.name for path in wanted.parent.iterdir() if path.is_file() and not _is_journal(path)]
    matches = difflib.get_close_matches(wanted.name, names, n=1)
    return f". Did you mean {str(wanted.parent / matches[0])!r}?" if matches else ""


def _is_journal(path: Path) -> bool:
    """Whether a file holds replies that `distilflow journal` wrote: no data for a source."""
    try:
        with path.open("rb") as file:
            return _REPLY.match(file.read(64)) is not None
    except OSError:
        return False


def _suffix(path: Path) -> str:
    return (Path(path.stem) if path.suffix.lower() == ".gz" else path).suffix.lower()


def type_of(path: Path) -> FileType:
    """What a file holds, by its name.

    Raises:
        BadFile: The name does not say.
    """
    if (suffix := _suffix(path)) not in _SUFFIXES:
        raise BadFile(f"{path}: its name does not say what it holds", "set `filetype` to json, csv or parquet")
    return _SUFFIXES[suffix]


# ---- rows


def read_rows(path: Path, filetype: FileType | None = None) -> Iterator[Row]:
    """The rows of a file, one at a time.

    Raises:
        BadFile: It is empty, not UTF-8, or not what its name says.
    """
    readers = {"json": _read_json, "csv": _read_csv, "parquet": _read_parquet}
    read = readers[filetype or type_of(path)]
    with _opened(path) as file:
        yield from read(file, path)


def peek_columns(paths: Sequence[Path], filetype: FileType | None = None, most_rows: int | None = None) -> list[str] | None:
    """Columns of the first rows, in the order in which they turn up.

    Raises:
        BadFile: They cannot be read.
    """
    columns: dict[str, None] = {}
    left = min(PEEK_ROWS, most_rows or PEEK_ROWS)
    for path in paths:
        if left <= 0:
            break
        found, rows = _peek(path, filetype, left, _version(path))
        columns.update(dict.fromkeys(found))
        left -= rows
    return list(columns) or None


def count_rows(paths: Sequence[Path], filetype: FileType | None = None, most_rows: int | None = None) -> int:
    """How many rows there are, up to `most_rows`; Parquet knows, other files are read for it.

    Raises:
        BadFile: They cannot be read.
    """
    count = 0
    for path in paths:
        if most_rows is not None and count >= most_rows:
            return most_rows
        if (filetype or type_of(path)) == "parquet":
            with _opened(path) as file, _parquet(file, path) as table:
                count += table.metadata.num_rows
        else:
            left = None if most_rows is None else most_rows - count
            count += sum(1 for _ in islice(read_rows(path, filetype), left))
    return count if most_rows is None else min(count, most_rows)


def _version(path: Path) -> tuple[int, ...]:
    """What changes with a file; of one that cannot be looked at, whoever reads it says what is wrong."""
    try:
        found = path.stat()
    except OSError:
        return ()
    return found.st_dev, found.st_ino, found.st_mtime_ns, found.st_size


@lru_cache(maxsize=256)
def _peek(path: Path, filetype: FileType | None, most_rows: int, version: tuple[int, ...]) -> tuple[tuple[str, ...], int]:
    """Columns of the first rows of a file, and how many rows that were. Kept, since a pipeline is planned at each change."""
    if (filetype or type_of(path)) == "parquet":
        with _opened(path) as file, _parquet(file, path) as table:
            return tuple(table.schema_arrow.names), table.metadata.num_rows
    first = list(islice(read_rows(path, filetype), most_rows))
    return tuple(dict.fromkeys(column for row in first for column in row)), len(first)


@contextmanager
def _opened(path: Path) -> Iterator[BufferedIOBase]:
    try:
        if path.stat().st_size == 0:
            raise BadFile(f"{path} is empty", "write rows to it, or leave it out")
        with gzip.open(path) if path.suffix.lower() == ".gz" else path.open("rb") as file:
            yield file
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise BadFile(f"{path} is not a whole gzip file: {error}", "compress it again") from error
    except OSError as error:
        raise BadFile(f"{path} cannot be read: {error.strerror or error}", "check its permissions") from error


def decoded(data: bytes, path: Path, line: int, column: int = 0) -> str:
    """Text of some bytes that start at this line, after `column` bytes of it.

    Raises:
        BadFile: They are not UTF-8; the message says where.
    """
    try:
        return data.decode()
    except UnicodeDecodeError as error:
        line, column = _moved(line, column, data[: error.start])
        raise BadFile(
            f"{path}:{line}: byte {column + 1} of the line (0x{data[error.start]:02x}) is not UTF-8", "save it as UTF-8"
        ) from error


def _moved(line: int, column: int, passed: bytes) -> tuple[int, int]:
    """Line and column after these bytes."""
    if lines := passed.count(b"\n"):
        return line + lines, len(passed) - passed.rfind(b"\n") - 1
    return line, column + len(passed)


# ---- JSON


def _read_json(file: Any, path: Path) -> Iterator[Row]:
    start = file.peek(4096).removeprefix(_BOM).lstrip()
    return _json_array(file, path) if start.startswith(b"[") else _json_lines(file, path)


def _json_lines(file: BufferedIOBase, path: Path) -> Iterator[Row]:
    is_blank, number = True, 1
    while lines := file.readlines(_LINES_BYTES):
        if rows := _plain_lines(lines):
            is_blank = False
            yield from rows
        else:
            for row in _each_line(lines, path, number):
                is_blank = False
                yield row
        number += len(lines)
    if is_blank:
        raise BadFile(f"{path} is empty", "write rows to it, or leave it out")


def _plain_lines(lines: list[bytes]) -> list[Row] | None:
    """The objects of these lines, if there is nothing odd about any of them."""
    if _LONG_NUMBER in b"".join(lines).translate(_DIGITS_AS_ZEROS):
        return None
    try:
        rows = list(map(orjson.loads, lines))
    except orjson.JSONDecodeError:
        return None
    return rows if set(map(type, rows)) == {dict} else None


def _each_line(lines: list[bytes], path: Path, number: int) -> Iterator[Row]:
    for at, line in enumerate(lines, number):
        text = line.removeprefix(_BOM) if at == 1 else line
        if text.strip():
            yield _json_object(text, path, at, len(line) - len(text))


# A string, as far as it is there, or a bracket.
_MARK = re.compile(rb'"[^"\\]*+(?:\\.[^"\\]*+)*+("?)|[{}\[\]]', re.DOTALL)


def _json_array(file: BufferedIOBase, path: Path) -> Iterator[Row]:
    """Objects of one large array, cut out by counting the brackets outside of strings."""
    buffer, start, line, column = b"", 0, 1, 0  # line and column of buffer[start], where the present piece begins
    at = depth = 0
    before = b"["  # what stands before the next object
    while chunk := file.read(_CHUNK_BYTES):
        buffer, at, start = buffer[start:] + chunk, at - start, 0
        while mark := _MARK.search(buffer, at):
            bracket = mark[0]
            if bracket.startswith(b'"') and not mark[1]:  # the string goes on in the next chunk
                break
            at = mark.end()
            if bracket in b"{[":
                depth += 1
                if depth != 2:
                    continue
                piece, is_good = buffer[start : mark.start()], bracket == b"{"
                if not is_good or _bare(piece) != before:
                    raise _not_an_object(path, line, buffer[start:at])
            elif bracket in b"}]":
                depth -= 1
                if depth > 1:
                    continue
                piece = buffer[start:at]
                if depth == 1:
                    yield _json_object(piece, path, line, column)
                    before = b","
                elif depth < 0 or _bare(piece) != (b"]" if before == b"," else b"[]"):
                    raise _not_an_object(path, line, piece)
                else:
                    before = b","  # nothing may follow
            else:
                continue
            line, column = _moved(line, column, piece)
            start += len(piece)
    if depth > 0:
        raise BadFile(f"{path}: the array is not closed: the file ends too early", "write or copy the file again")
    if _bare(buffer[start:]):
        raise _not_an_object(path, line, buffer[start:])


def _bare(data: bytes) -> bytes:
    return b"".join(data.removeprefix(_BOM).split())


def _not_an_object(path: Path, line: int, seen: bytes) -> BadFile:
    text = seen.decode(errors="replace").strip()
    return BadFile(
        f"{path}:{line}: expected an object of the array, found {text[-60:]!r}",
        "an array must hold objects: [{...}, {...}]",
    )


_DIGITS_AS_ZEROS = bytes(ord("0") if chr(byte).isdigit() and byte < 128 else ord(" ") for byte in range(256))
_LONG_NUMBER = b"0" * 19  # orjson makes floats of longer ones; found thus in a tenth of the time of a regular expression


def _json_object(data: bytes, path: Path, line: int, column: int) -> Row:
    row: Any = None
    if _LONG_NUMBER not in data.translate(_DIGITS_AS_ZEROS):
        with suppress(orjson.JSONDecodeError):
            row = orjson.loads(data)
    if row is None:
        row = _python_json(decoded(data, path, line, column), path, line)
    if not isinstance(row, dict):
        raise BadFile(f"{path}:{line}: a row must be an object, not a {type(row).__name__}", 'write {"column": value}')
    return row


def _python_json(text: str, path: Path, line: int) -> Any:
    """What orjson refuses but Python writes: NaN, long numbers, half emojis."""
    fix = "write one object per line, or one array of objects"
    text = text.rstrip()
    try:
        return json.loads(text)
    except json.JSONDecodeError as error:
        line += text.count("\n", 0, error.pos)
        seen = repr(text[error.pos : error.pos + 30].strip()) if text[error.pos :].strip() else "the end"
        raise BadFile(f"{path}:{line}: this is not JSON: {error.msg} at {seen}", fix) from error
    except (ValueError, RecursionError) as error:
        raise BadFile(f"{path}:{line}: this JSON cannot be read: {error}", fix) from error


# ---- CSV


def _read_csv(file: BufferedIOBase, path: Path) -> Iterator[Row]:
    import csv

    csv.field_size_limit(2**31 - 1)  # texts of models are longer than its 128 kB
    lines = (decoded(line, path, number) for number, line in enumerate(file, 1))
    first = next(lines, "").removeprefix("\ufeff")
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(chain([first], lines), delimiter=delimiter, strict=True)
    try:
        header = _header(next(reader, []), path)
        for cells in reader:
            if len(cells) > len(header):
                raise BadFile(
                    f"{path}:{reader.line_num}: this row has {len(cells)} cells, the header has {len(header)}",
                    'put quotes around cells that hold commas, quotes or line breaks, and write " as ""',
                )
            if cells:
                yield dict.fromkeys(header) | dict(zip(header, cells, strict=False))
    except csv.Error as error:
        raise BadFile(f"{path}:{reader.line_num}: this is not CSV: {error}", "check the quotes there") from error


def _header(cells: list[str], path: Path) -> list[str]:
    """Names of the columns. A first one without a name is the index that pandas writes."""
    names = ["Unnamed: 0" if at == 0 and not name.strip() else name.strip() for at, name in enumerate(cells)]
    fix = "put the names of the columns into line 1"
    if not any(name.strip() for name in cells):
        raise BadFile(f"{path} is empty" if not cells else f"{path}:1: the header holds no names", fix)
    is_text = any(not name or len(name) > 200 or "\n" in name for name in names)
    if is_text or all(_is_number(name) for name in cells if name):
        raise BadFile(f"{path}:1: this is a row, not a header: {str(cells)[:80]}", fix)
    if repeated := sorted({name for name in names if names.count(name) > 1}):
        raise BadFile(f"{path}:1: the header names {', '.join(map(repr, repeated))} twice", "give each its own name")
    return names


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


# ---- Parquet


def _read_parquet(file: BufferedIOBase, path: Path) -> Iterator[Row]:
    with _parquet(file, path) as table:
        for batch in table.iter_batches(batch_size=256):
            yield from batch.to_pylist()


@contextmanager
def _parquet(file: BufferedIOBase, path: Path) -> Iterator[Any]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(file) as table:
            yield table
    except (pa.ArrowException, OSError) as error:
        raise BadFile(f"{path} is not a Parquet file: {error}", "say what it is in `filetype`") from error
