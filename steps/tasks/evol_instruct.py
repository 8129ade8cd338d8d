"""Make instructions harder, or write others like them, in several steps."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.base import Row
from steps.tasks.evolution import EvolvingRow, Templates
from steps.tasks.mutations import INSTRUCTION_MUTATIONS
from steps.tasks.rounds import Talk


class EvolInstruct(EvolvingRow):
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

    generate_answers: bool = Field(default=False, description="Answer what is kept too.")
    include_original_instruction: bool = Field(
        default=False, description="Put the instruction as it was first, where all rewrites are kept."
    )
    mutation_templates: Templates = INSTRUCTION_MUTATIONS

    def makes(self) -> list[str]:
        instruction, answer = (
            ("evolved_instructions", "answers") if self.store_evolutions else ("evolved_instruction", "answer")
        )
        return [instruction, *([answer] if self.generate_answers else []), *super().makes()]

    async def talk(self, row: Row, talk: Talk) -> Row:
        evolved = await self.evolve(talk, str(row["instruction"]), times=self.num_evolutions)
        kept = self.kept(evolved, with_first=self.include_original_instruction)
        answers = await self.answers(talk, kept) if self.generate_answers else []
        if self.store_evolutions:
            return {"evolved_instructions": kept, **({"answers": answers} if self.generate_answers else {})}
        return {"evolved_instruction": kept[0], **({"answer": answers[0]} if self.generate_answers else {})}
