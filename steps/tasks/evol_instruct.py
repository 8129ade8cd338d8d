"""Make instructions harder, or write others like them, in several steps."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.base import Row
from steps.tasks.evolution import EvolvingTask
from steps.tasks.mutations import INSTRUCTION_MUTATIONS
from steps.tasks.rounds import Talk


class EvolInstruct(EvolvingTask):
    """Has a model make each instruction harder, or another one like it, step by step.

    Each step draws a mutation: add a condition, go deeper, be more specific, take more reasoning, or another instruction of
    the same field. A rewrite that is empty, unchanged, a refusal or a copy of the prompt is asked for again
    (`max_repairs`). If it stays so, it is not used: the next step begins with the last good text, so `evolved_instructions`
    may hold fewer than `num_evolutions`. A row of which no rewrite is of use goes to the quarantine. Answers are taken as
    they come.

    After WizardLM: Empowering Large Language Models to Follow Complex Instructions, https://arxiv.org/abs/2304.12244

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> llm = ScriptedLLM(replies=["Name three rivers.", "Name three rivers that flow north."])
        >>> task = EvolInstruct(num_evolutions=2, store_evolutions=True, llm=llm)
        >>> task.process([{"instruction": "Name a river."}])[0]["evolved_instructions"]
        ['Name three rivers.', 'Name three rivers that flow north.']
    """

    inputs: ClassVar[tuple[str, ...]] = ("instruction",)

    num_evolutions: int = Field(ge=1, description="Rewrites of each instruction, each of the one before.", examples=[2])
    store_evolutions: bool = Field(
        default=False, description="Keep all rewrites, in the lists `evolved_instructions` and `answers`, not just the last."
    )
    generate_answers: bool = Field(default=False, description="Answer what is kept too.")
    include_original_instruction: bool = Field(
        default=False, description="Put the instruction as it was first, where all rewrites are kept."
    )
    mutation_templates: dict[str, str] = Field(
        default=INSTRUCTION_MUTATIONS,
        min_length=1,
        description="Prompts to draw from, by name; <PROMPT> stands for the instruction.",
        json_schema_extra={"multiline": True},
    )

    def makes(self) -> list[str]:
        instruction, answer = (
            ("evolved_instructions", "answers") if self.store_evolutions else ("evolved_instruction", "answer")
        )
        return [instruction, *([answer] if self.generate_answers else []), *super().makes()]

    async def talk(self, row: Row, talk: Talk) -> Row:
        evolved = await self.evolve(talk, str(row["instruction"]), times=self.num_evolutions)
        first = 0 if self.include_original_instruction else 1
        kept = evolved[first:] if self.store_evolutions else evolved[-1:]
        answers = await self.answers(talk, kept) if self.generate_answers else []
        if self.store_evolutions:
            return {"evolved_instructions": kept, **({"answers": answers} if self.generate_answers else {})}
        return {"evolved_instruction": kept[0], **({"answer": answers[0]} if self.generate_answers else {})}
