"""Labels that many annotations were consolidated into, back to the records they are about."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any, ClassVar, Final

from pydantic import Field

from steps.argilla.api import Refused
from steps.argilla.dataset import Dataset, find
from steps.argilla.pushing import ArgillaPush
from steps.argilla.questions import AskedQuestion, answer_for
from steps.argilla.records import Outbox, Record, Suggestion
from steps.argilla.values import MetadataType, agent_name, metadata_value, record_name, score_value
from steps.base import Row, is_missing, require_values
from steps.errors import Complaint, RowError, RunError
from steps.labels.questions import Question
from steps.labels.tags import tag_in
from steps.secrets import LATER

UNCERTAINTY: Final = "uncertainty"
REVIEW: Final = "review"
OPEN: Final = "open"
DONE: Final = "done"
CONSOLIDATED: Final = "consolidated"
"""How agents begin that are strategies: what they suggest is made of annotations, and is none."""
NO_FIELDS: Final = "fields cannot be empty"
"""How Argilla says that a record is new, where one that is there should be changed."""


class WriteLabelsToArgilla(ArgillaPush):
    """Writes labels back to the records in Argilla that they are about.

    Each row is about the record whose id is `item`. Its `label` becomes the suggestion of the question, `probability` its
    score, and the name of the `strategy` its agent, after `consolidated/`; responses stay as they are. Metadata get
    `uncertainty`, where rows have it, and, with `certain_from`, `review`: `done` where the label is that certain, else `open`.
    The run says at which address only the open ones come, the most uncertain first.

    Argilla keeps one suggestion for each question of a record. Where a model's suggestions lie, labels need a question of their
    own, or `replaces_suggestions`: else nothing is written.

    Example:
        >>> step = WriteLabelsToArgilla(dataset_name="answers", question="quality", certain_from=0.9)
        >>> [record] = step.records({"item": "r1", "label": "good", "probability": 0.97, "strategy": "majority"})
        >>> record.metadata
        {'review': 'done'}
    """

    inputs: ClassVar[tuple[str, ...]] = ("item", "label")
    optional_inputs: ClassVar[tuple[str, ...]] = ("probability", "uncertainty", "strategy")

    question: str | None = Field(default=None, description="Question that the labels answer.", examples=["quality"])
    certain_from: float | None = Field(
        default=None, gt=0, le=1, description="Probability from which a record needs no more review; empty to mark none."
    )
    replaces_suggestions: bool = Field(
        default=False,
        description="Write over suggestions of others, such as models; they are lost.",
        json_schema_extra=LATER,
    )

    def check(self) -> Iterable[Complaint]:
        yield from super().check()
        if not self.question:
            yield "`question` is missing: which one do the labels answer?"

    def open_dataset(self) -> Dataset:
        dataset = find(self._connect(), self.dataset_workspace, self.dataset_name or "")
        asked = dataset.question(self.question or "")
        if not self.replaces_suggestions:
            _refuse_to_replace(dataset, asked)
        return dataset

    def metadata_kinds(self) -> Mapping[str, MetadataType | None]:
        return {UNCERTAINTY: "float", REVIEW: "terms"}

    def queue_address(self, dataset: Dataset) -> str:
        return dataset.address(order=UNCERTAINTY, only="" if self.certain_from is None else f"{REVIEW}.{OPEN}")

    def records(self, row: Row) -> Iterable[Record]:
        require_values(row, self.inputs)
        probability = row.get("probability")
        score = None if is_missing(probability) else score_value(probability, "", "probability")
        agent = agent_name("/".join(filter(None, (CONSOLIDATED, _name_of(row.get("strategy"))))), "strategy")
        suggestion = Suggestion(self.question or "", row["label"], score, agent)
        yield Record(record_name(row["item"], "item"), metadata=self._metadata(row, score), suggestions=[suggestion])

    def _metadata(self, row: Row, probability: Any) -> dict[str, Any]:
        metadata: dict[str, Any] = {}
        if not is_missing(row.get(UNCERTAINTY)):
            metadata[UNCERTAINTY] = metadata_value("float", row[UNCERTAINTY], UNCERTAINTY)
        if self.certain_from is not None:
            if probability is None:
                raise RowError("column 'probability' is empty, by which a label is certain", "leave out `certain_from`")
            metadata[REVIEW] = DONE if probability >= self.certain_from else OPEN
        return metadata

    def send(self, outbox: Outbox, records: list[Record]) -> None:
        question = outbox.dataset.question(self.question or "").question
        suggested = [replace(one, metadata=None, suggestions=[_in_form(question, one.suggestions[0])]) for one in records]
        try:
            there = {one["external_id"]: one["metadata"] or {} for one in outbox.send(suggested)}
            if lost := next((one.id for one in records if one.id not in there), None):
                what = f"Argilla took record {lost!r} of data set {outbox.dataset.name!r}, and does not say what became of it"
                raise RunError(what, "look at the server's version and log")
        except RowError as error:
            if isinstance(error.__cause__, Refused) and NO_FIELDS in error.__cause__.detail:
                what = f"data set {outbox.dataset.name!r} has no record {records[0].id!r}"
                raise RowError(what, "give rows the ids of its records, in `item`") from error
            raise
        changed = [replace(one, metadata={**there[one.id], **one.metadata}, suggestions=[]) for one in records if one.metadata]
        if changed := [one for one in changed if one.metadata != there[one.id]]:
            outbox.send(changed)


def is_annotation(suggestion: Mapping[str, Any]) -> bool:
    """Whether somebody answers by it, such as a model. What was made of annotations is none."""
    return not (suggestion["agent"] or "").startswith(CONSOLIDATED)


def _refuse_to_replace(dataset: Dataset, asked: AskedQuestion) -> None:
    """
    Raises:
        RunError: There is a suggestion that labels would replace: Argilla keeps one for each question of a record.
    """
    for record in dataset.records(["suggestions"]):
        for suggestion in record.get("suggestions") or []:
            if suggestion["question_id"] == asked.id and is_annotation(suggestion):
                name, agent = record["external_id"] or record["id"], suggestion["agent"]
                by = f"a suggestion of {agent!r}" if agent else "a suggestion of nobody that is named"
                what = f"record {name!r} of data set {dataset.name!r} has {by} for {asked.name!r}, which a label would replace"
                fix = "name another question in `question`, or set `replaces_suggestions: true` to lose such suggestions"
                raise RunError(what, fix)


def _in_form(question: Question, suggestion: Suggestion) -> Suggestion:
    """A suggestion as Argilla takes it: an answer of several parts has a score for each."""
    value = answer_for(question, suggestion.value, "label")
    score = None if suggestion.score is None else score_value(suggestion.score, value, "probability")
    return replace(suggestion, value=value, score=score)


def _name_of(strategy: Any) -> str:
    """What a strategy is called: as data sets are tagged by it where it says enough of itself, else by its name."""
    if isinstance(strategy, dict):
        strategy = tag_in(strategy) or strategy.get("name")
    return "" if is_missing(strategy) else str(strategy)
