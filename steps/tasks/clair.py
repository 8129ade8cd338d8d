"""Improve an answer as little as possible: the pair then differs in what matters, and in nothing else."""

from __future__ import annotations

from random import Random
from typing import ClassVar

from pydantic import Field

from steps.base import Row, Section
from steps.chats import user_asks
from steps.llms.base import Chat
from steps.row_texts import filled_text_in
from steps.tasks.base import Task
from steps.tasks.marked_replies import split_at
from steps.tasks.material import NO_ORDERS, tagged
from steps.tasks.rehearsing import rehearse_text

MARKER = "[REVISION]"
_ROLE = (
    "You are a teacher. You improve what a student wrote, and change no more than it takes: what is right stays word for word. "
    "Your revision is clearer, more correct and more engaging than the original, and reads as if it were the first version: it "
    "does not mention that anything was changed."
)


class CLAIR(Task):
    """Revises an answer as little as it takes to make it better.

    `revision` is the better answer, `rational` says what was changed and why. With `student_solution` as the rejected and
    `revision` as the chosen answer they make a preference pair that differs only in what matters.

    After Anchored Preference Optimization and Contrastive Revisions: Addressing Underspecification in Alignment,
    https://arxiv.org/abs/2408.06266

    Example:
        >>> row = {"task": "2+2?", "student_solution": "It is 5."}
        >>> CLAIR().format_output("The sum is wrong. [REVISION] It is 4.", row)
        {'revision': 'It is 4.', 'rational': 'The sum is wrong.'}
    """

    section: ClassVar[Section] = "write"
    inputs: ClassVar[tuple[str, ...]] = ("task", "student_solution")
    outputs: ClassVar[tuple[str, ...]] = ("revision", "rational")

    system_prompt: str = Field(
        default=_ROLE, description="What the model is told about its role.", json_schema_extra={"multiline": True}
    )

    def format_input(self, row: Row) -> Chat:
        material = f"{tagged('task', filled_text_in(row, 'task'))}\n\n{tagged('student solution', row['student_solution'])}"
        text = (
            f"{material}\n\n{NO_ORDERS}\n\n"
            "First write, in a few sentences, what should be changed in the student's solution and why. Then write "
            f"{MARKER} on a line of its own, and after it the whole revised solution. Nothing follows it."
        )
        return user_asks(text, self.system_prompt)

    def format_output(self, text: str, row: Row) -> Row:
        rational, revision = split_at(MARKER, text)
        return {"revision": revision, "rational": rational}

    def rehearse(self, row: Row, rng: Random) -> str:
        return f"{rehearse_text(rng)}\n{MARKER}\n{rehearse_text(rng, 30)}"
