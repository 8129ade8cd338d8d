"""What a provider tells of a batch, and of each request in it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, NamedTuple

from steps.errors import LLMError, ServerFailed
from steps.llms.base import Completion

State = Literal["running", "ended", "failed"]
"""failed: it never began, so nothing of it is charged."""


class BatchUnknown(LLMError):
    """The provider does not know a batch, or no longer has what came of it."""

    code = "batch-unknown"


class Fault(NamedTuple):
    """Why a provider did not take a batch: its code and words, and the line of the file that it means; 0 for all of it."""

    code: str
    message: str
    line: int = 0


@dataclass(frozen=True, slots=True)
class BatchState:
    """How far a batch is. `done` and `failed` are as the provider counts its requests."""

    id: str
    state: State
    done: int
    failed: int
    results: tuple[str, ...] = ()
    """Where its results are, once it has ended: files by their ids, or an address."""
    faults: tuple[Fault, ...] = ()
    is_cancelled: bool = False
    """Somebody ended it before its time; what was answered by then counts."""


@dataclass(frozen=True, slots=True)
class Result:
    """What came of one request. `is_final`: asked again, it would be no better, or nobody wants it to be. `was_run`: the
    provider counts it as done, whatever the reply is good for.
    """

    custom_id: str
    reply: Completion | LLMError
    is_final: bool = False
    was_run: bool = False


def lines_of(file: Path, longest: int = -1) -> Iterator[tuple[int, bytes]]:
    """The lines of a file, each with its place; none of more than `longest` bytes, if that is given."""
    with file.open("rb") as content:
        at, is_rest = 0, False
        while line := content.readline(longest):
            is_cut = len(line) == longest and not line.endswith(b"\n")
            if not (is_cut or is_rest) and line.strip():
                yield at, line
            at += len(line)
            is_rest = is_cut


def is_refusal(error: LLMError) -> bool:
    """Whether a provider that was asked to make something said no: then there is nothing. Else nobody knows."""
    return not isinstance(error, ServerFailed) and not error.code.startswith(("network", "unreachable"))


def number(value: Any) -> int:
    """A count as a provider tells it; 0 for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
