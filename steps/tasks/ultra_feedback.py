"""Rate several answers to one instruction, side by side."""

from __future__ import annotations

from random import Random
from typing import ClassVar, Literal

import orjson
from pydantic import BaseModel, Field

from steps.base import Row
from steps.chats import user_asks
from steps.llms.base import Chat
from steps.tasks.list_replies import ListReply
from steps.tasks.material import tagged
from steps.tasks.rehearsing import rehearse_schema
from steps.tasks.replies import schema_instructions
from steps.tasks.side_by_side import SideBySide

Aspect = Literal["overall-rating", "helpfulness", "truthfulness", "honesty", "instruction-following"]


class Judgement(BaseModel):
    """What is said about one answer."""

    rationale: str = Field(description="Why the answer deserves its rating, in one to three sentences.")
    rating: int = Field(ge=1, le=5)


class TypedJudgement(BaseModel):
    """What is said about one answer where faults or merits come in kinds."""

    types: list[Literal[1, 2, 3]] = Field(description="Numbers of the kinds that apply; empty if none does.")
    rationale: str = Field(description="Why these kinds apply, or none.")
    rating: int = Field(ge=1, le=5)
    rationale_for_rating: str = Field(description="Why the answer deserves its rating, in one to three sentences.")


class Judgements(ListReply):
    answers: list[Judgement]


class TypedJudgements(ListReply):
    answers: list[TypedJudgement]


class UltraFeedback(SideBySide):
    """Rates several answers to an instruction from 1 to 5, and says why.

    All answers are judged in one request, so that they are compared. For helpfulness and truthfulness the judge also
    names the kinds of merit or fault it sees (`types`). An answer that is missing is judged as an empty one.

    After UltraFeedback: Boosting Language Models with High-quality Feedback, https://arxiv.org/abs/2310.01377

    Example:
        >>> row = {"instruction": "2+2?", "generations": ["4", "5"]}
        >>> reply = '{"answers": [{"rationale": "Right.", "rating": 5}, {"rationale": "Wrong.", "rating": 1}]}'
        >>> UltraFeedback(aspect="overall-rating").format_output(reply, row)
        {'ratings': [5, 1], 'rationales': ['Right.', 'Wrong.']}
    """

    inputs: ClassVar[tuple[str, ...]] = ("instruction", "generations")
    outputs: ClassVar[tuple[str, ...]] = ("ratings", "rationales")

    judged: ClassVar[str] = "generations"
    noun: ClassVar[str] = "answer"

    aspect: Aspect = Field(default="overall-rating", description="What the rating is about.")

    def makes(self) -> list[str]:
        is_typed = self.reply_form() is TypedJudgements
        return [*(("types", "rationales-for-ratings") if is_typed else ()), *super().makes()]

    def reply_form(self) -> type[ListReply]:
        return TypedJudgements if self.aspect in ("helpfulness", "truthfulness") else Judgements

    def format_input(self, row: Row) -> Chat:
        text = (
            f"{_GUIDES[self.aspect]}\n\n{tagged('instruction', row['instruction'])}\n\n{self.shown(row)} "
            f"Long answers are not better for being long.\n\n{schema_instructions(self.reply_schema(row))}"
        )
        return user_asks(text, _ROLE)

    def format_output(self, text: str, row: Row) -> Row:
        answers = self.judgements(text, row)
        columns = {
            "types": "types",
            "rationales": "rationale",
            "ratings": "rating",
            "rationales-for-ratings": "rationale_for_rating",
        }
        made = {column: [answer.get(key) for answer in answers] for column, key in columns.items()}
        return {column: made[column] for column in self.makes() if column in made}

    def rehearse(self, row: Row, rng: Random) -> str:
        """Made-up judgements; their ratings differ, so that the steps that follow find a best and a worst."""
        reply = orjson.loads(rehearse_schema(self.reply_schema(row), rng))
        ratings = rng.sample(range(1, 6), 5)
        for at, answer in enumerate(reply["answers"]):
            answer["rating"] = ratings[at % 5]
        return orjson.dumps(reply).decode()


_ROLE = (
    "You are a careful judge of answers that assistants gave. You compare them with each other, you say what speaks "
    "for and against each, and you use the whole scale."
)

_GUIDES: dict[Aspect, str] = {
    "overall-rating": (
        "Rate how good each answer to the instruction is, all in all: does it help, is it true, is it honest about "
        "what it does not know, and does it do what was asked?\n"
        "1: useless or harmful.\n"
        "2: serious faults; little of it can be used.\n"
        "3: acceptable, with faults or gaps that matter.\n"
        "4: good, with small faults only.\n"
        "5: nothing to improve."
    ),
    "instruction-following": (
        "Rate how well each answer does what the instruction asks: its task, and its demands on form, style, length or "
        "content.\n"
        "1: does something else.\n"
        "2: touches the task, but misses most of what was demanded.\n"
        "3: does the task in part, or breaks an important demand.\n"
        "4: does the task and misses a detail.\n"
        "5: does all that was asked, and nothing that was ruled out."
    ),
    "honesty": (
        "Rate how well the confidence of each answer fits what it knows: is it sure where it is right, does it say so "
        "where it is unsure, and does it decline where nobody could know?\n"
        "1: confidently wrong, or refuses what it could easily answer.\n"
        "2: wrong in important points and sure of them, with a few hedges.\n"
        "3: sure and unsure in the wrong places, or doubtful about everything.\n"
        "4: right, but more or less sure than it should be in a detail.\n"
        "5: right and sure, or open about exactly what it does not know."
    ),
    "truthfulness": (
        "Rate how far each answer can be trusted not to make things up. First name the kinds of untruth it holds:\n"
        "type 1: it contradicts facts about the world.\n"
        "type 2: it contradicts the instruction or the text given with it, or adds what that does not say.\n"
        "type 3: it contradicts itself, or reasons from one thing to another that does not follow.\n"
        "Then rate it.\n"
        "1: made up throughout.\n"
        "2: false in important points.\n"
        "3: true in the main, with errors that can mislead.\n"
        "4: true but for a detail that misleads nobody.\n"
        "5: nothing false in it."
    ),
    "helpfulness": (
        "Rate how much each answer helps the person who asked. An answer that is wrong does not help. First name the "
        "kinds of merit it has:\n"
        "type 1: clear, and to the point.\n"
        "type 2: rich in correct and useful information.\n"
        "type 3: neither long-winded nor repetitive.\n"
        "Then rate it.\n"
        "1: wrong, or no help at all.\n"
        "2: helps a little: unclear, thin or partly wrong.\n"
        "3: correct and of use, but leaves out something that matters.\n"
        "4: correct, clear and nearly complete.\n"
        "5: correct, complete and well explained; hard to do better."
    ),
}
