"""Shorter texts."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.base import Batch, Group, Step, is_missing, naming_missing
from steps.errors import RowError
from steps.tokens import load_tokenizer, token_spans


class TruncateTextColumn(Step):
    """Cuts texts that are longer than a limit in characters, or in tokens.

    Example:
        >>> TruncateTextColumn(max_length=2).process([{"text": "hello"}])
        [{'text': 'he'}]
    """

    group: ClassVar[Group] = "columns"

    column: str = Field(default="text", description="Column with the text.")
    max_length: int = Field(default=8192, gt=0, description="Longest text kept, in characters or tokens.")
    tokenizer: str | None = Field(default=None, description="Model on the Hub whose tokens count; empty to count characters.")
    _tokenizer: Any = PrivateAttr(default=None)

    def needs(self) -> list[str]:
        return [self.column]

    def makes(self) -> list[str]:
        return [self.column]

    def load(self) -> None:
        if self.tokenizer is not None:
            self._tokenizer = load_tokenizer(self.tokenizer)

    def unload(self) -> None:
        self._tokenizer = None

    def process(self, batch: Batch) -> Batch:
        column, longest = self.column, self.max_length
        with naming_missing(batch, [column]):
            texts = [row[column] for row in batch]
        if self.tokenizer is None and set(map(type, texts)) == {str}:
            return [{**row, column: text[:longest]} for row, text in zip(batch, texts, strict=True)]
        return [{**row, column: self._cut(text)} for row, text in zip(batch, texts, strict=True)]

    def _cut(self, text: Any) -> Any:
        if is_missing(text):
            return text
        if not isinstance(text, str):
            raise RowError(f"column {self.column!r} holds a {type(text).__name__}, not text", "name a column of texts")
        if self.tokenizer is None:
            return text[: self.max_length]
        if self._tokenizer is None:
            self.load()
        spans = token_spans(self._tokenizer, text)
        if len(spans) <= self.max_length:
            return text
        (_, end), (next_start, _) = spans[self.max_length - 1 : self.max_length + 1]
        return text[: min(end, next_start)]  # several tokens may share a character: it is kept whole or not at all
