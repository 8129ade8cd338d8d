"""Several models that work on one answer."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from pydantic import Field

from steps.errors import Complaint
from steps.llms.base import LLM, AnyLLM, Ask, Chat, Completion, Request, Usage

AGGREGATOR = "aggregator"
_PROPOSALS = """Others have drafted answers to what the user says last. Judge them: some may be wrong, biased or incomplete.
Then write one answer of your own that keeps what is right in them and mends the rest. Do not copy a draft, do not mention the
drafts, and keep to the form that was asked for.

{drafts}"""


class MixtureOfAgentsLLM(LLM):
    """Has several models draft an answer, and one make the best of their drafts.

    In each further round the proposers see the drafts of the round before. Every request is one like any other: kept in the
    journal, counted, limited by its own server and paid from the run's budget. A row costs `rounds` requests for each
    proposer, and one for each reply of the aggregator. Sampling, limits and prices are those of the models inside.

    After Mixture-of-Agents Enhances Large Language Model Capabilities, https://arxiv.org/abs/2406.04692

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> from steps.tasks import TextGeneration
        >>> drafts = [ScriptedLLM(replies=["Paris, I think."]), ScriptedLLM(replies=["It is Paris."])]
        >>> best = ScriptedLLM(replies=["Paris."])
        >>> mixture = MixtureOfAgentsLLM(aggregator_llm=best, proposers_llms=drafts)
        >>> TextGeneration(llm=mixture).process([{"instruction": "Capital of France?"}])[0]["generation"]
        'Paris.'
    """

    reaches: ClassVar[str] = "the model servers of its members"

    aggregator_llm: AnyLLM = Field(
        description="The model that makes one answer of the drafts.", examples=[{"use": "OpenAILLM", "model": "gpt-4o"}]
    )
    proposers_llms: list[AnyLLM] = Field(
        min_length=1,
        description="The models that draft answers.",
        examples=[[{"use": "OpenAILLM", "model": "gpt-4o-mini"}, {"use": "MistralLLM", "model": "mistral-small-latest"}]],
    )
    rounds: int = Field(
        default=1, ge=1, description="How often the proposers draft; from the second time on they see all drafts."
    )

    @property
    def model_name(self) -> str:
        return self.aggregator_llm.model_name

    @property
    def enforces_schemas(self) -> bool:
        return self.aggregator_llm.enforces_schemas

    def members(self) -> Mapping[str, LLM]:
        return {AGGREGATOR: self.aggregator_llm} | {_name(at): llm for at, llm in enumerate(self.proposers_llms)}

    def problems(self) -> Sequence[Complaint]:
        if self.generation_kwargs:
            return [("a mixture samples nothing by itself", "move generation_kwargs to aggregator_llm and proposers_llms")]
        return []

    def user_turn_problem(self, *, after_messages: bool) -> tuple[str, str] | None:
        return self.aggregator_llm.user_turn_problem(after_messages=after_messages)

    async def compose(self, request: Request, ask: Ask) -> Completion:
        """Answer by asking the members."""
        if request.speaker == "user":  # what a user would say next is no answer that could be improved
            return await ask(replace(request, model=AGGREGATOR))
        drafts: list[str] = []
        used = Usage()
        for _ in range(self.rounds):
            chat = with_drafts(request.chat, drafts)
            wanted = [
                replace(request, chat=chat, model=_name(at), n=1, have=0, schema=None) for at in range(len(self.proposers_llms))
            ]
            replies = await asyncio.gather(*map(ask, wanted), return_exceptions=True)  # what is under way is paid for
            proposed = [_reply(one) for one in replies]
            drafts = [one.texts[0] for one in proposed]
            used = sum((one.usage for one in proposed), used)
        best = await ask(replace(request, chat=with_drafts(request.chat, drafts), model=AGGREGATOR, have=0))
        return replace(best, usage=best.usage + used)


def with_drafts(chat: Chat, drafts: Sequence[str]) -> Chat:
    """The chat with drafts for its next message, as a part of what the system says."""
    if not drafts:
        return chat
    listed = "\n\n".join(f"Draft {number}:\n{draft}" for number, draft in enumerate(drafts, 1))
    told = _PROPOSALS.format(drafts=listed)
    if chat and chat[0].get("role") == "system" and isinstance(chat[0].get("content"), str):
        return [{**chat[0], "content": f"{chat[0]['content']}\n\n{told}"}, *chat[1:]]
    return [{"role": "system", "content": told}, *chat]


def _reply(found: Completion | BaseException) -> Completion:
    if isinstance(found, BaseException):
        raise found
    return found


def _name(at: int) -> str:
    return f"proposer {at + 1}"
