"""The result of a run as others get it: the engine's files, with the changes that people made by hand applied and named."""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from flows.card import read_front_matter
from flows.card.front_matter import front_matter
from flows.distiset.artifacts import artifacts_of
from flows.distiset.by_hand import CHANGES, Applied, Change, Standing, as_lines, in_words
from flows.distiset.folders import CARD, LOG, PIPELINE
from flows.distiset.parts import Part, parts_of, standing_of, unreadable
from flows.journals import SHARED
from flows.parquet.values import json_text
from flows.runs import RunFolder
from steps.artifacts import METADATA
from steps.errors import RunError
from steps.secrets import has_key

KEY_LEFT_OUT = "left out: it looks like a key"

_BY_HAND = f"""

## Changed by hand

After the run, people changed the rows: {{said}}. `{CHANGES}` lists each change with its row, column, value before and value
after. The counts above are those of the run.
"""


@dataclass(frozen=True)
class Published:
    """Files to hand on, by name: where each lies, or what it holds."""

    files: dict[str, Path | bytes]
    rewritten: dict[str, tuple[Part, int]]
    """Files of rows that have changes: their part, and which of its files."""
    standing: Standing

    def sizes(self) -> dict[str, int]:
        """Bytes by name; of rows that were changed, those of the unchanged file."""
        return {name: len(found) if isinstance(found, bytes) else found.stat().st_size for name, found in self.files.items()}


def published(run: RunFolder, licence: str | None = None) -> Published:
    """What of a run's result is handed on. The report stays here: it tells where things lie on this machine.

    Raises:
        RunError: There is no result.
    """
    folder = run.distiset
    parts = parts_of(run)
    if not parts:
        raise RunError(f"run {run.run_id!r} has no result yet", "wait for its end, or stop it and keep what is finished")
    standing = standing_of(run, parts)
    files: dict[str, Path | bytes] = {}
    rewritten: dict[str, tuple[Part, int]] = {}
    for part in parts.values():
        for at, path in enumerate(part.files):
            name = path.relative_to(folder).as_posix()
            files[name] = path
            if standing.of(part.name):
                rewritten[name] = (part, at)
    for named in artifacts_of(folder).values():
        for artifact in named.values():
            for path in [*artifact.files().values(), artifact.path / METADATA]:
                if path.is_file() and not path.is_symlink():
                    files[path.relative_to(folder).as_posix()] = path
    for name in (PIPELINE, LOG, SHARED):
        if (folder / name).is_file() and not (folder / name).is_symlink():
            files[name] = folder / name
    if standing.applied:
        files[CHANGES] = as_lines(map(_without_key, standing.applied))
    files[CARD] = card_text(run, standing, licence).encode()
    return Published(files, rewritten, standing)


def _without_key(change: Change) -> Change:
    """The change, but for a value before it that looks like a key: it may be why somebody changed the row."""
    return replace(change, before=KEY_LEFT_OUT) if has_key(json_text(change.before)) else change


def card_text(run: RunFolder, standing: Standing, licence: str | None = None) -> str:
    """The card, with what was changed by hand and the licence that its author chose; empty when there is none."""
    try:
        path = run.distiset / CARD
        text = "" if path.is_symlink() else path.read_text(encoding="utf-8", errors="replace")
    except OSError:
        text = ""
    if licence:
        head, body = read_front_matter(text)
        text = front_matter({"license": licence, **{name: value for name, value in head.items() if name != "license"}}) + body
    if said := in_words(standing):
        text = text.rstrip("\n") + _BY_HAND.format(said=said)
    return text


@contextmanager
def prepared(run: RunFolder, licence: str | None = None) -> Iterator[Path]:
    """A temporary folder with all that is handed on; unchanged files are links.

    Raises:
        RunError: There is no result, or a file of it cannot be read.
    """
    found = published(run, licence)
    with tempfile.TemporaryDirectory(prefix="distilflow-publish-") as name:
        folder = Path(name)
        for path, source in found.files.items():
            target = folder / path
            target.parent.mkdir(parents=True, exist_ok=True)
            if path in found.rewritten:
                part, at = found.rewritten[path]
                _write_changed(part, at, found.standing.of(part.name), target)
            elif isinstance(source, bytes):
                target.write_bytes(source)
            else:
                target.symlink_to(source.resolve())
        yield folder


def _write_changed(part: Part, at: int, applied: Applied, target: Path) -> None:
    """One file of a part again, with its changes: row groups without one go through as they are."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    files = part.open()
    try:
        file, before = files[at], sum(one.metadata.num_rows for one in files[:at])
        with pq.ParquetWriter(target, file.schema_arrow, compression="zstd") as writer:
            for group in range(file.num_row_groups):
                table = file.read_row_group(group)
                indexes = range(before, before + table.num_rows)
                before += table.num_rows
                if not applied.dropped.isdisjoint(indexes) or any(index in applied.values for index in indexes):
                    table = _changed(table, indexes, applied, file.schema_arrow)
                if table.num_rows:
                    writer.write_table(table)
    except (OSError, pa.ArrowException) as error:
        raise unreadable(part.files[at], error) from error
    finally:
        for one in files:
            one.close()


def _changed(table: Any, indexes: range, applied: Applied, schema: Any) -> Any:
    import pyarrow as pa

    rows = zip(indexes, table.to_pylist(), strict=True)
    kept = [applied.row(index, row) for index, row in rows if index not in applied.dropped]
    return pa.Table.from_pylist(kept, schema=schema)
