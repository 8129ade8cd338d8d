"""Texts that are too short or too long."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field, PrivateAttr

from steps.base import Row
from steps.errors import Complaint
from steps.filters.marking import RowFilter
from steps.row_texts import text_in
from steps.tokens import load_tokenizer, token_spans


class FilterLength(RowFilter):
    """Finds texts that are too short or too long, in characters, words or tokens.

    Words are what stands between blanks. Tokens are counted as TruncateTextColumn counts them, without those that a model
    puts around a text.

    Example:
        >>> step = FilterLength(unit="words", min_length=2, drop=True)
        >>> step.process([{"text": "Hi"}, {"text": "Hello there"}])
        [{'text': 'Hello there', 'text_length': 2}]
    """

    mark: ClassVar[str] = "keep_row_after_length_filtering"

    column: str = Field(default="text", min_length=1, description="Column with the text.")
    unit: Literal["characters", "words", "tokens"] = Field(default="characters", description="What is counted.")
    min_length: int = Field(default=1, ge=0, description="Shortest text that is kept.")
    max_length: int | None = Field(default=None, ge=1, description="Longest text that is kept; empty for any.")
    tokenizer: str | None = Field(default=None, description="Model on the Hub whose tokens count.")
    _tokenizer: Any = PrivateAttr(default=None)

    def needs(self) -> list[str]:
        return [self.column]

    def makes(self) -> list[str]:
        return [f"{self.column}_length", *super().makes()]

    def check(self) -> Iterable[Complaint]:
        if self.max_length is not None and self.max_length < self.min_length:
            yield f"no text is longer than {self.min_length} and shorter than {self.max_length}", "raise `max_length`"
        if self.unit == "tokens" and not self.tokenizer:
            yield "tokens are counted, but there is no `tokenizer`", "name a model on the Hub, or count words"

    def load(self) -> None:
        if self.unit == "tokens":
            self._tokenizer = load_tokenizer(self.tokenizer or "")

    def unload(self) -> None:
        self._tokenizer = None

    def judge(self, row: Row) -> tuple[bool, Row]:
        length = self._count(text_in(row, self.column))
        is_kept = self.min_length <= length and (self.max_length is None or length <= self.max_length)
        return is_kept, {f"{self.column}_length": length}

    def _count(self, text: str) -> int:
        if self.unit == "characters":
            return len(text)
        if self.unit == "words":
            return len(text.split())
        if self._tokenizer is None:
            self.load()
        return len(token_spans(self._tokenizer, text))
