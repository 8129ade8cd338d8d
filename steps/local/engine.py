"""What computes a model on this machine: a chat and how to sample in, texts and token counts out."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Literal, NamedTuple

from steps.llms.base import Chat, Usage

NOTHING = Usage()
LONGEST_REPLY = 1024
"""Tokens of a reply where `generation_kwargs` say nothing: what libraries take then is far too few, or no end at all."""


class Structure(NamedTuple):
    """What a reply must be: JSON of a schema (None: any), text that a regex matches, or one of some texts."""

    kind: Literal["json", "regex", "choice"]
    wanted: Any = None


@dataclass(frozen=True, slots=True)
class Asked:
    """One question. `sampling` goes by the names of `generation_kwargs`; `prompt`, if given, is read in place of the chat.

    `have`: replies that were made before with the same seed.
    """

    chat: Chat
    sampling: dict[str, Any] = field(default_factory=dict)
    n: int = 1
    have: int = 0
    structure: Structure | None = None
    prompt: str | None = None


@dataclass(frozen=True, slots=True)
class Generated:
    """What came of a question: `n` texts, why each ended, and the tokens of all."""

    texts: list[str]
    finish_reasons: list[str | None] = field(default_factory=list)
    usage: Usage = NOTHING


class Engine(ABC):
    """A model that is loaded. Many questions may be under way at once; it puts them together as it likes."""

    @abstractmethod
    async def answer(self, asked: Asked) -> Generated:
        """Answer one question.

        Raises:
            LLMError: This question cannot be answered, or none can any more.
        """

    @abstractmethod
    async def close(self) -> None:
        """Let go of the model."""
