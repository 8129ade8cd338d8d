"""Rank answers with a small model that was trained to compare two of them."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import permutations
from random import Random
from typing import ClassVar

from pydantic import Field

from steps.base import Batch, Row, require_values
from steps.errors import RowError
from steps.row_texts import as_text, text_in
from steps.tasks.local_judge import LocalJudge
from steps.tasks.pair_rm_model import PairRMModel
from steps.wording import quoted


class PairRM(LocalJudge):
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

    inputs: ClassVar[tuple[str, ...]] = ("input", "candidates")
    outputs: ClassVar[tuple[str, ...]] = ("ranks", "ranked_candidates", "model_name")

    model: str = Field(default="llm-blender/PairRM", min_length=1, description="Name on the Hub, or a folder.")
    instructions: str | None = Field(
        default=None,
        description="What good answers are like; stands before each `input`.",
        json_schema_extra={"multiline": True},
    )

    def load_model(self) -> PairRMModel:
        return PairRMModel(self.model)

    def process(self, batch: Batch) -> Batch:
        return [self._rank(row) for row in batch]

    def compare(self, prompt: str, pairs: Sequence[tuple[str, str]]) -> list[float]:
        """For each pair of answers by how much the first is better; below 0 where the second is."""
        self.load()
        found: list[float] = self._model.compare(prompt, pairs)
        return found

    def _rank(self, row: Row) -> Row:
        require_values(row, self.inputs)
        prompt, candidates = text_in(row, "input"), row["candidates"]
        if not isinstance(candidates, list) or not candidates:
            raise RowError(f"`candidates` holds {quoted(candidates)}, not a list of texts", "make it with GroupColumns")
        texts = [as_text(one, "candidates") for one in candidates]
        gains = self.numbers_for((f"{self.instructions}\n{prompt}" if self.instructions else prompt, texts))
        order = sorted(range(len(candidates)), key=lambda at: -gains[at])  # the earlier of equals first
        ranks = [order.index(at) + 1 for at in range(len(candidates))]
        return {**row, "ranks": ranks, "ranked_candidates": [candidates[at] for at in order], "model_name": self.model_name}

    def judge(self, shown: tuple[str, list[str]]) -> list[float]:
        """By how much each answer is better than the others. It is shown a prompt and the answers."""
        prompt, candidates = shown
        gains = [0.0] * len(candidates)
        pairs = list(permutations(range(len(candidates)), 2))
        compared = self.compare(prompt, [(candidates[one], candidates[other]) for one, other in pairs]) if pairs else []
        for (one, other), better_by in zip(pairs, compared, strict=True):
            gains[one] += better_by
            gains[other] -= better_by
        return gains

    def rehearse(self, shown: tuple[str, list[str]], rng: Random) -> list[float]:
        _, candidates = shown
        gains = {candidate: rng.random() for candidate in candidates}  # equal answers are equally good
        return [gains[candidate] for candidate in candidates]
