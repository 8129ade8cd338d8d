"""What the disk refuses, in words: whatever was meant to be kept, and what to do."""

from __future__ import annotations

import errno
from collections.abc import Iterator
from contextlib import contextmanager

from steps.errors import RunError

_FULL = frozenset({errno.ENOSPC, errno.EDQUOT, errno.EFBIG})
_CLOSED = frozenset({errno.EACCES, errno.EPERM, errno.EROFS})
_GONE = frozenset({errno.ENOENT, errno.ESTALE})


class DiskError(RunError):
    """The disk did not take something, or does not give it."""

    code = "disk"


@contextmanager
def disk(what: str) -> Iterator[None]:
    """Work with files; `what` says what did not come about when they refuse: "the answer was not kept".

    Raises:
        DiskError: A file or folder could not be read or written.
    """
    try:
        yield
    except OSError as error:
        raise DiskError(f"{what}: {_seen(error)}", _fix(error.errno)) from error


def _seen(error: OSError) -> str:
    where = f" ({error.filename})" if isinstance(error.filename, str) else ""
    return f"{error.strerror or error}{where}"


def _fix(number: int | None) -> str:
    if number in _FULL:
        return "make room on the disk, then do it again: what was there is as it was"
    if number in _CLOSED:
        return "give whoever runs this the right to write there, then do it again"
    if number in _GONE:
        return "it was moved or deleted meanwhile: put it back, or choose another project"
    return "look at that file or folder, then do it again"
