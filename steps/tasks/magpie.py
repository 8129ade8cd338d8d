"""Have a model write instructions, or whole conversations, with nothing to start from."""

from __future__ import annotations

import math
from collections.abc import Iterable
from typing import ClassVar

from pydantic import Field, field_validator

from steps.base import Row, Section, is_missing
from steps.chats import said
from steps.errors import Complaint
from steps.llms.base import AnyLLM, Chat
from steps.llms.rehearsal_llm import RehearsalLLM
from steps.row_texts import as_text
from steps.tasks.rounds import Talk, TaskInRounds

EXAMPLE_LLM = {
    "use": "OpenAILLM",
    "model": "meta-llama/Llama-3.1-8B-Instruct",
    "base_url": "http://localhost:8000/v1",
    "magpie_pre_query_template": "llama3",
}
SystemPrompts = str | list[str] | dict[str, str] | dict[str, tuple[str, float]]


class Magpie(TaskInRounds):
    """Has a model write the user's message too, and then answer it.

    The model is given the start of a user's message in its own chat format, and goes on as a user would. What it writes
    looks like what it was trained on. So it takes an instruct model behind a server that offers /v1/completions, and the LLM
    has to say how that model's chats are written: `magpie_pre_query_template` is llama3, qwen2, or a text of your own. Use a
    temperature near 1.

    A row may bring a `system_prompt`, which comes before the parameter. One turn is the columns `instruction` and `response`;
    more turns, one that stays unanswered or one that keeps its system prompt are a list of messages in `conversation`.

    After Magpie: Alignment Data Synthesis from Scratch by Prompting Aligned LLMs with Nothing,
    https://arxiv.org/abs/2406.08464

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> llm = ScriptedLLM(replies=["How far is the moon?", "384,400 km."])
        >>> Magpie(llm=llm).process([{"system_prompt": "You know about astronomy."}])[0]["instruction"]
        'How far is the moon?'
    """

    section: ClassVar[Section] = "write"
    optional_inputs: ClassVar[tuple[str, ...]] = ("system_prompt",)

    llm: AnyLLM = Field(
        default_factory=RehearsalLLM,
        description="The model that writes both sides. It needs a `magpie_pre_query_template`.",
        examples=[EXAMPLE_LLM],
    )
    n_turns: int = Field(default=1, ge=1, description="Messages of the user, each with its answer.")
    end_with_user: bool = Field(default=False, description="Leave the last message of the user without an answer.")
    include_system_prompt: bool = Field(default=False, description="Keep the system prompt as the first message.")
    only_instruction: bool = Field(default=False, description="Write one message of the user and nothing else.")
    system_prompt: SystemPrompts | None = Field(
        default=None,
        description="What steers the model: one text, a list to draw from, or texts by name, also as (text, weight).",
        json_schema_extra={"multiline": True},
    )

    @field_validator("system_prompt")
    @classmethod
    def _can_be_drawn(cls, value: SystemPrompts | None) -> SystemPrompts | None:
        if value is not None and not value:
            raise ValueError("it is empty; leave it out to go without one")
        weights = _weights(value) if isinstance(value, dict) else [1.0]
        if not all(math.isfinite(weight) and weight >= 0 for weight in weights) or not sum(weights):
            raise ValueError(f"the weights {weights} cannot be drawn by: give numbers from 0, one of them above it")
        return value

    def makes(self) -> list[str]:
        if self.only_instruction:
            made = ["instruction"]
        else:
            made = ["conversation"] if self._is_conversation else ["instruction", "response"]
        return [*made, *(["system_prompt_key"] if isinstance(self.system_prompt, dict) else []), *super().makes()]

    def check(self) -> Iterable[Complaint]:
        has_more_turns = self.n_turns > 1 and not self.only_instruction
        if problem := self.llm.user_turn_problem(after_messages=has_more_turns or self.system_prompt is not None):
            yield problem

    @property
    def _is_conversation(self) -> bool:
        return self.n_turns > 1 or self.end_with_user or self.include_system_prompt

    async def talk(self, row: Row, talk: Talk) -> Row:
        key, system = self._system_prompt(row, talk)
        named: Row = {"system_prompt_key": key} if isinstance(self.system_prompt, dict) else {}
        first: Chat = [said("system", system)] if system else []
        chat = list(first)
        for turn in range(1, self.n_turns + 1):
            chat.append(said("user", await talk.ask_for_user_turn(list(chat))))
            if self.only_instruction:
                return {"instruction": chat[-1]["content"], **named}
            if turn < self.n_turns or not self.end_with_user:
                chat.append(said("assistant", await talk.ask(list(chat), str)))
        if self._is_conversation:
            return {"conversation": chat if self.include_system_prompt else chat[len(first) :], **named}
        return {"instruction": chat[-2]["content"], "response": chat[-1]["content"], **named}

    def _system_prompt(self, row: Row, talk: Talk) -> tuple[str | None, str | None]:
        """Name and text of the row's system prompt."""
        own = row.get("system_prompt")
        if not is_missing(own) and own != "":
            return None, as_text(own, "system_prompt")
        match self.system_prompt:
            case None:
                return None, _SEVERAL_TURNS if self.n_turns > 1 and not self.only_instruction else None
            case str() as text:
                return None, text
            case list() as texts:
                return None, talk.rng.choice(texts)
            case prompts:
                key = talk.rng.choices(list(prompts), _weights(prompts))[0]
                chosen = prompts[key]
                return key, chosen if isinstance(chosen, str) else chosen[0]


def _weights(prompts: dict[str, str] | dict[str, tuple[str, float]]) -> list[float]:
    return [1.0 if isinstance(prompt, str) else prompt[1] for prompt in prompts.values()]


_SEVERAL_TURNS = (
    "You are a helpful assistant. The user talks with you in several rounds: first comes a question, then more of them, which "
    "follow from what you said. Answer each one correctly, completely and to the point."
)
