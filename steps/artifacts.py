"""Files that a step leaves beside its rows, in a folder that whoever runs the step gave it.

<folder>/<name>/<version>/     the newest version counts
  metadata.json                what the step says of it
  ...                          what the step wrote

A version is written under a hidden name and put there whole, by one rename. So a process that is killed meanwhile leaves the
version before, and of several that write at the same time the last one counts.
"""

from __future__ import annotations

import re
import secrets
import shutil
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import orjson

from steps.errors import RunError

ARTIFACTS = "artifacts"
"""The folder that those of all steps are gathered in."""
METADATA = "metadata.json"
MOST_METADATA = 2**20
"""Bytes: it is shown wherever the artifact is."""
Write = Callable[[Path], object]
"""Writes the files of an artifact into a folder, which is empty."""

_LONGEST_NAME = 100
"""In bytes: a letter of some scripts is three of them."""
_NOT_IN_NAMES = re.compile(r'[/\\:*?"<>|]')
_HIDDEN = "."


def check_name(name: str) -> None:
    """Check that an artifact can be called so: its name is that of a folder, on any machine.

    Raises:
        RunError: It cannot.
    """
    is_fit = name.isprintable() and name == name.strip() and not name.startswith(_HIDDEN) and not name.endswith(".")
    if not name or not is_fit or _NOT_IN_NAMES.search(name) or len(name.encode(errors="replace")) > _LONGEST_NAME:
        raise RunError(
            f"{name[:200]!r} cannot be the name of an artifact: it is the name of a folder",
            f'use up to {_LONGEST_NAME} letters, none of / \\ : * ? " < > |, and no dot at either end',
        )


def write_artifact(folder: Path, name: str, write: Write, metadata: Mapping[str, Any] | None = None) -> None:
    """Write an artifact; it takes the place of an earlier one of this name.

    Raises:
        RunError: The name, the metadata or what was written cannot be kept.
    """
    check_name(name)
    said = _as_json(name, metadata or {})
    part = folder / name / f"{_HIDDEN}{secrets.token_hex(8)}"
    part.mkdir(parents=True)
    try:
        _write(part, name, write)
        (part / METADATA).write_bytes(said)
        version = part.with_name(f"{time.time_ns():020}-{secrets.token_hex(4)}")
        part.rename(version)
    finally:
        shutil.rmtree(part, ignore_errors=True)
    for older in _versions(folder / name):
        if older.name < version.name:
            shutil.rmtree(older, ignore_errors=True)


def artifacts_in(folder: Path) -> dict[str, Path]:
    """The newest version of each artifact, by name; none where there is no such folder."""
    names = sorted(path for path in folder.iterdir() if path.is_dir()) if folder.is_dir() else []
    versions = {path.name: _versions(path) for path in names}
    return {name: found[-1] for name, found in versions.items() if found}


def _versions(folder: Path) -> list[Path]:
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.name.startswith(_HIDDEN))


def _as_json(name: str, metadata: Mapping[str, Any]) -> bytes:
    """Metadata as it is written; values that JSON lacks as text."""
    options = orjson.OPT_INDENT_2 | orjson.OPT_SERIALIZE_NUMPY | orjson.OPT_NON_STR_KEYS
    try:
        said = orjson.dumps(dict(metadata), default=str, option=options)
    except (TypeError, ValueError) as error:
        raise RunError(
            f"the metadata of artifact {name!r} cannot be written: {error}", "give a mapping of names to values"
        ) from error
    if len(said) > MOST_METADATA:
        raise RunError(f"the metadata of artifact {name!r} has {len(said):,} bytes", "write what is long into a file of it")
    return said


def _write(part: Path, name: str, write: Write) -> None:
    try:
        write(part)
    except IsADirectoryError as error:
        raise RunError(
            f"artifact {name!r}: the function that writes it gets a folder, and opened it as a file",
            'write into the folder: lambda folder: (folder / "plot.png").write_bytes(...)',
        ) from error
    if link := next((path for path in part.rglob("*") if path.is_symlink()), None):
        raise RunError(
            f"artifact {name!r} holds a link, {link.relative_to(part)}: elsewhere it leads nowhere", "write the file itself"
        )
    if odd := next((path for path in part.rglob("*") if not (path.is_file() or path.is_dir())), None):
        raise RunError(
            f"artifact {name!r} holds {odd.relative_to(part)}, which is neither a file nor a folder",
            "write files into the folder",
        )
    if (part / METADATA).exists():
        raise RunError(
            f"artifact {name!r} holds a file {METADATA}, which is where its metadata goes",
            "give it another name, or pass what it says as `metadata`",
        )
