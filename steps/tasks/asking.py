"""What a step is that asks models: the engine asks them, with limits, retries, budget and journal."""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AsyncExitStack
from typing import ClassVar

from steps.base import Batch, Row, Step
from steps.llms.base import Ask, Chat, Completion, Request, Responder, topped_up
from steps.llms.bundles import Bundles, Rider, parts_of
from steps.llms.members import answering, through_members
from steps.llms.prices import Price


class AskingStep(Step):
    """A step that asks models about each row."""

    shares_replies: ClassVar[bool] = False
    """Whether rows with the same question share one reply, instead of each getting one of its own."""

    @abstractmethod
    def models(self) -> Mapping[str, Responder]:
        """The models that are asked, by the names that requests have for them (`Request.model`).

        Several names may stand for the same model. Each model keeps its own limits, journal keys and price.
        """

    def answering_models(self) -> Mapping[str, Responder]:
        """Those that answer by themselves: of a model that asks others, its members, each by its path."""
        return answering(self.models())

    @property
    def batched_models(self) -> Mapping[str, Responder]:
        """The models that are asked through a batch endpoint."""
        return {}

    def price_of(self, llm: Responder) -> Price | None:
        """What a model costs in this step; None when nobody knows.

        Raises:
            SpecError: The user's table of prices cannot be read.
        """
        return llm.find_price()

    @property
    def asks(self) -> bool:
        """Whether it asks; False where it works by itself, with the parameters that it has."""
        return True

    @property
    def is_free(self) -> bool:
        """Whether all that it is told costs nothing, and can be had again."""
        return all(llm.is_free for llm in self.answering_models().values())

    @abstractmethod
    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        """Ask about one row; return the rows that go on."""

    @abstractmethod
    def first_chats(self, row: Row) -> Sequence[Chat]:
        """All that models may be asked first about this row: by these, replies to other prompts are told from those to this."""

    @abstractmethod
    def format_output(self, text: str, row: Row) -> Row:
        """Columns for this reply.

        Raises:
            BadReply: The reply is not in the form that was asked for.
        """

    def recall(self, row: Row) -> None:
        """See a row, as it left this step, that is not asked about again: an earlier session or another run finished it."""

    def process(self, batch: Batch) -> Batch:
        """Ask about some rows here and now: no retries, no limits, no record; the first error ends it."""
        models = self.answering_models()
        loaded = list({id(llm): llm for llm in models.values()}.values())
        at_once = max((llm.rows_per_request for llm in loaded), default=1)

        async def ask_all() -> Batch:
            ways = {id(llm): _plain_way(llm) for llm in loaded}

            async def ask(request: Request) -> Completion:
                return await ways[id(models[request.model])](request)

            ask_any = topped_up(through_members(self.models(), ask))
            made: Batch = []
            async with AsyncExitStack() as stack:
                for llm in loaded:
                    await llm.load()
                    stack.push_async_callback(llm.unload)
                for start in range(0, len(batch), at_once):
                    rows = batch[start : start + at_once]
                    for found in await asyncio.gather(*(self.answer(row, ask_any) for row in rows)):
                        made += found
            return made

        with ThreadPoolExecutor(1) as pool:  # notebooks have a running loop of their own
            return pool.submit(asyncio.run, ask_all()).result()


def _plain_way(llm: Responder) -> Ask:
    """How a model is asked where no engine stands before it."""
    if llm.rows_per_request == 1:
        return llm.complete

    async def send(request: Request, riders: Sequence[Rider[None]]) -> list[Completion]:
        return parts_of(await llm.complete(request), riders)

    bundles: Bundles[None] = Bundles(llm, send)
    return lambda request: bundles.ask(request, None)
