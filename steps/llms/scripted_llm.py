"""Replies written down beforehand: the model of tests and documentation."""

from __future__ import annotations

from pydantic import Field, PrivateAttr

from steps.llms.base import LLM, Completion, Request


class ScriptedLLM(LLM):
    """Gives the replies it was made with, in order, then the last one again and again.

    It is not registered: a pipeline file cannot name it.

    Example:
        >>> llm = ScriptedLLM(replies=["4", "5"])
        >>> import asyncio
        >>> asyncio.run(llm.complete(Request([{"role": "user", "content": "Rate this."}], n=3))).texts
        ['4', '5', '5']
    """

    replies: list[str] = Field(min_length=1, description="Replies, in order.")

    _requests: list[Request] = PrivateAttr(default_factory=list)
    _given: int = PrivateAttr(default=0)

    @property
    def model_name(self) -> str:
        return "scripted"

    @property
    def requests(self) -> list[Request]:
        """What it was asked, in order."""
        return self._requests

    def user_turn_problem(self, *, after_messages: bool) -> None:
        return None

    async def complete(self, request: Request) -> Completion:
        self._requests.append(request)
        last = len(self.replies) - 1
        texts = [self.replies[min(self._given + sample, last)] for sample in range(request.n)]
        self._given += request.n
        return Completion(texts, self.model_name)
