"""Training examples as chats."""

from __future__ import annotations

import hashlib

from steps.base import Row
from steps.errors import RowError
from steps.llms.base import Chat


def text_of(row: Row, column: str) -> str:
    """The text in a column.

    Raises:
        RowError: It holds something else.
    """
    if not isinstance(row[column], str):
        raise RowError(f"column {column!r} holds a {type(row[column]).__name__}, not text", "training needs texts")
    return str(row[column])


def prompt_id(prompt: str) -> str:
    """An id that the same prompt gets in every data set."""
    return hashlib.sha256(prompt.encode("utf-8", "surrogatepass")).hexdigest()


def conversation(row: Row, reply: str) -> Chat:
    """The row's system prompt, if it has one, its instruction, and this reply."""
    system = [{"role": "system", "content": row["system_prompt"]}] if row.get("system_prompt") else []
    return [
        *system,
        {"role": "user", "content": text_of(row, "instruction")},
        {"role": "assistant", "content": reply},
    ]
