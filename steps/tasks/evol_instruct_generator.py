"""Write instructions from a few words, and make them harder until they are long enough."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from functools import partial
from random import Random
from typing import Annotated

from pydantic import Field, field_validator

from steps.base import Row
from steps.errors import BadReply, Complaint
from steps.tasks.evolution import EvolvingTask, Templates
from steps.tasks.generator import GeneratorTask
from steps.tasks.mutations import FRESH_START, GENERATION_MUTATIONS, PROMPT
from steps.tasks.nouns import NOUNS
from steps.tasks.rehearsing import rehearse_text
from steps.tasks.rounds import Talk

MOST_ROUNDS = 15
"""How often a row may ask before it is given up."""


StartingTemplates = Annotated[
    Templates,
    Field(
        description="Prompts to draw from, by name; <PROMPT> stands for the instruction. FRESH_START starts a "
        "chain; there it stands for some words."
    ),
]


class EvolInstructGenerator(GeneratorTask, EvolvingTask):
    """Makes instructions: a model writes them from a few words and evolves them.

    Each row is a chain of its own. It starts with words drawn by chance (the mutation FRESH_START) and goes on with other
    mutations until the instruction has `min_length` to `max_length` characters; one that grew too long starts anew, and a
    rewrite of no use (see EvolInstruct) is not used. After 15 rounds the row goes to the quarantine, so fewer rows than
    `num_instructions` may come. More of them later leave those that are there as they are.

    After WizardLM: Empowering Large Language Models to Follow Complex Instructions, https://arxiv.org/abs/2304.12244

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> llm = ScriptedLLM(replies=["Bake bread.", "Bake bread without an oven, and say why it works."])
        >>> task = EvolInstructGenerator(num_instructions=1, min_length=20, max_length=80, llm=llm)
        >>> [row["instruction"] for row in task.generate()]
        ['Bake bread without an oven, and say why it works.']
    """

    num_instructions: int = Field(ge=1, description="Rows to make.", examples=[100])
    generate_answers: bool = Field(default=False, description="Answer each instruction too, in the column `answer`.")
    mutation_templates: StartingTemplates = GENERATION_MUTATIONS
    min_length: int = Field(default=512, ge=1, description="Fewest characters of an instruction.")
    max_length: int = Field(default=1024, ge=1, description="Most characters of an instruction.")

    @field_validator("mutation_templates")
    @classmethod
    def _can_start(cls, templates: dict[str, str]) -> dict[str, str]:
        if FRESH_START not in templates:
            raise ValueError(f"there is no {FRESH_START!r} to start with; there are {', '.join(templates)}")
        return templates

    def makes(self) -> list[str]:
        return ["instruction", *(["answer"] if self.generate_answers else []), *super().makes()]

    def check(self) -> Iterable[Complaint]:
        if self.min_length > self.max_length:
            yield f"min_length {self.min_length} is more than max_length {self.max_length}"

    def seeds(self) -> Iterator[Row]:
        for number in range(self.num_instructions):
            yield {"number": number, "words": draw_words(Random(f"{self.seed}:{number}"))}

    def count(self) -> int:
        return self.num_instructions

    async def talk(self, row: Row, talk: Talk) -> Row:
        instruction = await self._written(talk, row.get("words") or draw_words(talk.rng))
        if not self.generate_answers:
            return {"instruction": instruction}
        return {"instruction": instruction, "answer": (await self.answers(talk, [instruction]))[0]}

    async def _written(self, talk: Talk, words: list[str]) -> str:
        text, failed = "", None
        others = [name for name in self.mutation_templates if name != FRESH_START]
        for at in range(MOST_ROUNDS):
            is_new = not text or len(text) > self.max_length or not others
            given = ", ".join(words if at == 0 else draw_words(talk.rng)) if is_new else text
            name = FRESH_START if is_new else talk.rng.choice(others)
            try:
                text = await self.rewrite(talk, name, {PROMPT: given}, partial(self._rehearsed, is_new=is_new))
            except BadReply as error:
                failed = error
                continue
            if self.min_length <= len(text) <= self.max_length:
                return text
        if not text and failed is not None:
            raise failed
        raise BadReply(
            f"in {MOST_ROUNDS} rounds no instruction came to have {self.min_length} to {self.max_length} characters; the last "
            f"has {len(text)}",
            "widen min_length and max_length, or take another model",
            text,
        )

    def _rehearsed(self, rng: Random, *, is_new: bool) -> str:
        """A text of the right length; half of those that are new are too short, so that they are evolved."""
        length = rng.randint(self.min_length, max(self.min_length, self.max_length))
        if is_new and self.min_length > 1 and rng.random() < 0.5:
            length = self.min_length // 2
        text = ""
        while len(text) < length:
            text += rehearse_text(rng)
        return f"{text[: length - 1]}x"


def draw_words(rng: Random) -> list[str]:
    """Two to four words that a chain may start with."""
    return rng.sample(NOUNS, rng.randint(2, 4))
