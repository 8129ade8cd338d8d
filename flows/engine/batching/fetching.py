"""Bringing results of a batch onto the disk, and no more than can be results, or than the disk has room for."""

from __future__ import annotations

import asyncio
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

from flows.engine.batching.open_batch import OpenBatch
from steps.errors import RunError
from steps.llms.batch_apis.told import lines_of
from steps.llms.http import LARGEST_REPLY_BYTES

MOST_BYTES_EACH = LARGEST_REPLY_BYTES
"""What one request may be answered with: as much as where requests go one by one."""
SPARE_BYTES = 512 * 2**20
"""What stays free on the disk: the journal takes up what is fetched."""
LOOKED_EVERY = 16 * 2**20
"""How many bytes come in between two looks at the disk; fewer are fetched in any case."""


async def fetch(batch: OpenBatch, where: str, path: Path) -> None:
    """Bring results into a file. Nothing is left of them where that fails: they can be fetched again.

    Raises:
        RunError: There are more than the requests can have, or the disk is full.
        LLMError: They did not come.
    """
    try:
        await batch.api.download(where, path, _bounds(batch, path))
    except BaseException:
        await asyncio.to_thread(path.unlink, missing_ok=True)
        raise


def fetched_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file of results, each with its place; what is longer than a reply can be is none."""
    return lines_of(path, MOST_BYTES_EACH)


def _bounds(batch: OpenBatch, path: Path) -> Callable[[int], None]:
    """Is told how large the file is going to be.

    Raises:
        RunError: It is too large.
    """
    one, due = batch.one, LOOKED_EVERY
    most = max(one.count, 1) * MOST_BYTES_EACH

    def check(size: int) -> None:
        nonlocal due
        whose = f"the results of {one.name} of step {one.step!r}"
        if size > most:
            what = f"{one.provider} sends {size:,} bytes and more as {whose}, which has {one.count:,} requests"
            raise RunError(what, "look at them at the provider, and resume: they are fetched again, and nothing is sent again")
        if size >= due:
            due = size + LOOKED_EVERY
            if (free := shutil.disk_usage(path.parent).free) < SPARE_BYTES:
                what = f"{path.parent} has {free // 2**20:,} MB left on its disk, too little for {whose}"
                raise RunError(what, "make room, and resume: they are fetched again, and nothing is sent again")

    return check
