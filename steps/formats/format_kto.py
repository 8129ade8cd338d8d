"""Answers with thumbs up or down, for KTO."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any, ClassVar, Literal, NamedTuple

from pydantic import Field

from steps.base import Batch, Group, Row, Step, is_missing, require
from steps.chats import content_text, messages_in, said
from steps.errors import RowError
from steps.formats.chats import open_chat_of, question_of
from steps.formats.preferences import DROP, rated_answers
from steps.llms.base import Chat
from steps.row_texts import is_number, text_in
from steps.wording import quoted

_USED = {
    "ratings": ("generations", "ratings", "generation_models"),
    "pairs": ("chosen", "chosen_model", "chosen_rating", "rejected", "rejected_model", "rejected_rating"),
}
"""Columns that say of several answers what the new rows say of one. With `chosen` and `rejected`, TRL would pair them again."""


class _Labelled(NamedTuple):
    text: str
    label: bool
    model: Any
    rating: Any


class FormatKTO(Step):
    """Makes a row of each answer, labelled good or bad: unpaired preferences.

    For KTO and BCO. Of rated answers those with `good_from` or more are good and the others bad; with `bad_to`, answers
    rated between the two are left out, and so are answers without a rating. Of pairs, `chosen` is good and `rejected` bad.
    The columns of all answers make way for `prompt`, `completion`, `label`, and who wrote the answer and how it was rated.

    Format: that of TRL's KTOTrainer, https://huggingface.co/docs/trl/dataset_formats

    After KTO: Model Alignment as Prospect Theoretic Optimization, https://arxiv.org/abs/2402.01306

    Example:
        >>> row = {"instruction": "2+2?", "generations": ["5", "4"], "ratings": [1, 5]}
        >>> [(made["prompt"], made["completion"], made["label"]) for made in FormatKTO(format="text").process([row])]
        [('2+2?', '5', False), ('2+2?', '4', True)]
    """

    group: ClassVar[Group] = "formats"
    changes_rows: ClassVar[bool] = True
    optional_inputs: ClassVar[tuple[str, ...]] = ("system_prompt", "generation_models")
    outputs: ClassVar[tuple[str, ...]] = ("prompt", "completion", "label", "completion_model", "completion_rating")

    source: Literal["instruction", "messages", "pairs"] = Field(
        default="instruction",
        description="instruction: `instruction`, `generations` and `ratings`. messages: the same with chats. "
        "pairs: `chosen` and `rejected`, as the formats for DPO make them.",
    )
    format: Literal["chat", "text"] = Field(
        default="chat", description="chat: prompt and completion are lists of messages. text: they are texts."
    )
    good_from: float = Field(default=4.0, description="Answers rated this or better are good; 4 suits ratings from 1 to 5.")
    bad_to: float | None = Field(default=None, description="Answers rated this or worse are bad; empty: all that are not good.")

    def needs(self) -> list[str]:
        return ["chosen", "rejected"] if self.source == "pairs" else [self.source, "generations", "ratings"]

    def check(self) -> Iterable[str]:
        if self.bad_to is not None and self.bad_to >= self.good_from:
            yield f"`bad_to` ({self.bad_to:g}) must be less than `good_from` ({self.good_from:g})"

    def columns_after(self, received: Sequence[str]) -> list[str]:
        return list(dict.fromkeys([*(column for column in received if column not in self._used()), *self.outputs]))

    def _used(self) -> set[str]:
        used = {*_USED["pairs"]}
        return used if self.source == "pairs" else used | {*_USED["ratings"]}

    def process(self, batch: Batch) -> Batch:
        return [made for row in batch for made in self._expand(row)]

    def _expand(self, row: Row) -> Iterator[Row]:
        require(row, self.needs())
        chat, answers = _pair(row) if self.source == "pairs" else self._rated(row)
        prompt: Any = chat if self.format == "chat" else _only_text(chat)
        kept = {column: value for column, value in row.items() if column not in self._used()}
        for answer in answers:
            completion: Any = [said("assistant", answer.text)] if self.format == "chat" else answer.text
            made = (prompt, completion, answer.label, answer.model, answer.rating)
            yield kept | dict(zip(self.outputs, made, strict=True))

    def _rated(self, row: Row) -> tuple[Chat, list[_Labelled]]:
        answers = rated_answers(row)
        if not answers:
            raise RowError(f"no answer is rated: {quoted(row['ratings'])}", DROP)
        worst_good, best_bad = self.good_from, self.good_from if self.bad_to is None else self.bad_to
        labelled = [
            _Labelled(text, rating >= worst_good, model, rating)
            for text, rating, model in answers
            if rating >= worst_good or rating <= best_bad
        ]
        return question_of(row) if self.source == "instruction" else open_chat_of(row), labelled


def _pair(row: Row) -> tuple[Chat, list[_Labelled]]:
    """The prompt and both answers. Each side is a text, an answer, or the whole chat with the answer at its end."""
    sides = {side: _side(row, side) for side in ("chosen", "rejected")}
    (asked, _), (asked_too, _) = sides.values()
    if asked != asked_too:
        raise RowError("chosen and rejected answer different chats", "they must be the same but for the last message")
    answers = [
        _Labelled(content, side == "chosen", row.get(f"{side}_model"), row.get(f"{side}_rating"))
        for side, (_, content) in sides.items()
    ]
    return asked or _prompt(row), answers


def _side(row: Row, side: str) -> tuple[Chat, str]:
    if isinstance(row[side], str) or is_number(row[side]):
        return [], text_in(row, side)
    chat = messages_in(row, side)
    if chat[-1]["role"] != "assistant":
        raise RowError(f"the last message of {side!r} is from {quoted(chat[-1]['role'])}", "it must be the assistant's answer")
    return chat[:-1], content_text(chat[-1])


def _prompt(row: Row) -> Chat:
    require(row, ["prompt"])
    if is_missing(row["prompt"]) or isinstance(row["prompt"], list):
        return messages_in(row, "prompt")
    return question_of({**row, "instruction": text_in(row, "prompt")})


def _only_text(chat: Chat) -> str:
    if len(chat) > 1 or chat[0]["role"] != "user":
        raise RowError(
            f"the prompt has messages from {[message['role'] for message in chat]}, not one text", "set format to chat"
        )
    return content_text(chat[0])
