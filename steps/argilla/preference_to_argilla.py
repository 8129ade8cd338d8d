"""Several answers to an instruction to Argilla, where people rate each."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any, ClassVar

from pydantic import Field

from steps.argilla.instructions import INSTRUCTION, InstructionPush, shown_text
from steps.argilla.questions import ArgillaQuestion, answer_for
from steps.argilla.records import Record, Suggestion, id_of_fields
from steps.argilla.values import agent_name
from steps.base import Row, is_missing, require_values
from steps.errors import RowError
from steps.wording import counted, quoted

RATINGS = [str(rating) for rating in range(1, 6)]


class PreferenceToArgilla(InstructionPush):
    """Shows several answers to an instruction to people in Argilla, who rate each.

    The data set has the fields `instruction` and `generations-0`, `generations-1` and so on, and for each answer the questions
    `generations-0-rating`, from 1 to 5, and `generations-0-rationale`; one that is not there is made. `ratings` and
    `rationales`, as UltraFeedback makes them, become suggestions. A record sent again is changed in Argilla, not doubled.
    Nothing is sent in a rehearsal or a preview.

    Example:
        >>> step = PreferenceToArgilla(dataset_name="ratings", num_generations=2)
        >>> row = {"instruction": "Name a river.", "generations": ["The Rhine.", "Cheese."], "ratings": [5, 1]}
        >>> [record] = step.records(row)
        >>> [(one.question, one.value) for one in record.suggestions]
        [('generations-0-rating', 5), ('generations-1-rating', 1)]
    """

    inputs: ClassVar[tuple[str, ...]] = (INSTRUCTION, "generations")
    optional_inputs: ClassVar[tuple[str, ...]] = ("ratings", "rationales", "model_name")

    num_generations: int = Field(ge=1, le=50, description="Answers to show, at most.", examples=[2])

    def text_fields(self) -> dict[str, bool]:
        return {INSTRUCTION: True, **{name: at == 0 for at, name in enumerate(self._names())}}

    def asked(self) -> dict[str, ArgillaQuestion]:
        asked = {}
        for at, name in enumerate(self._names()):
            skip = "" if at == 0 else f"Skip this where there is no {name}."
            asked[f"{name}-rating"] = ArgillaQuestion(
                type="rating", title=f"How good is {name}?", guideline=skip, labels=RATINGS, required=at == 0
            )
            asked[f"{name}-rationale"] = ArgillaQuestion(
                type="text", title=f"Why does {name} get this rating?", guideline=skip, required=False
            )
        return asked

    def _names(self) -> list[str]:
        return [f"generations-{at}" for at in range(self.num_generations)]

    def records(self, row: Row) -> Iterable[Record]:
        require_values(row, self.inputs)
        answers = self._listed(row, "generations")
        if not answers or all(map(is_missing, answers)) or is_missing(answers[0]):
            raise RowError(f"column 'generations' begins with no answer: {quoted(answers)}", "give at least one answer")
        shown = {
            name: shown_text("generations", one)
            for name, one in zip(self._names(), answers, strict=False)
            if not is_missing(one)
        }
        fields = {INSTRUCTION: shown_text(INSTRUCTION, row[INSTRUCTION]), **shown}
        yield Record(id_of_fields(fields), fields, suggestions=list(self._suggestions(row, shown)))

    def _suggestions(self, row: Row, shown: dict[str, str]) -> Iterator[Suggestion]:
        agent = None if is_missing(row.get("model_name")) else agent_name(row["model_name"], "model_name")
        questions = self.asked()
        for column, kind in (("ratings", "rating"), ("rationales", "rationale")):
            for name, value in zip(self._names(), self._listed(row, column), strict=False):
                if name in shown and not is_missing(value) and str(value).strip():
                    question = f"{name}-{kind}"
                    yield Suggestion(question, answer_for(questions[question], value, column), agent=agent)

    def _listed(self, row: Row, column: str) -> list[Any]:
        """What a row holds for each answer.

        Raises:
            RowError: It is no list, or longer than there are answers to show.
        """
        if is_missing(value := row.get(column)):
            return []
        if not isinstance(value, list):
            raise RowError(f"column {column!r} holds a {type(value).__name__}, not a list", "name a column of lists")
        if len(value) > self.num_generations:
            what = f"column {column!r} holds {counted(len(value), 'value')}, and {self.num_generations} are shown"
            raise RowError(what, f"set `num_generations: {len(value)}`, for a new data set")
        return value
