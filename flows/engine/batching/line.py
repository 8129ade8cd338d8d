"""The way of a step to a model's batch endpoint, and what comes back by it."""

from __future__ import annotations

import asyncio
import hashlib
from dataclasses import dataclass
from typing import NamedTuple

from flows.engine.tally import Tally
from steps.errors import LLMError
from steps.llms.base import Account, Completion, Responder
from steps.llms.batch_apis.api import BatchAPI
from steps.llms.prices import Price
from steps.providers import COMPATIBLE


@dataclass(frozen=True, slots=True)
class Arrival:
    """A reply, and what it used; `is_new`: it was got now."""

    completion: Completion
    used: Tally
    is_new: bool = True


class Again:
    """What a request gets instead of an answer when it is to go into another batch."""


AGAIN = Again()
Waiting = asyncio.Future[Arrival | Again]


class Sender(NamedTuple):
    """Who sends a batch: a model, by its identity in hexadecimal (`identity_of`), for a step, to an endpoint."""

    endpoint: str
    step: str
    identity: str


def sender_of(llm: Responder, step: str, identity: bytes) -> Sender:
    return Sender(llm.endpoint, step, identity.hex())


class BatchLine:
    """The way of one step to one of its models, through the model's batch endpoint."""

    def __init__(self, llm: Responder, step: str, identity: bytes, price: Price | None) -> None:
        """`price`: that of batches."""
        assert llm.batching is not None
        self.llm = llm
        self.step = step
        self.identity = identity.hex()
        self.sender = sender_of(llm, step, identity)
        self.price = price
        self.account = llm.accounts[0]
        """The key that batches are sent with: one for all of them, as long as it is not refused."""
        self.api = llm.batch_api(self.account)
        self.pause_s = self.api.pause_s
        self.most_n = self.api.provider.most_n
        """Replies that one request gets at most."""
        self.provider = llm.endpoint if self.api.provider is COMPATIBLE else self.api.provider.title
        """What messages call it: its name, or the address of a server that no name is known for."""

    def use_another_key(self, refused: BatchAPI) -> bool:
        """Send batches with the next key, where that of `refused` sends none; whether there is one."""
        if refused is not self.api:  # another batch was refused before
            return True
        accounts = self.llm.accounts
        later = accounts[accounts.index(self.account) + 1 :]
        if later:
            self.account, self.api = later[0], self.llm.batch_api(later[0])
        return bool(later)


def account_of(account: Account, tag: str) -> str:
    """Which key a batch was sent with, as far as a file may say it."""
    return hashlib.blake2b(f"{tag} {account.identity}".encode(), digest_size=8).hexdigest()


def error_tally(line: BatchLine, error: LLMError) -> Tally:
    """What a reply of no use used."""
    assert error.usage is not None
    return Tally.of(error.usage, line.price.cost(error.usage) if line.price is not None else None, error.seconds)
