"""Models of these tests that live where local models do, and compute nothing."""

from __future__ import annotations

import asyncio
import os
import threading
import time
from pathlib import Path
from typing import Any, ClassVar

from steps.errors import EndpointDown, RunError
from steps.llms.base import Usage
from steps.llms.local_llm import LocalLLM
from steps.local.engine import Asked, Engine, Generated


class Echo(LocalLLM):
    """Says in which process it is, on which devices, and what it was asked."""

    structures: ClassVar[frozenset[str]] = frozenset({"json"})

    model: str = "echo"
    loads: str = ""
    """File that gets a line for each time it is loaded."""
    dies_of: str = ""
    """A question with this word ends the process."""
    dies_once: str = ""
    """File that says that it did: then it does so no more."""
    gone_after: int = 0
    """After so many answers it says that it is gone for good."""
    fails: str = ""
    lingers_s: float = 0.0
    """How long its process takes to end, where it cannot be loaded."""
    loads_s: float = 0.0
    takes_s: float = 0.0

    async def start_engine(self) -> Engine:
        if self.loads:
            with Path(self.loads).open("a") as stream:
                stream.write(f"{os.getpid()}\n")
        time.sleep(self.loads_s)  # as libraries do it: nothing else goes on
        if self.fails == "dies":
            os._exit(9)
        if self.fails:
            threading.Thread(target=time.sleep, args=(self.lingers_s,)).start()
            raise OSError(self.fails)
        return EchoEngine(self.model_copy())


class EchoEngine(Engine):
    def __init__(self, what: Echo) -> None:
        self.what = what
        self.answers = 0
        self.at_work = 0
        self.most_at_work = 0

    async def answer(self, asked: Asked) -> Generated:
        text = asked.chat[-1]["content"]
        if self.what.dies_of and self.what.dies_of in text and not (self.what.dies_once and Path(self.what.dies_once).exists()):
            if self.what.dies_once:
                Path(self.what.dies_once).touch()
            os._exit(11)
        if self.what.gone_after and self.answers >= self.what.gone_after:
            raise EndpointDown("the engine has stopped")
        self.at_work += 1
        self.most_at_work = max(self.most_at_work, self.at_work)
        await asyncio.sleep(self.what.takes_s)
        self.at_work -= 1
        self.answers += 1
        about: dict[str, Any] = {**asked.sampling}
        said = f"{os.getpid()} {os.environ.get('CUDA_VISIBLE_DEVICES') or '-'} {self.most_at_work} {about} {text}"
        return Generated([said] * asked.n, ["stop"] * asked.n, Usage(3, 2))

    async def close(self) -> None:
        """There is nothing to let go of."""


class NotToBeLoaded(LocalLLM):
    """Cannot be loaded by anyone."""

    model: str = "none"

    async def start_engine(self) -> Engine:
        raise RunError("somebody loaded it")
