"""Steps for engine tests: they fail, sleep, multiply, die, and count their calls in a file."""

from __future__ import annotations

import asyncio
import itertools
import os
import random
import signal
import sys
import time
from collections.abc import Collection, Iterable, Iterator
from pathlib import Path
from typing import ClassVar

from pydantic import Field, PrivateAttr

from steps.base import Batch, GeneratorStep, GlobalStep, LoopStep, Row, Step
from steps.errors import RowError
from steps.llms.base import Ask, Chat
from steps.tasks.base import Task


def note(path: str, line: str) -> None:
    if path:
        with Path(path).open("a") as file:
            file.write(line + "\n")


class Numbers(GeneratorStep):
    """Counts."""

    outputs: ClassVar[tuple[str, ...]] = ("i",)
    rows: int = 10

    def generate(self) -> Iterator[Row]:
        for i in range(self.rows):
            yield {"i": i}


class Remark(Step):
    """Says something, as steps of distilabel do."""

    def load(self) -> None:
        self._logger.warning("ready")

    def process(self, batch: Batch) -> Batch:
        for row in batch:
            self._logger.info("too quiet")
            self._logger.error("seen %s", row["i"])
        return batch


class Add(Step):
    """Adds a column; raises for chosen rows; may sleep or kill its worker."""

    inputs: ClassVar[tuple[str, ...]] = ("i",)
    column: str = "added"
    plus: int = 0
    raise_at: list[int] = Field(default_factory=list)
    kill_at: list[int] = Field(default_factory=list)
    kill_once: str = ""
    sleep_s: float = 0.0
    calls: str = ""

    def makes(self) -> list[str]:
        return [self.column]

    def process(self, batch: Batch) -> Batch:
        time.sleep(self.sleep_s)
        for row in batch:
            if row["i"] in self.kill_at and not (self.kill_once and Path(self.kill_once).exists()):
                if self.kill_once:
                    Path(self.kill_once).touch()
                os.kill(os.getpid(), signal.SIGKILL)
            if row["i"] in self.raise_at:
                raise ValueError(f"cannot add to {row['i']}")
        note(self.calls, "\n".join(str(row["i"]) for row in batch))
        return [{**row, self.column: row["i"] + self.plus} for row in batch]


class Odd(Step):
    """Drops even rows."""

    changes_rows: ClassVar[bool] = True
    inputs: ClassVar[tuple[str, ...]] = ("i",)

    def process(self, batch: Batch) -> Batch:
        return [row for row in batch if row["i"] % 2]


class EnoughOfBoth(LoopStep):
    """Wants as many rows that a number divides as others."""

    inputs: ClassVar[tuple[str, ...]] = ("i",)
    by: int = 5

    def process(self, rows: Collection[Row]) -> Iterator[Row]:
        taken = {True: 0, False: 0}
        for row in rows:
            is_divided = row["i"] % self.by == 0
            taken[is_divided] += 1
            if taken[is_divided] <= self.num_rows // 2:
                yield row


class Marks(Step):
    """Says whether a row is odd, and drops those that are not where it is told to."""

    outputs: ClassVar[tuple[str, ...]] = ("odd",)
    drop: bool = False

    def may_change_rows(self) -> bool:
        return self.drop

    def process(self, batch: Batch) -> Batch:
        return [{**row, "odd": bool(row["i"] % 2)} for row in batch if row["i"] % 2 or not self.drop]


class Twice(Step):
    """Makes two rows of one."""

    changes_rows: ClassVar[bool] = True

    def process(self, batch: Batch) -> Batch:
        return [{**row, "half": half} for row in batch for half in (0, 1)]


class FailsSecond(Step):
    """Raises for the second of two siblings."""

    def process(self, batch: Batch) -> Batch:
        if any(row["half"] == 1 for row in batch):
            raise ValueError("the second of two")
        return batch


class Dice(Step):
    """Adds a number that no other row has."""

    outputs: ClassVar[tuple[str, ...]] = ("thrown",)

    def process(self, batch: Batch) -> Batch:
        return [{**row, "thrown": time.time_ns() * 1000 + next(_throws)} for row in batch]


_throws = itertools.count()


class SetOfTags(Step):
    """Adds a set."""

    outputs: ClassVar[tuple[str, ...]] = ("tags",)

    def process(self, batch: Batch) -> Batch:
        return [{**row, "tags": {"a", "b"}} for row in batch]


class Counts(Step):
    """Counts the tags, however they come, and says what they came as."""

    inputs: ClassVar[tuple[str, ...]] = ("tags",)
    outputs: ClassVar[tuple[str, ...]] = ("count", "kind")
    calls: str = ""

    def process(self, batch: Batch) -> Batch:
        return [{**row, "count": len(row["tags"]), "kind": type(row["tags"]).__name__} for row in batch]


class Notes(Step):
    """Writes into the list that its rows hold."""

    inputs: ClassVar[tuple[str, ...]] = ("notes",)

    def process(self, batch: Batch) -> Batch:
        for row in batch:
            row["notes"].append(row["half"])
        return batch


class Shrinks(Step):
    """Drops rows without saying so."""

    def process(self, batch: Batch) -> Batch:
        return batch[1:]


class Total(GlobalStep):
    """Adds the sum of all rows to each."""

    inputs: ClassVar[tuple[str, ...]] = ("i",)
    outputs: ClassVar[tuple[str, ...]] = ("total",)
    fails: bool = False
    calls: str = ""

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        if self.fails:
            raise ValueError("no total today")
        note(self.calls, f"all {len(rows)}")
        total = sum(row["i"] for row in rows)
        return [{**row, "total": total} for row in rows]


class Choosy(Total):
    """The same, of rows with a number below a limit."""

    limit: int = 3

    def check_row(self, row: Row) -> None:
        if row["i"] >= self.limit:
            raise RowError(f"column 'i' holds {row['i']}, of at most {self.limit - 1}", "give a smaller one")


class Shuffled(GlobalStep):
    """Returns all rows, each time in another order."""

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        shuffled = list(rows)
        random.shuffle(shuffled)
        return shuffled


class SameDict(GeneratorStep):
    """Yields one dict again and again, with other content."""

    outputs: ClassVar[tuple[str, ...]] = ("i",)
    rows: int = 100

    def generate(self) -> Iterator[Row]:
        row: Row = {}
        for i in range(self.rows):
            row["i"] = i
            yield row


class SeesDevices(Step):
    """Adds the devices its worker may use."""

    outputs: ClassVar[tuple[str, ...]] = ("devices", "pid")
    meet: str = ""
    """A folder in which two of it must have met before it goes on."""

    def process(self, batch: Batch) -> Batch:
        if self.meet:
            Path(self.meet, str(os.getpid())).touch()
            while len(list(Path(self.meet).iterdir())) < 2:
                time.sleep(0.02)
        return [{**row, "devices": os.environ["CUDA_VISIBLE_DEVICES"], "pid": os.getpid()} for row in batch]


class Breaks(GeneratorStep):
    """Makes three rows, then raises."""

    outputs: ClassVar[tuple[str, ...]] = ("i",)

    def generate(self) -> Iterator[Row]:
        yield from ({"i": i} for i in range(3))
        raise ValueError("no more today")


class Speechless(Exception):
    """Cannot be shown."""

    def __str__(self) -> str:
        raise RuntimeError("no words")


class Panic(BaseException):
    """What libraries written in Rust raise."""


RAISED: dict[str, BaseException] = {
    "surrogate": ValueError("half a character: \ud83d"),
    "speechless": Speechless(),
    "exit": SystemExit(3),
    "cancelled": asyncio.CancelledError(),
    "panic": Panic("index out of bounds"),
}


class Raises(Step):
    """Raises something odd for row 3."""

    inputs: ClassVar[tuple[str, ...]] = ("i",)
    what: str

    def process(self, batch: Batch) -> Batch:
        if any(row["i"] == 3 for row in batch):
            raise RAISED[self.what]
        return batch


class RaisesAsking(Task):
    """Raises something odd when it is to ask about row 3."""

    inputs: ClassVar[tuple[str, ...]] = ("i",)
    outputs: ClassVar[tuple[str, ...]] = ("generation",)
    what: str

    def format_input(self, row: Row) -> Chat:
        if row["i"] == 3:
            raise RAISED[self.what]
        return [{"role": "user", "content": str(row["i"])}]

    def format_output(self, text: str, row: Row) -> Row:
        return {"generation": text}


class Tags(Step):
    """Changes what lies inside the rows it gets, then fails or leaves for chosen rows."""

    raise_at: list[int] = Field(default_factory=list)
    exit_at: list[int] = Field(default_factory=list)

    def process(self, batch: Batch) -> Batch:
        for row in batch:
            row["tags"].append("seen")
        for row in batch:
            if row["i"] in self.raise_at:
                raise ValueError("no")
            if row["i"] in self.exit_at:
                sys.exit(1)
        return batch


def text_in(folder: Path, text: str, kill_once: str = "") -> None:
    """Write two files; the process dies between them if it is to."""
    (folder / "first.txt").write_text(text)
    if kill_once and not Path(kill_once).exists():
        Path(kill_once).touch()
        os.kill(os.getpid(), signal.SIGKILL)
    (folder / "more").mkdir()
    (folder / "more" / "second.txt").write_text(text)


class Leaves(Step):
    """Leaves an artifact for each batch, and one at the end that says how many rows it saw."""

    inputs: ClassVar[tuple[str, ...]] = ("i",)
    text: str = "a"
    kill_once: str = ""
    fails_at_end: bool = False
    _seen: int = PrivateAttr(default=0)

    def process(self, batch: Batch) -> Batch:
        self._seen += len(batch)
        self.save_artifact("text", lambda folder: text_in(folder, self.text * 1000, self.kill_once), {"of": self.text})
        return batch

    def unload(self) -> None:
        if self.fails_at_end:
            raise ValueError("no end")
        self.save_artifact("count", lambda folder: text_in(folder, str(self._seen)))


class LeavesTotal(GlobalStep):
    """Leaves the number of all rows."""

    calls: str = ""

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        note(self.calls, f"all {len(rows)}")
        self.save_artifact("total", lambda folder: text_in(folder, str(len(rows))))
        return rows


class LeavesNumbers(Numbers):
    """Counts, and leaves what it counted to."""

    leaves: bool = True

    def load(self) -> None:
        if self.leaves:
            self.save_artifact("numbers", lambda folder: text_in(folder, str(self.rows)))


class LeavesAsked(Task):
    """Leaves what was answered, of rows that were asked about now and earlier."""

    inputs: ClassVar[tuple[str, ...]] = ("i",)
    outputs: ClassVar[tuple[str, ...]] = ("generation",)
    prompt: ClassVar[str] = "{i}"
    fails_at_end: bool = False
    _seen: list[str] = PrivateAttr(default_factory=list)

    def format_output(self, text: str, row: Row) -> Row:
        return {"generation": f"about {row['i']}"}

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        made = await super().answer(row, ask)
        self._seen += [new["generation"] for new in made]
        return made

    def recall(self, row: Row) -> None:
        self._seen.append(row["generation"])

    def unload(self) -> None:
        if self.fails_at_end:
            raise ValueError("no end")
        self.save_artifact("asked", lambda folder: text_in(folder, ", ".join(sorted(self._seen))))


class LeavesSlowly(Step):
    """Takes a minute to write an artifact, the first time."""

    begun: str

    def process(self, batch: Batch) -> Batch:
        def write(folder: Path) -> None:
            (folder / "first.txt").write_text("half")
            if not Path(self.begun).exists():
                Path(self.begun).touch()
                time.sleep(60)
            (folder / "first.txt").write_text("whole")

        self.save_artifact("text", write)
        return batch


class TotalOfBranches(Total):
    """Adds the sum of the rows of all branches to each."""

    matches_branches: ClassVar[bool] = False
