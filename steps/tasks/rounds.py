"""Tasks that ask several times about each row: each reply leads to the next question."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from random import Random
from typing import TypeVar

from pydantic import Field

from steps.base import Row
from steps.chances import chances
from steps.llms.base import Ask, Chat, JSONSchema
from steps.tasks.base import Generation, Rehearse, Task
from steps.tasks.rehearsing import rehearse_text
from steps.tasks.repairs import Reader

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

        made_up = task.fix_of_rehearsal
        reader = Reader(keep, self._ask, task.most_repairs, is_json=schema is not None, fix_of_rehearsal=made_up)
        [read_reply] = await reader.read_all(request, await self._ask(request))
        self._note(chat, read_reply.reply.text, read_reply.reply.model_name)
        return found[-1]

    async def ask_for_user_turn(self, chat: Chat, rehearse: Rehearse = rehearse_text) -> str:
        """What a user would say next, as the model writes it by itself (`LLM.user_turn_problem`).

        Many rows may ask the same here, often nothing at all. So `have` is drawn by chance: each row then gets a turn of its
        own from a rehearsal, and from a server with a fixed seed.
        """
        request = self.task.request_of(chat, self.row, rehearse, have=self.rng.getrandbits(24))
        completion = await self._ask(replace(request, speaker="user"))
        self._note(chat, completion.texts[0], completion.model_name)
        return completion.texts[0].strip()

    def _note(self, chat: Chat, reply: str, model_name: str) -> None:
        self.asked.append(chat)
        self.replies.append(reply)
        self.model_name = model_name


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
        return chances(self.seed, row, number)

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        self.check_row(row)
        talks = [Talk(self, row, number, self.chances(row, number), ask) for number in range(self.num_generations)]
        columns = await asyncio.gather(*(self.talk(row, talk) for talk in talks))
        told = zip(columns, talks, strict=True)
        return self.rows_of(row, [Generation(made, talk.model_name, talk.asked, talk.replies) for made, talk in told])
