"""Solutions with marked steps, for process reward models."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any, ClassVar, Literal

from pydantic import Field

from steps.base import Batch, Group, Row, Step, naming_missing
from steps.errors import RowError
from steps.formats.chats import text_of
from steps.wording import quoted

_Marked = tuple[str, str, bool]
"""What a step says, its tag, and whether that is the good one."""


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
        with naming_missing(batch, self.inputs):
            return [self._format(row) for row in batch]

    def _format(self, row: Row) -> Row:
        instruction = text_of(row, "instruction")
        steps = self._steps(row["solutions"])
        if self.format == "trl":
            texts, labels = [text.strip() for text, _, _ in steps], [is_good for _, _, is_good in steps]
            return {**row, "prompt": instruction, "completions": texts, "labels": labels}
        token = self.step_token
        asked = "\n".join([text + token for text, _, _ in steps])
        labelled = "\n".join([text + tag for text, tag, _ in steps])
        return {**row, "input": f"{instruction} {asked}", "label": f"{instruction} {labelled}"}

    def _steps(self, solution: Any) -> list[_Marked]:
        if not isinstance(solution, list) or not solution:
            raise RowError(f"column 'solutions' holds {quoted(solution)}, not a list of steps", "drop the row before this step")
        if isinstance(solution[0], list):
            raise RowError("column 'solutions' holds several solutions", "make a row of each before, with ExpandColumns")
        good, bad = self.tags
        marked: list[_Marked] = []
        for number, step in enumerate(solution, 1):
            text = step.rstrip() if isinstance(step, str) else ""
            if text.endswith(good):
                marked.append((text.removesuffix(good), good, True))
            elif text.endswith(bad):
                marked.append((text.removesuffix(bad), bad, False))
            else:
                seen = f"step {number} ends with none of {self.tags}: {quoted(step)}"
                raise RowError(seen, "mark each step, or drop the row")
        return marked
