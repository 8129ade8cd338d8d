"""The model that is always there: no network, no weights, no key."""

from __future__ import annotations

import hashlib
from random import Random
from typing import ClassVar

from pydantic import Field

from steps.llms.base import LLM, Completion, Request, Usage

CHARS_PER_TOKEN = 4


class RehearsalLLM(LLM):
    """Stands in for a model: made-up replies that the step can read, for free.

    It lets a pipeline be tried before money is spent. A task makes up the reply itself, drawn by `seed`, step, prompt and
    row: rows that ask the same get replies of their own, as from a model, and the same ones in every run. Its rows say so:
    their `model_name` is "rehearsal".

    Example:
        >>> from steps.tasks import UltraFeedback
        >>> judge = UltraFeedback(llm=RehearsalLLM(seed=1))
        >>> [row] = judge.process([{"instruction": "2+2?", "generations": ["4", "5"]}])
        >>> len(row["ratings"]), row["model_name"]
        (2, 'rehearsal')
    """

    is_rehearsal: ClassVar[bool] = True
    is_free: ClassVar[bool] = True
    answers_anew: ClassVar[bool] = False

    seed: int = Field(default=0, description="Another number gives other replies.")

    @property
    def model_name(self) -> str:
        return "rehearsal"

    def user_turn_problem(self, *, after_messages: bool) -> None:
        return None

    async def complete(self, request: Request) -> Completion:
        texts = [self._reply(request, request.have + at) for at in range(request.n)]
        asked = sum(about_tokens(str(message["content"])) for message in request.chat)
        return Completion(texts, self.model_name, Usage(asked, sum(map(about_tokens, texts))))

    def _reply(self, request: Request, sample: int) -> str:
        seed = repr([self.seed, request.asker, sample, request.chat]).encode("utf-8", "surrogatepass")
        rng = Random(hashlib.blake2b(seed, digest_size=8).digest())
        if request.rehearse is not None:
            return request.rehearse(rng)
        return f"(rehearsal) {str(request.chat[-1]['content'])[:200]}"


def about_tokens(text: str) -> int:
    """About as many as a model would count: English has four letters to a token."""
    return -(-len(text) // CHARS_PER_TOKEN)
