"""Tasks that ask several times about each row: each reply leads to the next question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from random import Random
from typing import TypeVar

from pydantic import Field

from steps.base import Row
from steps.llms.base import Ask, Chat, JSONSchema
from steps.tasks.base import Generation, Rehearse, Task
from steps.tasks.chances import chances_of
from steps.tasks.repairs import Reader
from steps.tasks.replies import rehearse_text

T = TypeVar("T")


@dataclass(slots=True)
class Talk:
    """What is said with the model about one row.

    `number`: which of the row's generations this is, from 0; the same question gets a reply of its own in each. `rng` is
    seeded by the row and that number: a row that is done again meets the same chances, and finds its replies in the journal.
    """

    task: TaskInRounds
    row: Row
    number: int
    rng: Random
    _ask: Ask
    asked: list[Chat] = field(default_factory=list)
    replies: list[str] = field(default_factory=list)
    model_name: str = ""

    async def ask(
        self, chat: Chat, read: Callable[[str], T], rehearse: Rehearse = rehearse_text, schema: JSONSchema | None = None
    ) -> T:
        """Ask one thing; returns what `read` makes of the reply. `rehearse` makes up a reply that `read` accepts.

        Raises:
            BadReply: `read` raised it, for this reply and for those that were asked for in its place.
        """
        task = self.task
        request = task.request_of(chat, self.row, rehearse, schema, have=self.number)
        found: list[T] = []

        def keep(text: str) -> Row:
            found.append(read(text))
            return {}

        reader = Reader(keep, self._ask, task.most_repairs, is_json=schema is not None)
        [read_reply] = await reader.read_all(request, await self._ask(request))
        self.asked.append(chat)
        self.replies.append(read_reply.reply.text)
        self.model_name = read_reply.reply.model_name
        return found[-1]


class TaskInRounds(Task):
    """Asks a model several times about each row.

    Such a task defines `talk` in place of `format_input` and `format_output`.
    """

    seed: int = Field(default=42, description="Another number draws other chances.")

    async def talk(self, row: Row, talk: Talk) -> Row:
        """Columns for this row, after as many questions as it takes."""
        raise NotImplementedError(f"{type(self).__name__}.talk")

    def chances(self, row: Row, number: int) -> Random:
        """Where the chances of one generation of a row come from."""
        return chances_of(row, self.seed, number)

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        self.check_row(row)
        talks = [Talk(self, row, number, self.chances(row, number), ask) for number in range(self.num_generations)]
        columns = await asyncio.gather(*(self.talk(row, talk) for talk in talks))
        told = zip(columns, talks, strict=True)
        return self.rows_of(row, [Generation(made, talk.model_name, talk.asked, talk.replies) for made, talk in told])
