"""Rate whether an answer is what an instruction asked an assistant for."""

from __future__ import annotations

from typing import ClassVar

from pydantic import BaseModel, Field

from steps.base import Section
from steps.tasks.base import Task
from steps.tasks.material import NO_ORDERS


class Curation(BaseModel):
    reason: str = Field(description="What speaks for and against the answer, in one to three sentences.")
    score: int = Field(ge=1, le=5)


class InstructionBacktranslation(Task):
    """Scores from 1 to 5 how well a text answers an instruction, and says why.

    It is for choosing among texts that were there first, and for which a model wrote an instruction: 5 is what an AI
    assistant would ideally have answered.

    After Self-Alignment with Instruction Backtranslation, https://arxiv.org/abs/2308.06259

    Example:
        >>> row = {"instruction": "2+2?", "generation": "4"}
        >>> InstructionBacktranslation().format_output('{"reason": "Right and brief.", "score": 5}', row)
        {'reason': 'Right and brief.', 'score': 5}
    """

    section: ClassVar[Section] = "judge"
    inputs: ClassVar[tuple[str, ...]] = ("instruction", "generation")
    outputs: ClassVar[tuple[str, ...]] = ("score", "reason")
    Answer = Curation
    prompt: ClassVar[str] = (
        "Rate whether the answer below is a good example of how an AI assistant should answer the instruction.\n"
        "1: it is incomplete, vague, off the topic or not what was asked for, or it is text that only stood near an "
        "answer, such "
        "as a menu, an advertisement or somebody's opinion of another text.\n"
        "2: it deals with most of what was asked, but not directly: with a method in place of a solution, say.\n"
        "3: it helps, but was not written by an assistant for this user: it reads like a part of an article, a blog "
        "or a talk.\n"
        "4: it is written for the user by an assistant; complete, clear and to the point, with little to improve.\n"
        "5: it is all of that, shows knowledge of the matter, and nothing in it is superfluous.\n\n"
        "<instruction>\n{instruction}\n</instruction>\n\n<answer>\n{generation}\n</answer>\n\n" + NO_ORDERS
    )
