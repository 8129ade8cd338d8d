"""Rank answers with a small model that was trained to compare two of them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import permutations
from typing import Any, ClassVar

from pydantic import Field, PrivateAttr

from steps.base import Batch, Group, Row, Section, Step, require_values
from steps.errors import Complaint, RowError
from steps.extras import without_extra
from steps.row_texts import as_text, text_in
from steps.tasks.chances import REHEARSAL, made_up
from steps.wording import quoted


class PairRM(Step):
    """Ranks answers by comparing each with every other, with a model that runs here.

    `ranks` says of each of the `candidates` at which place it stands, 1 being the best; `ranked_candidates` are the answers in
    that order. Equal answers keep the order they came in. Every pair is compared in both orders, since the model judges a
    little by position: the time grows with the square of the number of answers. The model is read in the form that
    transformers can load, so `llm-blender/PairRM` takes the weights of `llm-blender/PairRM-hf`.

    After LLM-Blender: Ensembling Large Language Models with Pairwise Ranking and Generative Fusion,
    https://arxiv.org/abs/2306.02561

    Example:
        >>> step = PairRM(instructions="Prefer short answers.")
        >>> step.needs(), step.makes()
        (['input', 'candidates'], ['ranks', 'ranked_candidates', 'model_name'])
    """

    group: ClassVar[Group] = "ask"
    section: ClassVar[Section] = "judge"
    inputs: ClassVar[tuple[str, ...]] = ("input", "candidates")
    outputs: ClassVar[tuple[str, ...]] = ("ranks", "ranked_candidates", "model_name")
    reaches: ClassVar[str] = "the Hub, for the weights"
    in_rehearsal: ClassVar[dict[str, str]] = {"model": REHEARSAL}
    runs_code: ClassVar[bool] = True  # a model may bring some

    model: str = Field(default="llm-blender/PairRM", description="Model on the Hub, or a folder; rehearsal for made-up ranks.")
    instructions: str | None = Field(
        default=None,
        description="What good answers are like; stands before each `input`.",
        json_schema_extra={"multiline": True},
    )
    _model: Any = PrivateAttr(default=None)

    def check(self) -> Iterable[Complaint]:
        return () if self.model == REHEARSAL else without_extra("transformers", "transformers", "PairRM")

    def load(self) -> None:
        if self.model == REHEARSAL:
            return
        from steps.tasks.pair_rm_model import PairRMModel

        self._model = PairRMModel(self.model)

    def unload(self) -> None:
        self._model = None

    def process(self, batch: Batch) -> Batch:
        return [self._rank(row) for row in batch]

    def compare(self, prompt: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each pair of answers by how much the first is better; below 0 where the second is."""
        if self.model == REHEARSAL:
            return [made_up([prompt, first]) - made_up([prompt, second]) for first, second in pairs]
        if self._model is None:
            self.load()
        found: list[float] = self._model.compare(prompt, pairs)
        return found

    def _rank(self, row: Row) -> Row:
        require_values(row, self.inputs)
        prompt, candidates = text_in(row, "input"), row["candidates"]
        if not isinstance(candidates, list) or not candidates:
            raise RowError(f"`candidates` holds {quoted(candidates)}, not a list of texts", "make it with GroupColumns")
        texts = [as_text(one, "candidates") for one in candidates]
        order = self._best_first(f"{self.instructions}\n{prompt}" if self.instructions else prompt, texts)
        ranks = [order.index(at) + 1 for at in range(len(candidates))]
        return {**row, "ranks": ranks, "ranked_candidates": [candidates[at] for at in order], "model_name": self.model}

    def _best_first(self, prompt: str, candidates: Sequence[str]) -> list[int]:
        """Where the answers stand in the list, from the best to the worst; the earlier of equals first."""
        gains = [0.0] * len(candidates)
        pairs = list(permutations(range(len(candidates)), 2))
        compared = self.compare(prompt, [(candidates[one], candidates[other]) for one, other in pairs]) if pairs else []
        for (one, other), better_by in zip(pairs, compared, strict=True):
            gains[one] += better_by
            gains[other] -= better_by
        return sorted(range(len(gains)), key=lambda at: -gains[at])
