"""json_schema_format: the schema as servers want it."""

from __future__ import annotations

from enum import Enum
from typing import Any

import pytest
from pydantic import BaseModel, Field

from steps.llms.json_schemas import json_schema_format


class Grade(Enum):
    GOOD = "good"
    BAD = "bad"


class Part(BaseModel):
    grade: Grade = Field(description="How good.")
    score: int = Field(default=3, ge=1, le=5)


class Whole(BaseModel):
    parts: list[Part] = Field(min_length=1)
    note: str | None = None


class Free(BaseModel):
    scores: dict[str, int]


def test_other_servers_get_the_schema_as_it_is() -> None:
    schema = Whole.model_json_schema()

    assert json_schema_format(schema, for_openai=False) == {
        "type": "json_schema",
        "json_schema": {"name": "Whole", "schema": schema},
    }


def test_openai_gets_its_strict_subset() -> None:
    wanted = json_schema_format(Whole.model_json_schema(), for_openai=True)["json_schema"]

    assert wanted["strict"] is True
    assert wanted["schema"]["required"] == ["parts", "note"]
    assert wanted["schema"]["properties"]["note"] == {
        "anyOf": [{"type": "string"}, {"type": "null"}],
        "title": "Note",
    }
    part = wanted["schema"]["$defs"]["Part"]
    assert part["properties"]["grade"] == {"$ref": "#/$defs/Grade"}
    assert part["properties"]["score"] == {"type": "integer", "title": "Score"}
    assert (part["required"], part["additionalProperties"]) == (["grade", "score"], False)


@pytest.mark.parametrize(
    "schema",
    [Free.model_json_schema(), {"type": "object"}, {"type": "array"}, {"allOf": [{}]}, {"title": "anything"}],
)
def test_what_strict_mode_does_not_have_is_sent_as_a_hint(schema: dict[str, Any]) -> None:
    wanted = json_schema_format(schema, for_openai=True)["json_schema"]

    assert (wanted["strict"], wanted["schema"]) == (False, schema)


def test_the_name_holds_only_what_servers_allow() -> None:
    assert json_schema_format({"title": "A b/ç"}, for_openai=False)["json_schema"]["name"] == "A_b__"
