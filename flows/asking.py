"""One question after the other to a model, outside of any run: with the retries, limits, journal and prices that runs have."""

from __future__ import annotations

import os
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

from flows.engine.gateway import Gateway
from flows.engine.journal import Journal
from flows.engine.tally import Tally
from flows.journals import previews_of, trim
from steps.errors import SpecError
from steps.llms.base import LLM, Chat, Request


class ModelNotReady(SpecError):
    """The model cannot be asked: no request was sent."""

    code = "model-not-ready"


@asynccontextmanager
async def asking(llm: LLM, runs_dir: Path, purpose: str) -> AsyncIterator[tuple[Callable[[Chat], Awaitable[str]], Tally]]:
    """How to ask this model, and what that used so far. Every reply is on disk before it is given.

    Raises:
        ModelNotReady: It cannot be asked, such as without a key.
    """
    for complaint in llm.problems():
        raise ModelNotReady(*((complaint, "correct the model's settings") if isinstance(complaint, str) else complaint))
    folder = previews_of(runs_dir)
    trim(folder)
    session = f"{time.time_ns():x}-{os.getpid()}"
    gateway = Gateway(Journal(folder, session))
    used = Tally()
    await gateway.open()
    try:
        lines = gateway.lines({"": llm}, purpose, used.add)
        try:
            await lines.open()
            ask_one = lines.of(purpose, session.encode())

            async def ask(chat: Chat) -> str:
                return (await ask_one(Request(chat, asker=purpose))).texts[0]

            yield ask, used
        finally:
            await lines.close()
    finally:
        await gateway.close()
