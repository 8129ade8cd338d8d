"""Score responses by how good they are."""

from __future__ import annotations

from typing import ClassVar

from steps.tasks.side_by_side import Scorer


class QualityScorer(Scorer):
    """Scores how good several responses are, compared with each other.

    Of n responses the worst gets 1 and the best n; n + 1 says that nothing could be improved. The scale depends on n, so
    compare scores only between rows with as many responses. All are judged in one request.

    After What Makes Good Data for Alignment? (DEITA), https://arxiv.org/abs/2312.15685

    Example:
        >>> row = {"instruction": "Name a prime.", "responses": ["7", "8"]}
        >>> QualityScorer().format_output('{"scores": [3, 1]}', row)
        {'scores': [3, 1]}
    """

    inputs: ClassVar[tuple[str, ...]] = ("instruction", "responses")
    judged: ClassVar[str] = "responses"
    noun: ClassVar[str] = "response"
    guide: ClassVar[str] = (
        "Compare the responses to the instruction below and score how good each is: does it help, does it keep to the point, "
        "is it right, and does it go as deep and into as much detail as the instruction calls for? Long responses are not "
        "better for being long.\n"
        "1 is the worst, {most} very good. Give {beyond} only to a response in which nothing could be improved."
    )
