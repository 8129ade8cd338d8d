"""What the steps share that show answers to instructions, as distilabel's do."""

from __future__ import annotations

import hashlib
from abc import abstractmethod
from dataclasses import replace
from typing import Any, Final

from steps.argilla.dataset import Dataset, Wanted, find_or_make
from steps.argilla.pushing import ArgillaPush
from steps.argilla.questions import ArgillaQuestion, settings_of
from steps.argilla.records import Outbox, Record
from steps.argilla.values import sendable
from steps.row_texts import as_text

INSTRUCTION: Final = "instruction"
THEIR_ID: Final = "id"
"""A field that data sets have which distilabel made: the SHA-256 of the instruction."""


class InstructionPush(ArgillaPush):
    """Shows answers to an instruction, in fields of text."""

    @abstractmethod
    def text_fields(self) -> dict[str, bool]:
        """Fields by name, and whether each record has them."""

    @abstractmethod
    def asked(self) -> dict[str, ArgillaQuestion]:
        """Questions by name."""

    def open_dataset(self) -> Dataset:
        settings = {"type": "text", "use_markdown": False}
        fields = [
            {"name": name, "title": name, "required": is_required, "settings": settings}
            for name, is_required in self.text_fields().items()
        ]
        questions = [settings_of(name, question) for name, question in self.asked().items()]
        wanted = Wanted(fields, questions, fillable=frozenset({THEIR_ID}))
        return find_or_make(self._connect(), self.dataset_workspace, self.dataset_name or "", wanted)

    def send(self, outbox: Outbox, records: list[Record]) -> None:
        if THEIR_ID in outbox.dataset.fields:
            records = [replace(one, fields={**(one.fields or {}), THEIR_ID: _their_id(one)}) for one in records]
        outbox.send(records)


def shown_text(column: str, value: Any) -> str:
    """A text as Argilla can show it.

    Raises:
        RowError: The value is none.
    """
    return sendable(as_text(value, column))


def _their_id(record: Record) -> str:
    return hashlib.sha256(str((record.fields or {})[INSTRUCTION]).encode()).hexdigest()
