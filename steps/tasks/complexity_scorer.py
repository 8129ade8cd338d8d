"""Score instructions by how complex they are."""

from __future__ import annotations

from typing import ClassVar

from steps.tasks.side_by_side import Scorer


class ComplexityScorer(Scorer):
    """Scores how complex several instructions are, compared with each other.

    Of n instructions the simplest gets 1 and the hardest n; n + 1 says that the model could not answer it. The scale depends on
    n, so compare scores only between rows with as many instructions. All are judged in one request.

    After What Makes Good Data for Alignment? (DEITA), https://arxiv.org/abs/2312.15685

    Example:
        >>> row = {"instructions": ["Say hi.", "Prove that there are infinitely many primes."]}
        >>> ComplexityScorer().format_output('{"scores": [1, 2]}', row)
        {'scores': [1, 2]}
    """

    inputs: ClassVar[tuple[str, ...]] = ("instructions",)
    judged: ClassVar[str] = "instructions"
    noun: ClassVar[str] = "instruction"
    guide: ClassVar[str] = (
        "Compare the instructions below and score how complex each is: how much knowledge, how many steps of thought and how "
        "many demands at once a good response has to master. Its length alone says little.\n"
        "1 is the simplest, {most} the most complex. Give {beyond} only to an instruction that you could not respond to well."
    )
