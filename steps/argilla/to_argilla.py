"""Rows as records of a data set in Argilla, with any fields and questions."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from pydantic import BaseModel, ConfigDict, Field

from steps.argilla.dataset import Dataset, Wanted, find_or_make
from steps.argilla.pushing import ArgillaPush
from steps.argilla.questions import ArgillaQuestion, answer_for, problems_of, settings_of
from steps.argilla.records import Record, Response, Suggestion, id_of_fields
from steps.argilla.values import (
    FieldType,
    MetadataType,
    agent_name,
    field_value,
    record_name,
    score_value,
    vector_value,
)
from steps.base import Row, is_missing, require_values
from steps.errors import Complaint, RowError
from steps.row_texts import as_text
from steps.wording import did_you_mean, listed, quoted

STATUSES = ("submitted", "draft", "discarded")


class SuggestedBy(BaseModel):
    """The columns of a suggestion: the answer, how sure it is, and who gives it."""

    model_config = ConfigDict(extra="forbid")

    value: str = Field(min_length=1, description="Column with the answer.")
    score: str = Field(default="", description="Column with a number from 0 to 1: how sure it is.")
    agent: str = Field(default="", description="Column with the name of who suggests it, such as `model_name`.")


class ToArgilla(ArgillaPush):
    """Shows rows to people in Argilla, as records with any fields and questions.

    A data set that is not there is made. A record is known by its `record_id`, else by its fields: sent again, it is changed in
    Argilla, not doubled, and a push that was cut goes on where it was. Rows are checked before any of their batch is sent;
    nothing is sent in a rehearsal or a preview.

    Argilla shows records to each person in an order of its own. With `order_by`, that column becomes metadata, and the run says
    at which address they come in its order, highest first.

    Example:
        >>> step = ToArgilla(
        ...     dataset_name="answers",
        ...     fields={"generation": "text"},
        ...     questions={"quality": {"labels": ["bad", "good"]}},
        ...     suggestions={"quality": {"value": "label", "agent": "model_name"}},
        ... )
        >>> [record] = step.records({"generation": "Paris.", "label": "good", "model_name": "judge"})
        >>> record.suggestions
        [Suggestion(question='quality', value='good', score=None, agent='judge')]
    """

    fields: dict[str, FieldType] = Field(
        default_factory=dict,
        description="Columns that people see: text, chat, image (an address) or custom (a dict, shown by a template).",
        examples=[{"instruction": "text", "generation": "text"}],
    )
    optional_fields: list[str] = Field(default_factory=list, description="Those of them that rows may leave empty.")
    templates: dict[str, str] = Field(default_factory=dict, description="HTML that shows a custom field, by field.")
    use_markdown: bool = Field(default=False, description="Show texts as Markdown.")
    questions: dict[str, ArgillaQuestion] = Field(
        default_factory=dict,
        description="What people are asked, by name: type, title, guideline, labels.",
        examples=[{"quality": {"type": "label", "title": "How good is the answer?", "labels": ["bad", "good"]}}],
    )
    suggestions: dict[str, SuggestedBy] = Field(
        default_factory=dict, description="Columns of answers that people see before they give theirs, by question."
    )
    responses: str | None = Field(
        default=None, description="Column with a list of what users said: {user, values: {question: answer}, status}."
    )
    metadata: list[str] | dict[str, MetadataType | None] = Field(
        default_factory=list,
        description="Columns to sort and filter by. Types are found from the first values, or said: terms, integer, float.",
    )
    order_by: str | None = Field(
        default=None, description="Column of numbers, such as `uncertainty`: metadata, and the order that is offered."
    )
    vectors: list[str] = Field(default_factory=list, description="Columns of numbers by which alike records are found.")
    record_id: str | None = Field(
        default=None, description="Column with the id of each record; empty to make it from the fields."
    )
    guidelines: str = Field(
        default="", max_length=10_000, description="What people should know before.", json_schema_extra={"multiline": True}
    )
    min_submitted: int = Field(default=1, ge=1, description="Responses after which a record is done.")

    def needs(self) -> list[str]:
        required = [column for column in self.fields if column not in self.optional_fields]
        return [*required, *([self.record_id] if self.record_id else [])]

    def check(self) -> Iterable[Complaint]:
        yield from super().check()
        if not self.fields:
            yield "`fields` is empty: which columns do people see?"
        if not self.questions:
            yield "`questions` is empty: what are people asked?"
        if self.fields and not set(self.fields) - set(self.optional_fields):
            yield "all `fields` are optional: at least one must always be there"
        for name, question in self.questions.items():
            yield from problems_of(name, question, self.fields)
        if self.questions and not any(question.required for question in self.questions.values()):
            yield "no question is `required`: at least one must be"
        yield from self._unknown("optional_fields", self.optional_fields, self.fields, "`fields`")
        yield from self._unknown("templates", self.templates, self._custom(), "the custom fields")
        yield from self._unknown("suggestions", self.suggestions, self.questions, "`questions`")
        if without := [name for name in self._custom() if name not in self.templates]:
            yield f"custom fields need `templates` that show them: {listed(without)}"
        if len(self.vectors) > 5:
            yield f"`vectors` names {len(self.vectors)} columns; Argilla takes 5"
        if self.order_by and self._kinds().get(self.order_by) == "terms":
            yield f"`order_by` names {self.order_by!r}, whose metadata are terms; name a column of numbers"

    def _unknown(self, parameter: str, names: Iterable[str], known: Iterable[str], what: str) -> Iterator[str]:
        known = list(known)
        for name in names:
            if name not in known:
                yield f"`{parameter}` names {name!r}, which is none of {what}.{did_you_mean(name, known)}"

    def _custom(self) -> list[str]:
        return [name for name, kind in self.fields.items() if kind == "custom"]

    def _kinds(self) -> dict[str, MetadataType | None]:
        given = self.metadata if isinstance(self.metadata, dict) else dict.fromkeys(self.metadata)
        extra: dict[str, MetadataType | None] = {self.order_by: "float"} if self.order_by else {}
        return {**extra, **{name: kind or extra.get(name) for name, kind in given.items()}}

    def metadata_kinds(self) -> Mapping[str, MetadataType | None]:
        return self._kinds()

    def open_dataset(self) -> Dataset:
        name = self.dataset_name or ""
        questions = [settings_of(name, question) for name, question in self.questions.items()]
        wanted = Wanted([self._field(name) for name in self.fields], questions, self.guidelines, self.min_submitted)
        return find_or_make(self._connect(), self.dataset_workspace, name, wanted)

    def queue_address(self, dataset: Dataset) -> str:
        return dataset.address(order=self.order_by or "")

    def _field(self, name: str) -> dict[str, Any]:
        kind = self.fields[name]
        settings: dict[str, Any] = {"type": kind}
        if kind in ("text", "chat"):
            settings["use_markdown"] = self.use_markdown
        elif kind == "custom":
            settings |= {"template": self.templates[name], "advanced_mode": False}
        return {"name": name, "title": name, "required": name not in self.optional_fields, "settings": settings}

    # ---- a row
    def records(self, row: Row) -> Iterable[Record]:
        require_values(row, self.needs())
        shown = {name: field_value(kind, row, name) for name, kind in self.fields.items() if not is_missing(row.get(name))}
        name = record_name(row[self.record_id], self.record_id) if self.record_id else id_of_fields(shown)
        kinds = self._kinds()
        yield Record(
            name,
            shown,
            {column: row.get(column) for column in kinds} if kinds else None,
            [self._suggestion(question, columns, row) for question, columns in self._suggested(row)],
            {column: vector_value(row[column], column) for column in self.vectors if not is_missing(row.get(column))},
            list(self._responses(row)),
        )

    def _suggested(self, row: Row) -> Iterator[tuple[str, SuggestedBy]]:
        """Suggestions of which the row has the answer."""
        for question, columns in self.suggestions.items():
            if not is_missing(row.get(columns.value)):
                yield question, columns

    def _suggestion(self, name: str, columns: SuggestedBy, row: Row) -> Suggestion:
        answer = self._answer(name, row[columns.value], columns.value, row)
        score, agent = row.get(columns.score), row.get(columns.agent)
        return Suggestion(
            name,
            answer,
            None if is_missing(score) else score_value(score, answer, columns.score),
            None if is_missing(agent) else agent_name(agent, columns.agent),
        )

    def _answer(self, name: str, value: Any, column: str, row: Row) -> Any:
        question = self.questions[name]
        answer = answer_for(question, value, column)
        if question.type == "spans":
            length = len(as_text(row.get(question.field, ""), question.field))
            if beyond := [span for span in answer if span["end"] > length]:
                what = f"column {column!r} marks {quoted(beyond[0])}, but {question.field!r} has {length} characters"
                raise RowError(what, "count characters from 0, in that field")
        return answer

    def _responses(self, row: Row) -> Iterator[Response]:
        if self.responses is None or is_missing(given := row.get(self.responses)):
            return
        fix = "give a list of {user: ..., values: {QUESTION: ANSWER}, status: submitted}, each user once"
        users: set[str] = set()
        for said in given if isinstance(given, list) else [given]:
            said = said if isinstance(said, dict) else {"user": said}
            values, user = said.get("values"), said.get("user")
            if not isinstance(values, dict) or not isinstance(user, str) or user in users:
                raise RowError(f"column {self.responses!r} holds {quoted(said)}, which is no user's response", fix)
            status = said.get("status", "submitted")
            if status not in STATUSES or (unknown := values.keys() - self.questions.keys()):
                wrong = f"the status {quoted(status)}" if status not in STATUSES else f"answers to {listed(sorted(unknown))}"
                raise RowError(f"column {self.responses!r} holds {wrong}, which this data set does not have", fix)
            users.add(user)
            yield Response(
                user, {name: self._answer(name, value, self.responses, row) for name, value in values.items()}, status
            )
