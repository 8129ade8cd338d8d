"""Steps and tasks that a user made of functions; workers find them here by name."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from typing import Any

from steps.base import Batch, Row
from steps.decorators import step, task


@step(inputs=["text"], outputs=["length"])
def MeasureText(batch: Batch, least: int = 0) -> Iterator[Batch]:
    """Counts the characters of a text."""
    for row in batch:
        row["length"] = max(least, len(row["text"]))
        row["tags"].append("measured")
    yield batch


@step(inputs=["text"], changes_rows=True)
def KeepLong(batch: Batch, least: int) -> Batch:
    """Drops short texts."""
    return [row for row in batch if len(row["text"]) >= least]


@step(inputs=["text"], outputs=["rank"], step_type="global")
def RankByLength(rows: Collection[Row]) -> Iterator[Row]:
    """Orders rows by the length of their text, the longest first."""
    for rank, row in enumerate(sorted(rows, key=lambda row: -len(row["text"])), 1):
        yield {**row, "rank": rank}


@step(outputs=["text", "tags"], step_type="generator")
def WriteTexts(num_rows: int = 4) -> Iterator[tuple[Batch, bool]]:
    """Makes texts of growing length."""
    for at in range(0, num_rows, 2):
        yield [{"text": "x" * number, "tags": []} for number in range(at, min(at + 2, num_rows))], at + 2 >= num_rows


@task(inputs=["text"], outputs=["is_positive"], rehearse=lambda row, rng: rng.choice(["yes", "no"]))
def JudgeMood(reply: str, row: Row, positive: str = "yes") -> dict[str, Any]:
    """Asks whether a text is in good spirits.
    ---
    system_prompt: You read moods.
    user_message_template: |
        Is this in good spirits, yes or no?
        {text}
    ---
    """
    return {"is_positive": reply.strip().lower().startswith(positive)}


@task(inputs=["text"], outputs=["said"])
def Repeat(reply: str, row: Row) -> dict[str, Any]:
    """Asks for the text again.

    ---
    user_message_template: "{text}"
    ---
    """
    return {"said": reply}
