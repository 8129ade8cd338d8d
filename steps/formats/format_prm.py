"""Solutions with marked steps, for process reward models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Literal

from pydantic import Field

from steps.base import Batch, Group, Row, Step, require
from steps.errors import RowError
from steps.row_texts import texts_in
from steps.wording import quoted


class FormatPRM(Step):
    """Writes a solution with marked steps as a process reward model is trained on.

    `solutions` holds the steps of one solution; each ends with a tag that says whether it leads to the right answer. Of
    several solutions, make rows of their own first (`ExpandColumns`). `math-shepherd` makes `input`, in which a token stands
    where a tag is to be predicted, and `label`, the same with the tags. `trl` makes `prompt`, `completions` and `labels`.

    After Math-Shepherd: Verify and Reinforce LLMs Step-by-step without Human Annotations, https://arxiv.org/abs/2312.08935

    Example:
        >>> row = {"instruction": "2+2+2?", "solutions": ["Step 1: 2+2=4. +", "Step 2: 4+2=7. -"]}
        >>> [made] = FormatPRM(format="trl").process([row])
        >>> made["completions"], made["labels"]
        (['Step 1: 2+2=4.', 'Step 2: 4+2=7.'], [True, False])
        >>> FormatPRM().process([row])[0]["input"]
        '2+2+2? Step 1: 2+2=4. ки\\nStep 2: 4+2=7. ки'
    """

    group: ClassVar[Group] = "formats"
    inputs: ClassVar[tuple[str, ...]] = ("instruction", "solutions")

    format: Literal["math-shepherd", "trl"] = Field(
        default="math-shepherd", description="math-shepherd: that of the paper's data. trl: that of TRL's PRMTrainer."
    )
    step_token: str = Field(default="ки", min_length=1, description="Stands where the model is to rate a step (math-shepherd).")
    tags: list[str] = Field(
        default_factory=lambda: ["+", "-"], min_length=2, max_length=2, description="Ends of good steps and of bad ones."
    )

    def makes(self) -> list[str]:
        return ["input", "label"] if self.format == "math-shepherd" else ["prompt", "completions", "labels"]

    def check(self) -> Iterable[str]:
        good, bad = self.tags
        if not good or not bad or good.endswith(bad) or bad.endswith(good):
            yield f"`tags` cannot be told apart at the end of a step: {self.tags}"

    def process(self, batch: Batch) -> Batch:
        return [self._format(row, asked) for row, asked in zip(batch, texts_in(batch, "instruction"), strict=True)]

    def _format(self, row: Row, instruction: str) -> Row:
        marked, texts, labels = self._steps(row)
        if self.format == "trl":
            return {**row, "prompt": instruction, "completions": [text.strip() for text in texts], "labels": labels}
        token = self.step_token
        asked = f"{token}\n".join(texts)
        labelled = "\n".join(marked)
        return {**row, "input": f"{instruction} {asked}{token}", "label": f"{instruction} {labelled}"}

    def _steps(self, row: Row) -> tuple[list[str], list[str], list[bool]]:
        """The steps with nothing after their tags, the same without tags, and whether each is good."""
        solution = row.get("solutions")
        if not isinstance(solution, list) or not solution:
            require(row, ["solutions"])
            raise RowError(f"column 'solutions' holds {quoted(solution)}, not a list of steps", "drop the row before this step")
        if isinstance(solution[0], list):
            raise RowError("column 'solutions' holds several solutions", "make a row of each before, with ExpandColumns")
        good, bad = self.tags
        marked: list[str] = []
        texts: list[str] = []
        labels: list[bool] = []
        for step in solution:
            text = step.rstrip() if isinstance(step, str) else ""
            is_good = text.endswith(good)
            if not is_good and not text.endswith(bad):
                seen = f"step {len(marked) + 1} ends with none of {self.tags}: {quoted(step)}"
                raise RowError(seen, "mark each step, or drop the row")
            marked.append(text)
            texts.append(text[: -len(good if is_good else bad)])
            labels.append(is_good)
        return marked, texts, labels
