"""How much a label project may hold on a server that is open to everybody: what one holds stays in memory, and on the disk."""

from __future__ import annotations

from dataclasses import dataclass

from steps.errors import RunError
from steps.labels.questions import QuestionType

ELSEWHERE = "take fewer rows, or do it on a machine of your own, or in a copy of this Space"
LONGEST_ANSWER = 20_000
"""Characters of an answer that somebody gives in the app."""


class TooMuch(RunError):
    """A project would hold more than it may on this server."""

    code = "too-much"


@dataclass(frozen=True, slots=True)
class Limits:
    """The most of each."""

    annotations: int = 20_000
    items: int = 20_000
    labels: int = 100
    """Each annotator's confusions have as many rows, and as many columns."""
    parts: int = 200_000
    """Of all answers: labels, spans, and pairs of things that are ranked. What is settled grows with them."""
    parts_of_item: int = 2_000
    strategy_bytes: int = 4_000_000
    folder_bytes: int = 12_000_000
    """Of all files together: lines that were undone, and what older versions said, too."""

    def check(self, name: str, count: int) -> None:
        """
        Raises:
            TooMuch: It is more than there may be.
        """
        most = getattr(self, name)
        if count > most:
            what = _WORDS[name].format(count=f"{count:,}", most=f"{most:,}")
            raise TooMuch(what, ELSEWHERE)


_WORDS = {
    "annotations": "these are {count} rows of answers; on this server a label project has up to {most}",
    "items": "these are {count} items; on this server a label project has up to {most}",
    "labels": "there are {count} labels; on this server a label project has up to {most}",
    "parts": "answers would have {count} labels, spans or pairs in rankings; on this server up to {most}",
    "parts_of_item": "one item would have {count} labels, spans or pairs in rankings; on this server up to {most}",
    "strategy_bytes": "the strategy would take {count} bytes; on this server up to {most}",
    "folder_bytes": "the label project would take {count} bytes; on this server up to {most}",
}


def parts_in(label: object, question: QuestionType) -> int:
    """How many things an answer says: of a ranking each pair counts."""
    if not isinstance(label, list):
        return 1
    return max(1, len(label) * (len(label) - 1) // 2 if question == "ranking" else len(label))
