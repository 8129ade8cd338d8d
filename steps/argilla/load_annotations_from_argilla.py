"""What people and models said of the records of a data set in Argilla."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final, Literal

from pydantic import Field

from steps.argilla.base import ArgillaStep
from steps.argilla.dataset import Dataset, find
from steps.argilla.questions import AskedQuestion
from steps.argilla.records import users_of
from steps.argilla.wire import ARecord
from steps.argilla.write_labels_to_argilla import is_annotation
from steps.base import GeneratorStep, Row
from steps.errors import Complaint, RunError
from steps.labels.annotations import COLUMNS, Annotation
from steps.wording import listed

UNNAMED: Final = "suggestion"
"""Who suggests, where the suggestion does not say."""

ResponseStatus = Literal["submitted", "draft", "discarded"]


class LoadAnnotationsFromArgilla(ArgillaStep, GeneratorStep):
    """Reads what people and models said of the records of a data set in Argilla.

    Each response to the question becomes a row, and each suggestion: `item` is the id of the record, `annotator` the name of
    the user or agent, `kind` says whether it is a `human` or an `llm`, `source` which record of which data set it is about. An
    agent's score is its `confidence`. Responses are those that were submitted, unless `statuses` says otherwise. Labels that
    `WriteLabelsToArgilla` wrote are no annotations, and are left out.

    The key must be that of an owner, or of an admin of the workspace: others see no responses but their own.

    Example:
        >>> load = LoadAnnotationsFromArgilla(dataset_name="answers", question="quality", fields=["generation"])
        >>> load.columns()[:3], load.columns()[-1]
        (['item', 'annotator', 'label'], 'generation')
    """

    question: str | None = Field(
        default=None,
        description="Question whose answers are read; empty for the first that is not a text.",
        examples=["quality"],
    )
    explanation_question: str | None = Field(default=None, description="Question whose text explains the answer.")
    statuses: list[ResponseStatus] = Field(
        default=["submitted"], min_length=1, description="Responses that are read: submitted, draft, discarded."
    )
    with_suggestions: bool = Field(default=True, description="Read suggestions too.")
    with_responses: bool = Field(default=True, description="Read what people said.")
    round_metadata: str | None = Field(default=None, description="Metadata with the round of a record; empty for round 1.")
    fields: list[str] = Field(default_factory=list, description="Fields of the record that become columns.")
    metadata: list[str] = Field(default_factory=list, description="Metadata of the record that becomes columns.")

    def check(self) -> Iterable[Complaint]:
        yield from super().check()
        if taken := [name for name in (*self.fields, *self.metadata) if name in COLUMNS]:
            yield f"{listed(taken)} would replace a column of the annotation", "leave it out: annotations have these columns"
        if both := sorted(set(self.fields) & set(self.metadata)):
            yield f"{listed(both)}: one column cannot hold a field and metadata; name it once"
        if not self.with_responses and not self.with_suggestions:
            yield "neither responses nor suggestions are read"

    def columns(self) -> list[str]:
        return [*COLUMNS, *self.fields, *self.metadata]

    def generate(self) -> Iterator[Row]:
        with self._at_work():
            yield from self._annotations()

    def _annotations(self) -> Iterator[Row]:
        api = self._connect()
        dataset = find(api, self.dataset_workspace, self.dataset_name or "")
        asked = self._asked(dataset)
        if self.explanation_question is not None:
            dataset.question(self.explanation_question)
        if missing := [name for name in self.fields if name not in dataset.fields]:
            what = f"data set {dataset.name!r} has no field {listed(map(repr, missing))}"
            raise RunError(what, f"its fields are {listed(dataset.fields)}")
        users = users_of(dataset)
        left_out = odd_scores = 0
        for record in dataset.records([name for name, is_wanted in self._included().items() if is_wanted]):
            about = self._about(record, f"{api.url}/dataset/{dataset.id}")
            said = [*self._responses(record, asked, users), *self._suggestions(record, asked)]
            for answer in said:
                try:
                    label = asked.question.parse(answer.pop("label"))
                except ValueError:  # a draft that is not whole
                    left_out += 1
                    continue
                if (sure := answer.get("confidence")) is not None and not _is_score(sure):
                    odd_scores += 1
                    answer["confidence"] = None
                kept = {name: record["fields"].get(name) for name in self.fields}
                kept |= {name: (record["metadata"] or {}).get(name) for name in self.metadata}
                yield Annotation(**about, **answer, label=label).row(asked.question) | kept
        if left_out:
            self._logger.warning("%d answers to %r are not whole and were left out", left_out, asked.name)

        if odd_scores:
            self._logger.warning("%d scores are no numbers from 0 to 1 and were left out; their answers count", odd_scores)

    def _asked(self, dataset: Dataset) -> AskedQuestion:
        if self.question is not None:
            return dataset.question(self.question)
        found = next((one for one in dataset.questions.values() if one.question.type != "text"), None)
        if found is None:
            what = f"data set {dataset.name!r} asks for texts only"
            raise RunError(what, f"name one in `question`: {listed(dataset.questions)}")
        return found

    def _included(self) -> dict[str, bool]:
        return {"responses": self.with_responses, "suggestions": self.with_suggestions}

    def _about(self, record: ARecord, address: str) -> dict[str, Any]:
        about: dict[str, Any] = {
            "item": record["external_id"] if (record["external_id"] or "").strip() else record["id"],
            "source": f"{address}#{record['id']}",
        }
        if self.round_metadata is not None:
            number = (record["metadata"] or {}).get(self.round_metadata, 1)
            if isinstance(number, bool) or not isinstance(number, (int, float)) or number < 1 or number != int(number):
                what = f"record {about['item']!r} has {number!r} in metadata {self.round_metadata!r}, which is no round"
                raise RunError(what, "rounds are whole numbers from 1")
            about["round"] = int(number)
        return about

    def _responses(self, record: ARecord, asked: AskedQuestion, users: dict[str, str]) -> Iterator[dict[str, Any]]:
        responses = record.get("responses") or []
        for response in sorted(responses, key=lambda one: (one["inserted_at"], one["id"])):
            values = response["values"] or {}
            if response["status"] not in self.statuses or asked.name not in values:
                continue
            yield {
                "annotator": users.get(response["user_id"], response["user_id"]),
                "kind": "human",
                "label": values[asked.name]["value"],
                "timestamp": _utc(response["updated_at"]),
                "explanation": self._explanation(values),
                "annotation_id": response["id"],
            }

    def _suggestions(self, record: ARecord, asked: AskedQuestion) -> Iterator[dict[str, Any]]:
        by_question = {one["question_id"]: one for one in record.get("suggestions") or []}
        if (suggestion := by_question.get(asked.id)) is None or not is_annotation(suggestion):
            return
        score = suggestion["score"]
        yield {
            "annotator": suggestion["agent"] if (suggestion["agent"] or "").strip() else UNNAMED,
            "kind": "llm",
            "label": suggestion["value"],
            "confidence": _least(score) if isinstance(score, list) else score,
            "timestamp": _utc(suggestion["updated_at"]),
            "annotation_id": suggestion["id"],
        }

    def _explanation(self, values: Mapping[str, Any]) -> str:
        return str(values.get(self.explanation_question or "", {}).get("value") or "")


def _is_score(value: Any) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1


def _least(scores: list[Any]) -> Any:
    """The lowest of several scores; one that is none, if there is one."""
    return next(
        (one for one in scores if not _is_score(one)), min(scores, default=None) if all(map(_is_score, scores)) else None
    )


def _utc(time: str) -> str:
    """A time of Argilla, which is UTC and does not say so."""
    return time if time.endswith("Z") or "+" in time else f"{time}+00:00"
