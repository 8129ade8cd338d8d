"""Whole pipelines to start from in Python: each is a `Pipeline` that is written already.

    InstructionResponsePipeline(llm=llm, num_rows=500).run()

They can be saved, opened in the browser and changed there as any other.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Self

from flows.pipeline import Pipeline
from steps.columns import ExpandColumns, GroupColumns, KeepColumns
from steps.formats import FormatTextGenerationDPO
from steps.llms import RehearsalLLM
from steps.llms.base import LLM
from steps.sources import LoadDataFromDicts
from steps.tasks import MagpieGenerator, SelfInstruct, TextGeneration, UltraFeedback

SYSTEM_PROMPT = "You help whoever asks, with care and with ideas of your own."


class _Template(Pipeline):
    @property
    def pipeline(self) -> Self:
        """The pipeline itself, for code that was written for distilabel."""
        return self


class InstructionResponsePipeline(_Template):
    """Instructions and responses out of nothing but a model: Magpie, https://arxiv.org/abs/2406.08464

    The rows have `instruction` and `response`; with several turns `conversation`. The model needs a
    `magpie_pre_query_template` and a server with /v1/completions. Without a model the rows are made up.

    >>> made = InstructionResponsePipeline(num_rows=3)
    >>> len(made.dry_run(batch_size=2))
    2
    """

    def __init__(
        self,
        llm: LLM | None = None,
        system_prompt: str = SYSTEM_PROMPT,
        n_turns: int = 1,
        num_rows: int = 10,
        batch_size: int = 1,
    ) -> None:
        super().__init__("instruction-response", "Instructions and responses that a model writes by itself.")
        with self:
            MagpieGenerator(
                name="magpie",
                llm=llm or RehearsalLLM(),
                system_prompt=system_prompt,
                n_turns=n_turns,
                num_rows=num_rows,
                batch_size=batch_size,
            )


class DatasetInstructionResponsePipeline(_Template):
    """Instructions drawn from texts of yours, and responses to them: Self-Instruct, https://arxiv.org/abs/2212.10560

    `data` are rows with a column `input`. Each gives `num_instructions` rows with `input`, `instruction` and `response`.
    Without a model the rows are made up.

    >>> made = DatasetInstructionResponsePipeline([{"input": "Tides follow the moon."}], num_instructions=2)
    >>> [sorted(row) for row in made.dry_run()]
    [['input', 'instruction', 'response'], ['input', 'instruction', 'response']]
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        llm: LLM | None = None,
        system_prompt: str = SYSTEM_PROMPT,
        num_instructions: int = 2,
        batch_size: int = 50,
    ) -> None:
        super().__init__("dataset-instruction-response", "Instructions drawn from texts, with responses.")
        llm = llm or RehearsalLLM()
        with self:
            load = LoadDataFromDicts(name="load", data=list(map(dict, data)), batch_size=batch_size)
            write = SelfInstruct(name="instructions", llm=llm, num_instructions=num_instructions)
            expand = ExpandColumns(name="expand", columns={"instructions": "instruction"})
            answer = TextGeneration(
                name="respond", llm=llm, system_prompt=system_prompt, output_mappings={"generation": "response"}
            )
            keep = KeepColumns(name="keep", columns=["input", "instruction", "response"])
            _ = load >> write >> expand >> answer >> keep


class PreferencePipeline(_Template):
    """A response of each model to your instructions, rated by a judge, as pairs for DPO: https://arxiv.org/abs/2310.01377

    `data` are rows with a column `instruction`. One model alone responds twice, so it should be asked at a temperature at
    which it does not say the same again. Without models the rows are made up.

    >>> [row] = PreferencePipeline([{"instruction": "Why is the sky blue?"}]).dry_run()
    >>> len(row["generations"]), row["chosen_rating"] > row["rejected_rating"]
    (2, True)
    """

    def __init__(
        self,
        data: Sequence[Mapping[str, Any]],
        llms: Sequence[LLM] = (),
        judge: LLM | None = None,
        aspect: str = "overall-rating",
        batch_size: int = 50,
    ) -> None:
        super().__init__("preferences", "Responses of several models, rated, as preference pairs.")
        llms = llms or (RehearsalLLM(seed=1), RehearsalLLM(seed=2))
        if len(llms) == 1:  # a pair takes two
            llms = [*llms, *llms]
        with self:
            load = LoadDataFromDicts(name="load", data=list(map(dict, data)), batch_size=batch_size)
            answers = [TextGeneration(name=f"answer_{number}", llm=llm) for number, llm in enumerate(llms, 1)]
            group = GroupColumns(
                name="group", columns=["generation", "model_name"], output_columns=["generations", "generation_models"]
            )
            rate = UltraFeedback.model_validate({"name": "rate", "llm": judge or RehearsalLLM(), "aspect": aspect})
            pairs = FormatTextGenerationDPO(name="pairs")
            _ = load >> answers >> group >> rate >> pairs
