"""Make answers better in several steps."""

from __future__ import annotations

from typing import ClassVar

from pydantic import Field

from steps.base import Row
from steps.row_texts import filled_text_in
from steps.tasks.evolution import EvolvingRow, Templates
from steps.tasks.mutations import QUALITY_MUTATIONS, RESPONSE
from steps.tasks.rounds import Talk


class EvolQuality(EvolvingRow):
    """Has a model make each response better, step by step.

    Each step draws in which way: more helpful, more to the point, deeper, more creative, more detailed. A rewrite that is
    empty, unchanged, a refusal or a copy of the prompt is asked for again (`max_repairs`). If it stays so, it is not used:
    the next step begins with the last good response, so `evolved_responses` may hold fewer than `num_evolutions`. A row of
    which no rewrite is of use goes to the quarantine.

    After What Makes Good Data for Alignment? (DEITA), https://arxiv.org/abs/2312.15685

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> llm = ScriptedLLM(replies=["The Nile, which is 6,650 km long."])
        >>> row = {"instruction": "Name a river.", "response": "The Nile."}
        >>> EvolQuality(num_evolutions=1, llm=llm).process([row])[0]["evolved_response"]
        'The Nile, which is 6,650 km long.'
    """

    inputs: ClassVar[tuple[str, ...]] = ("instruction", "response")
    placeholder: ClassVar[str] = RESPONSE

    include_original_response: bool = Field(
        default=False, description="Put the response as it was first, where all rewrites are kept."
    )
    mutation_templates: Templates = Field(
        default=QUALITY_MUTATIONS,
        description="Prompts to draw from, by name; <PROMPT> stands for the instruction, <RESPONSE> for the response.",
    )

    def makes(self) -> list[str]:
        return ["evolved_responses" if self.store_evolutions else "evolved_response", *super().makes()]

    async def talk(self, row: Row, talk: Talk) -> Row:
        evolved = await self.evolve(talk, str(row["instruction"]), filled_text_in(row, "response"), times=self.num_evolutions)
        kept = self.kept(evolved, with_first=self.include_original_response)
        return {"evolved_responses": kept} if self.store_evolutions else {"evolved_response": kept[0]}
