"""What results come from beyond rows and parameters: the content of files, and code that lies in other modules."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable
from functools import cache
from pathlib import Path


def content_of(files: Iterable[str | Path]) -> str:
    """Hash of what files hold, in this order; empty for no files. One that cannot be read counts as missing."""
    digest = hashlib.blake2b(digest_size=16)
    paths = [Path(file) for file in files]
    for path in paths:
        try:
            content = path.read_bytes()
        except (OSError, ValueError):  # whoever opens it says what is wrong with it
            digest.update(b"missing ")
        else:
            digest.update(f"{len(content)} ".encode() + content)
    return digest.hexdigest() if paths else ""


@cache
def sources_in(folder: Path) -> str:
    """Hash of all Python sources in a folder and those below, read once in each process."""
    files = sorted(folder.rglob("*.py"))
    names = "\n".join(file.relative_to(folder).as_posix() for file in files)
    return hashlib.blake2b(f"{names}\n{content_of(files)}".encode("utf-8", "surrogateescape"), digest_size=16).hexdigest()
