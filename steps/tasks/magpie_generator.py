"""Have a model write instructions, or whole conversations, as the start of a pipeline."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

from pydantic import Field

from steps.base import Row
from steps.errors import Complaint
from steps.llms.base import AnyLLM
from steps.llms.rehearsal_llm import RehearsalLLM
from steps.tasks.generator import GeneratorTask
from steps.tasks.magpie import EXAMPLE_LLM, Magpie


class MagpieGenerator(GeneratorTask, Magpie):
    """Makes rows of instructions or conversations that a model writes by itself.

    Each row is a conversation of its own: see Magpie for what the model needs, and what the columns are. A system prompt, or
    several to draw from, is what makes the rows about something.

    After Magpie: Alignment Data Synthesis from Scratch by Prompting Aligned LLMs with Nothing,
    https://arxiv.org/abs/2406.08464

    Example:
        >>> from steps.llms.scripted_llm import ScriptedLLM
        >>> llm = ScriptedLLM(replies=["Why do cats purr?", "How do I boil an egg?"])
        >>> [row["instruction"] for row in MagpieGenerator(num_rows=2, only_instruction=True, llm=llm).generate()]
        ['Why do cats purr?', 'How do I boil an egg?']
    """

    optional_inputs: ClassVar[tuple[str, ...]] = ()

    llm: AnyLLM = Field(
        default_factory=RehearsalLLM,
        description="The model that writes both sides. It needs a `magpie_pre_query_template`.",
        examples=[EXAMPLE_LLM],
    )
    num_rows: int = Field(ge=1, description="Rows to make. Rows that fail are not made up for.", examples=[100])

    def seeds(self) -> Iterator[Row]:
        return ({"number": number} for number in range(self.num_rows))

    def count(self) -> int:
        return self.num_rows

    def check(self) -> Iterable[Complaint]:
        yield from super().check()
        if self.num_rows > 1 and self.llm.generation_kwargs.get("temperature") == 0:
            yield "at temperature 0 the model writes the same in every row", "set it near 1 in generation_kwargs of the LLM"
