"""Folders of Distisets: found, looked into, and replaced as a whole."""

from __future__ import annotations

import os
import re
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from glob import escape
from pathlib import Path
from typing import Any

import orjson

from flows.lineage.ids import LINEAGE
from flows.processes import lives
from steps.artifacts import ARTIFACTS, METADATA
from steps.errors import RunError

CARD, PIPELINE, REPORT, LOG = OWN_FILES = ("README.md", "pipeline.yaml", "report.json", "run.log")
_FILE = re.compile(r"(?P<split>[\w.]+?)(-\d{5}-of-\d{5})?\.parquet", re.ASCII)
_LEFT = re.compile(r"(?P<what>part|old)-(?P<pid>\d+)-[0-9a-f]{8}")


class NotADistiset(RunError):
    """The folder holds no Distiset: none can be read there, or what lies there must not be replaced by one."""

    code = "not-a-distiset"


def check_target(folder: Path) -> None:
    """Check that a Distiset may be written here: best before a run, not after it.

    Raises:
        NotADistiset: Something else lies here.
    """
    folder = _real(folder)
    if folder.exists() and not folder.is_dir():
        raise NotADistiset(f"{folder} is a file; a Distiset is a folder", "name another folder")
    if not folder.is_dir():
        return
    if folder.is_mount():
        raise NotADistiset(
            f"{folder} is a disk of its own, which cannot be replaced", f"name a folder in it: {folder / 'distiset'}"
        )
    if any(folder.iterdir()) and not _is_distiset(folder):
        raise NotADistiset(
            f"{folder} is not empty and holds no Distiset (it has no {REPORT} of one); nothing in it was touched",
            "name another folder, or empty this one",
        )


@contextmanager
def replaced_folder(folder: Path) -> Iterator[Path]:
    """A new folder to write into, which takes the place of `folder` when the block ends well; else nothing changes.

    Files that somebody put beside those of the old Distiset stay.

    Raises:
        NotADistiset: Something that is no Distiset lies there.
    """
    check_target(folder)
    folder = _real(folder)
    _tidy(folder)
    mark = f"{os.getpid()}-{secrets.token_hex(4)}"
    part, old = (folder.with_name(f".{folder.name}.{what}-{mark}") for what in ("part", "old"))
    part.mkdir(parents=True)
    try:
        yield part
        _swap(part, folder, old)
    finally:
        shutil.rmtree(part, ignore_errors=True)


def _swap(part: Path, folder: Path, old: Path) -> None:
    if not folder.exists():
        part.rename(folder)
        return
    folder.rename(old)
    try:
        part.rename(folder)
    except OSError:
        old.rename(folder)
        raise
    _put_away(old, folder)


def _put_away(old: Path, folder: Path) -> None:
    """Drop the Distiset that another one has replaced, but for what somebody put beside it."""
    for entry in old.iterdir():
        if not _is_ours(entry) and not (folder / entry.name).exists():
            entry.rename(folder / entry.name)
    shutil.rmtree(old)


def _tidy(folder: Path) -> None:
    """Put in order what a process left that was killed while it replaced this folder."""
    for left in folder.parent.glob(f".{escape(folder.name)}.*-*"):
        named = _LEFT.fullmatch(left.name.removeprefix(f".{folder.name}."))
        if named is None or (lives(pid := int(named["pid"])) and pid != os.getpid()):  # containers count from 1, each time
            continue
        with suppress(OSError):  # somebody else's, or somebody else was faster
            if named["what"] == "part":
                shutil.rmtree(left)
            elif _is_distiset(folder):
                _put_away(left, folder)
            elif _is_distiset(left):  # the last result; `folder` is missing or empty
                left.rename(folder)


def _real(folder: Path) -> Path:
    return folder.expanduser().resolve()


def _is_distiset(folder: Path) -> bool:
    return "run_id" in _report(folder)


def _report(folder: Path) -> dict[str, Any]:
    """The report that lies in a folder; empty where there is none, or none that can be read."""
    with suppress(OSError, ValueError):
        report = orjson.loads((folder / REPORT).read_bytes())
        if isinstance(report, dict):
            return report
    return {}


def _is_ours(entry: Path) -> bool:
    if entry.name in OWN_FILES or entry.name == LINEAGE:
        return True
    is_artifacts = entry.name == ARTIFACTS and any(entry.glob(f"*/*/{METADATA}"))
    return is_artifacts or (entry.is_dir() and any(entry.glob("*.parquet")))


# ---- reading


def leaves_in(folder: Path) -> dict[str, dict[str, list[Path]]]:
    """Files by leaf and split; the leaves in the order of the report.

    Raises:
        NotADistiset: There are none.
    """
    if not folder.is_dir():
        raise NotADistiset(f"there is no folder {folder}", "check the path; a run's own lies in runs/<run>/distiset")
    found: dict[str, dict[str, list[Path]]] = {}
    for path in sorted(folder.glob("*/*.parquet")):
        if named := _FILE.fullmatch(path.name):
            found.setdefault(path.parent.name, {}).setdefault(named["split"], []).append(path)
    if not found:
        raise NotADistiset(f"{folder} holds no Distiset: no <leaf>/<split>-....parquet", "name the folder of a Distiset")
    order = _order(folder)
    return {leaf: found[leaf] for leaf in sorted(found, key=lambda leaf: order.get(leaf, len(order)))}


def _order(folder: Path) -> dict[str, int]:
    rows = _report(folder).get("rows")
    return {leaf: at for at, leaf in enumerate(rows)} if isinstance(rows, dict) else {}


def head(folder: Path, leaf: str = "default", rows: int = 5) -> list[dict[str, Any]]:
    """The first rows of a leaf, read without `datasets`.

    Raises:
        NotADistiset: There is no such leaf.
    """
    import pyarrow.parquet as pq

    leaves = leaves_in(folder)
    if leaf not in leaves:
        raise NotADistiset(f"{folder} has no leaf {leaf!r}; it has {', '.join(leaves)}", "name one of these")
    found: list[dict[str, Any]] = []
    for path in (path for paths in leaves[leaf].values() for path in paths):
        with pq.ParquetFile(path, pre_buffer=False) as file:
            for batch in file.iter_batches(max(rows, 1), use_threads=False):
                found += batch.to_pylist()
                if len(found) >= rows:
                    return found[:rows]
    return found
