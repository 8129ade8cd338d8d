"""What a stage reports: which rows are settled, what came of them, what failed, and how many."""

from __future__ import annotations

import struct
import traceback
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from flows.engine.codec import decode, encode
from flows.engine.items import Item, pack, unpack
from flows.engine.ledger import Place
from flows.engine.tally import Tally
from steps.errors import BadReply, DistilflowError, MissingKey, RowError, RunError


@dataclass(slots=True)
class Failure:
    """A row that a step could not process: what the quarantine keeps of it."""

    step: str
    step_key: str
    id: str
    key: str
    code: str
    message: str
    fix: str = ""
    attempts: int = 1
    reply: str | None = None
    row: Any = None

    def to_json(self) -> bytes:
        return encode({name: value for name, value in asdict(self).items() if value is not None})


@dataclass(slots=True)
class Counts:
    """Rows of one step: taken, made, failed, and of those taken how many an earlier session had finished; and its requests."""

    taken: int = 0
    made: int = 0
    failed: int = 0
    reused: int = 0
    usage: Tally = field(default_factory=Tally)

    def add(self, other: Counts) -> None:
        self.taken += other.taken
        self.made += other.made
        self.failed += other.failed
        self.reused += other.reused
        self.usage.add(other.usage)


@dataclass(slots=True)
class Collected:
    """Where the rows lie that came of one row in the last step of a stage.

    `has_children`: the rows' ids are `id` with their number after it. `run`: so many rows with ids that count up from this one
    lie one after the other, each with a record of its own.
    """

    id: str
    place: Place
    has_children: bool
    run: int = 1


@dataclass(slots=True)
class Outcome:
    """What a stage made of some items."""

    settled: list[str] = field(default_factory=list)
    """The items taken, by id: nothing more will come of them."""
    items: list[Item] = field(default_factory=list)
    collected: list[Collected] = field(default_factory=list)
    failures: list[Failure] = field(default_factory=list)
    counts: dict[str, Counts] = field(default_factory=dict)
    returned: list[str] = field(default_factory=list)
    """Items given back untouched, by id, because the run is ending."""
    is_last: bool = False
    """A source has no more rows."""

    def count(self, step: str) -> Counts:
        if step not in self.counts:
            self.counts[step] = Counts()
        return self.counts[step]

    def to_bytes(self) -> bytes:
        head = orjson.dumps(
            {
                "settled": self.settled,
                "collected": [[entry.id, list(entry.place), entry.has_children, entry.run] for entry in self.collected],
                "failures": [failure.to_json().decode() for failure in self.failures],
                "counts": {step: asdict(counts) for step, counts in self.counts.items()},
                "returned": self.returned,
                "is_last": self.is_last,
            }
        )
        return struct.pack("<I", len(head)) + head + pack(self.items)

    @staticmethod
    def from_bytes(data: bytes) -> Outcome:
        (size,) = struct.unpack_from("<I", data)
        head = orjson.loads(data[4 : 4 + size])
        return Outcome(
            settled=head["settled"],
            items=unpack(data[4 + size :]),
            collected=[Collected(item_id, Place(*place), *more) for item_id, place, *more in head["collected"]],
            failures=[Failure(**decode(failure.encode())) for failure in head["failures"]],
            counts={step: Counts(**{**counts, "usage": Tally(**counts["usage"])}) for step, counts in head["counts"].items()},
            returned=head["returned"],
            is_last=head["is_last"],
        )


def failure_of(error: BaseException, step: str, step_key: str, item_id: str, key: bytes, row: Any) -> Failure:
    """What went wrong with a row, in words for the person who wrote the pipeline."""
    said = explain(error, row)
    return Failure(
        step=step,
        step_key=step_key,
        id=item_id,
        key=key.hex(),
        code=said.code,
        message=printable(said.message),
        fix=printable(said.fix),
        attempts=error.attempts if isinstance(error, RowError) else 1,
        reply=printable(error.reply) if isinstance(error, BadReply) else None,
        row=row,
    )


def explain(error: BaseException, row: Any = None) -> DistilflowError:
    """Any exception as one that says where, what and what to do."""
    if isinstance(error, DistilflowError):
        return error
    if isinstance(error, KeyError) and isinstance(row, Mapping) and error.args and error.args[0] not in row:
        return MissingKey(f"this row has no {error.args[0]!r}; it has {sorted(map(str, row))}", "check the source")
    frames = traceback.extract_tb(error.__traceback__)
    place = f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""
    return RowError(f"{type(error).__name__}: {_said_by(error)}{place}", "mend the step's code, or drop the row before it")


def step_error(step: str, error: BaseException) -> RunError:
    """What keeps a step from its work, in words: no row is at fault."""
    said = explain(error)
    found = RunError(in_step(step, said.message), said.fix if said is error else "correct this")
    if said is error:
        found.code = said.code
    return found


def in_step(step: str, message: str) -> str:
    """What ended a stage, with the name of its step unless the message names one already."""
    return message if message.startswith("step ") else f"step {step!r}: {message}"


def printable(text: str) -> str:
    """A text that can be written to a file: half of a character (a lone surrogate) is spelled out."""
    return text.encode("utf-8", "backslashreplace").decode()


def _said_by(error: BaseException) -> str:
    try:
        return str(error)
    except Exception:  # the step's own error class
        return "it cannot say why"
