"""Replies of two texts with a marker between them: for long texts, whose quotes and backslashes JSON would have to escape."""

from __future__ import annotations

from steps.errors import BadReply
from steps.tasks.lenient_json import without_thoughts
from steps.tasks.replies import SEE_REPLY


def split_at(marker: str, text: str) -> tuple[str, str]:
    """What stands before the first marker in a reply, and what stands after it.

    Raises:
        BadReply: The marker is missing, or one of the two texts.
    """
    before, found, after = without_thoughts(text).partition(marker)
    before, after = before.strip(), after.strip()
    if not (before and found and after):
        missing = f"has no {marker}" if not found else f"has nothing {'after' if before else 'before'} {marker}"
        raise BadReply(f"the reply should be two texts with {marker} between them; it {missing}", SEE_REPLY, text)
    return before, after
