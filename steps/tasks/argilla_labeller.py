"""Answer the questions of an Argilla data set."""

from __future__ import annotations

import json
from collections.abc import Iterator
from random import Random
from typing import Annotated, Any, ClassVar

from pydantic import BeforeValidator, Field

from steps.base import Row, Section, is_missing
from steps.chats import user_asks
from steps.errors import RowError
from steps.json_texts import text_or_json
from steps.llms.base import Chat, JSONSchema
from steps.tasks.base import Task
from steps.tasks.lenient_json import Found
from steps.tasks.material import NO_ORDERS, tagged
from steps.tasks.rehearsing import rehearse_schema
from steps.tasks.replies import Unfit, fitting, schema_instructions
from steps.wording import listed, quoted

_ROLE = (
    "You annotate data. You read the fields of a record and answer one question about them, as its guidelines and the examples "
    "of other annotators ask for."
)
_INSTRUCTIONS = {
    "label_selection": "Choose the one label that fits the fields.",
    "multi_label_selection": "Choose all labels that fit the fields: none, one or several.",
    "text": "Answer the question in words, by what the fields say.",
    "rating": "Rate the fields on the scale of the question.",
}
_KEYS = {"label_selection": "label", "multi_label_selection": "labels", "text": "text", "rating": "rating"}


def _plain(value: Any) -> Any:
    """What objects of the argilla package say of themselves, also in lists; anything else as it is."""
    if isinstance(value, list):
        return [_plain(one) for one in value]
    for name in ("serialize", "to_dict"):
        if not isinstance(value, dict) and callable(method := getattr(value, name, None)):
            return method()
    return value


Settings = Annotated[dict[str, Any], BeforeValidator(_plain)]


class ArgillaLabeller(Task):
    """Suggests an answer to a question about each Argilla record.

    `record`, `fields`, `question` and `example_records` are as Argilla writes them, as objects of its package or as the
    dictionaries these make; the package is not needed. All but `record` may be parameters, a row's own come first. Questions
    ask for a label, several labels, a rating or a text. `suggestion` is what `argilla.Suggestion(**suggestion)` takes.

    Example:
        >>> options = [{"value": "praise"}, {"value": "complaint"}]
        >>> question = {"name": "mood", "settings": {"type": "label_selection", "options": options}}
        >>> task = ArgillaLabeller(question=question, fields=[{"name": "text"}])
        >>> row = {"record": {"fields": {"text": "It broke."}}}
        >>> task.format_output('{"label": "complaint"}', row)["suggestion"]["value"]
        'complaint'
    """

    section: ClassVar[Section] = "judge"
    inputs: ClassVar[tuple[str, ...]] = ("record",)
    optional_inputs: ClassVar[tuple[str, ...]] = ("fields", "question", "example_records", "guidelines")
    outputs: ClassVar[tuple[str, ...]] = ("suggestion",)

    system_prompt: str = Field(
        default=_ROLE, description="What the model is told about its role.", json_schema_extra={"multiline": True}
    )
    question_to_label_instruction: dict[str, str] = Field(
        default_factory=lambda: dict(_INSTRUCTIONS), description="What is asked for, by the type of the question."
    )
    example_records: list[Settings] | None = Field(default=None, description="Records with responses, to learn from.")
    fields: list[Settings] | None = Field(
        default=None, description="Settings of the fields that are shown.", examples=[[{"name": "text"}]]
    )
    question: Settings | None = Field(
        default=None,
        description="Settings of the question that is answered.",
        examples=[
            {
                "name": "mood",
                "settings": {"type": "label_selection", "options": [{"value": "complaint"}, {"value": "praise"}]},
            }
        ],
    )
    guidelines: str | None = Field(
        default=None, description="Guidelines of the data set.", json_schema_extra={"multiline": True}
    )

    def reply_schema(self, row: Row) -> JSONSchema:
        kind, options = _settings(self._question(row))
        value: JSONSchema = {"type": "string", "minLength": 1} if kind == "text" else {"enum": options}
        if kind == "multi_label_selection":
            value = {"type": "array", "items": value, "minItems": 0, "maxItems": len(options)}
        key = _KEYS[kind]
        return {"type": "object", "properties": {key: value}, "required": [key], "title": "Suggestion"}

    def format_input(self, row: Row) -> Chat:
        question, names = self._question(row), self._names(row)
        kind, options = _settings(question)
        asked = "\n".join(str(question[key]) for key in ("title", "description") if question.get(key))
        guidelines = self._given(row, "guidelines")
        record = _plain(row["record"])
        if not (fields := _shown(record, names)):
            raise RowError(f"the record has none of the fields {listed(names)}: {quoted(record)}", "name fields that it has")
        told = self.question_to_label_instruction.get(kind, _INSTRUCTIONS[kind])
        shown = "\n\n".join(self._examples(row, names))
        parts = [
            *([f"Guidelines:\n{guidelines}"] if guidelines else []),
            f"Question: {asked or question['name']}\n{told}",
            *([f"What can be chosen:\n{_described(question)}"] if options else []),
            *([f"Examples:\n{shown}"] if shown else []),
            f"{fields}\n\n{NO_ORDERS}",
            schema_instructions(self.reply_schema(row)),
        ]
        return user_asks("\n\n".join(parts), self.system_prompt)

    def format_output(self, text: str, row: Row) -> Row:
        question = self._question(row)
        kind, options = _settings(question)

        def fit(found: Found) -> Any:
            return _value(found.value, kind, options)

        suggestion = {
            "value": fitting(text, fit),
            "question_name": question["name"],
            "type": "model",
            "agent": self.llm.model_name,
        }
        return {"suggestion": suggestion}

    def rehearse(self, row: Row, rng: Random) -> str:
        kind, options = _settings(self._question(row))
        if kind == "multi_label_selection":
            return json.dumps({"labels": rng.sample(options, rng.randint(0, len(options)))})
        return rehearse_schema(self.reply_schema(row), rng)

    def _given(self, row: Row, name: str) -> Any:
        """A column of the row, or the parameter of that name."""
        own = row.get(name)
        return getattr(self, name) if is_missing(own) else _plain(own)

    def _question(self, row: Row) -> dict[str, Any]:
        question = self._given(row, "question")
        if not isinstance(question, dict) or not isinstance(question.get("settings"), dict) or not question.get("name"):
            what = f"there is no `question` with a name and settings: {quoted(question)}"
            raise RowError(what, "set the parameter `question`, or give rows a column with it")
        return question

    def _names(self, row: Row) -> list[str]:
        fields = self._given(row, "fields")
        if not isinstance(fields, list) or not fields or any(not isinstance(one, dict) or "name" not in one for one in fields):
            what = f"there are no `fields` with names: {quoted(fields)}"
            raise RowError(what, "set the parameter `fields`, or give rows a column with them")
        return [str(field["name"]) for field in fields]

    def _examples(self, row: Row, names: list[str]) -> Iterator[str]:
        """Other records with what was answered; those without fields or answer are passed over."""
        question = self._question(row)
        key = _KEYS[_settings(question)[0]]
        records = self._given(row, "example_records") or []
        if not isinstance(records, list):
            raise RowError(f"`example_records` holds {quoted(records)}, not a list of records", "write them as Argilla does")
        for record in records:
            shown, answer = _shown(record, names), _answer_in(record, question["name"])
            if shown and answer is not None:
                yield f"{shown}\n{json.dumps({key: answer}, ensure_ascii=False)}"


def _answer_in(record: Any, question: str) -> Any:
    """What the first annotator of a record answered; None if nobody did."""
    responses = record.get("responses") if isinstance(record, dict) else None
    answers = responses.get(question) if isinstance(responses, dict) else None
    first = answers[0] if isinstance(answers, list) and answers else None
    return first.get("value") if isinstance(first, dict) else None


def _settings(question: dict[str, Any]) -> tuple[str, list[Any]]:
    """The type of a question, and the values that it can be answered with."""
    settings = question["settings"]
    kind = settings.get("type")
    if not isinstance(kind, str) or kind not in _KEYS:
        raise RowError(f"questions of type {quoted(kind)} cannot be answered", f"types are {listed(_KEYS)}")
    options = [option["value"] for option in _options(question)]
    if not options and kind != "text":
        raise RowError(f"question {quoted(question['name'])} has no options", "Argilla writes them into its settings")
    return str(kind), options


def _options(question: dict[str, Any]) -> list[dict[str, Any]]:
    options = question["settings"].get("options")
    return [option for option in options if isinstance(option, dict) and "value" in option] if isinstance(options, list) else []


def _described(question: dict[str, Any]) -> str:
    said = []
    for option in _options(question):
        meaning = option.get("description") or option.get("text")
        said.append(f"- {option['value']}: {meaning}" if meaning and meaning != option["value"] else f"- {option['value']}")
    return "\n".join(said)


def _shown(record: Any, names: list[str]) -> str:
    """The fields of a record that are there; those that are no texts, such as chats, as JSON."""
    values = record.get("fields") if isinstance(record, dict) else None
    values = values if isinstance(values, dict) else {}
    return "\n".join(tagged(name, text_or_json(values[name])) for name in names if not is_missing(values.get(name)))


def _value(found: Any, kind: str, options: list[Any]) -> Any:
    """The answer in a JSON value, checked against the question."""
    key = _KEYS[kind]
    if not isinstance(found, dict) or key not in found:
        raise Unfit(f"there is no {key!r}")
    value = found[key]
    if kind == "text":
        if not isinstance(value, str) or not value.strip():
            raise Unfit(f"'text' is {quoted(value)}")
        return value.strip()
    if kind == "multi_label_selection":
        value = [] if value is None else value
        if not isinstance(value, list):
            raise Unfit(f"'labels' is {quoted(value)}, not a list")
        return list(dict.fromkeys(_option(one, options) for one in value))
    return _option(value, options)


def _option(value: Any, options: list[Any]) -> Any:
    """The option that was meant: models write 4 for "4" and the other way round."""
    for option in options:
        if value == option or (isinstance(value, (str, int)) and str(value).strip() == str(option)):
            return option
    raise Unfit(f"{quoted(value)} is none of {listed(map(str, options))}")
