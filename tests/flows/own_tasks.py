"""Tasks of a user: one that makes rows, one that asks in rounds, one that asks about groups."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import ClassVar

from steps.base import Row
from steps.errors import BadReply
from steps.llms.base import Chat
from steps.tasks.generator import GeneratorTask
from steps.tasks.global_task import GlobalTask
from steps.tasks.rounds import Talk, TaskInRounds


class WriteTopics(GeneratorTask):
    """Thinks up a topic for each letter."""

    outputs: ClassVar[tuple[str, ...]] = ("topic",)

    letters: str = "abc"

    def seeds(self) -> Iterator[Row]:
        return ({"letter": letter} for letter in self.letters)

    def count(self) -> int:
        return len(self.letters)

    def format_input(self, row: Row) -> Chat:
        return [{"role": "user", "content": f"topic with {row['letter']}"}]

    def format_output(self, text: str, row: Row) -> Row:
        return {"topic": text}


class NameGroups(GlobalTask):
    """Finds a name for the rows that begin with the same letter."""

    inputs: ClassVar[tuple[str, ...]] = ("topic",)
    outputs: ClassVar[tuple[str, ...]] = ("group",)
    prepared: ClassVar[tuple[str, ...]] = ("alike",)

    def prepare(self, rows: Collection[Row]) -> Iterator[Row]:
        groups: dict[str, list[str]] = {}
        for row in rows:
            groups.setdefault(row["topic"][-1:], []).append(row["topic"])
        for row in rows:
            yield {**row, "alike": groups[row["topic"][-1:]]}

    def format_input(self, row: Row) -> Chat:
        return [{"role": "user", "content": f"name these: {', '.join(row['alike'])}"}]

    def format_output(self, text: str, row: Row) -> Row:
        return {"group": text}


class Argue(TaskInRounds):
    """Doubts what is said, as often as it is told to."""

    inputs: ClassVar[tuple[str, ...]] = ("topic",)
    outputs: ClassVar[tuple[str, ...]] = ("last", "said")

    rounds: int = 2

    async def talk(self, row: Row, talk: Talk) -> Row:
        said = [str(row["topic"])]
        for _ in range(self.rounds):
            how = talk.rng.choice(["Really", "Why"])
            said.append(await talk.ask([{"role": "user", "content": f"{how}? {said[-1]}"}], self.read))
        return {"last": said[-1], "said": said}

    def read(self, text: str) -> str:
        if "nonsense" in text:
            raise BadReply("this is nonsense", "say something else", text)
        return text
