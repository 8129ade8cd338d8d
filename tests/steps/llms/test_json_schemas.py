"""schema_format: the schema as servers want it."""

from __future__ import annotations

from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import pytest
from pydantic import BaseModel, Field

from steps.llms.json_schemas import schema_format


class Grade(Enum):
    GOOD = "good"
    BAD = "bad"


class Part(BaseModel):
    grade: Grade = Field(description="How good.")
    score: int = Field(default=3, ge=1, le=5)


class Whole(BaseModel):
    parts: list[Part] = Field(min_length=1)
    note: str | None = None


class Tree(BaseModel):
    """Holds itself."""

    name: Annotated[str, Field(min_length=1, max_length=9, pattern="^[a-z]+$")]
    children: list[Tree] = []


class Cat(BaseModel):
    kind: Literal["cat"]


class Dog(BaseModel):
    kind: Literal["dog"]


class Pets(BaseModel):
    pet: Annotated[Cat | Dog, Field(discriminator="kind")]
    mood: Literal["calm", 1, None] = "calm"
    born: date


def of(part: dict[str, Any]) -> dict[str, Any]:
    """An object with a property like this."""
    return {"type": "object", "properties": {"a": part}}


def strict(model: type[BaseModel], **fields: Any) -> dict[str, Any]:
    wanted = schema_format(model.model_json_schema(), "strict", **fields)["json_schema"]
    assert wanted["strict"] is True
    schema: dict[str, Any] = wanted["schema"]
    return schema


def test_the_top_of_a_model_that_holds_itself_is_no_reference() -> None:
    schema = strict(Tree)

    assert schema["type"] == "object"
    assert schema["properties"]["children"]["items"] == {"$ref": "#/$defs/Tree"}
    assert schema["$defs"]["Tree"]["properties"]["name"] == {"type": "string", "title": "Name", "pattern": "^[a-z]+$"}


def test_choices_constants_and_formats_are_told_with_their_types() -> None:
    found = strict(Pets)["properties"]

    assert found["pet"] == {"title": "Pet", "anyOf": [{"$ref": "#/$defs/Cat"}, {"$ref": "#/$defs/Dog"}]}
    assert found["mood"] == {"title": "Mood", "enum": ["calm", 1, None], "type": ["integer", "null", "string"]}
    assert found["born"] == {"title": "Born", "type": "string", "format": "date"}


def test_a_pattern_that_looks_around_is_left_to_our_own_validation() -> None:
    wanted = schema_format(of({"type": "string", "pattern": "(?!x).", "minLength": 2}), "strict")["json_schema"]

    assert (wanted["strict"], wanted["schema"]["properties"]["a"]) == (True, {"type": "string"})


def test_fine_tuned_models_get_no_bounds() -> None:
    schema = strict(Whole, is_fine_tuned=True)

    assert "minItems" not in schema["properties"]["parts"]
    assert schema["$defs"]["Part"]["properties"]["score"] == {"type": "integer", "title": "Score"}


class Free(BaseModel):
    scores: dict[str, int]


def test_other_servers_get_the_schema_as_it_is() -> None:
    schema = Whole.model_json_schema()

    assert schema_format(schema, "plain") == {
        "type": "json_schema",
        "json_schema": {"name": "Whole", "schema": schema},
    }


def test_openai_gets_its_strict_subset() -> None:
    wanted = schema_format(Whole.model_json_schema(), "strict")["json_schema"]

    assert wanted["strict"] is True
    assert wanted["schema"]["required"] == ["parts", "note"]
    assert wanted["schema"]["properties"]["note"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "title": "Note",
    }
    part = wanted["schema"]["$defs"]["Part"]
    assert part["properties"]["grade"] == {"anyOf": [{"$ref": "#/$defs/Grade"}], "description": "How good."}
    assert part["properties"]["score"] == {"type": "integer", "title": "Score", "minimum": 1, "maximum": 5}
    assert wanted["schema"]["properties"]["parts"]["minItems"] == 1
    assert (part["required"], part["additionalProperties"]) == (["grade", "score"], False)


@pytest.mark.parametrize(
    "schema",
    [
        Free.model_json_schema(),
        {"type": "object"},
        {"type": "array", "items": {"type": "string"}},
        {"allOf": [{}]},
        {"title": "anything"},
        {"anyOf": [Whole.model_json_schema()]},
        {"$ref": "#/$defs/Gone"},
        of({"type": "string", "not": {"const": "x"}}),
        of({"type": "object", "patternProperties": {}}),
        of({"type": "object", "properties": {"b": {"type": "string"}}, "additionalProperties": {"type": "string"}}),
        of({"type": "array", "prefixItems": [{"type": "string"}]}),
        of({"enum": [1, []]}),
        of({}),
    ],
)
def test_what_strict_mode_does_not_have_is_sent_as_a_hint(schema: dict[str, Any]) -> None:
    wanted = schema_format(schema, "strict")["json_schema"]

    assert (wanted["strict"], wanted["schema"]) == (False, schema)


def test_the_name_holds_only_what_servers_allow() -> None:
    assert schema_format({"title": "A b/ç"}, "plain")["json_schema"]["name"] == "A_b__"
