"""JSON schemas of others: what they allow is found as they say, and no pattern in them takes forever."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from steps.errors import RowError
from steps.json_schemas import UnusableSchema, misfit, schema_problems

jsonschema = pytest.importorskip("jsonschema")
NAMED = {"properties": {"id": {"type": "integer"}}, "patternProperties": {"^x_": {"type": "string"}}}


@pytest.mark.parametrize("others", [None, False, True, {"type": "number"}])
@pytest.mark.parametrize(
    "value", [{}, {"id": 1}, {"id": "1"}, {"x_a": "b"}, {"x_a": 1}, {"y": 2}, {"y": "2", "x_a": "b"}, [], 5]
)
def test_names_are_matched_as_by_the_library(others: Any, value: Any) -> None:
    schema = NAMED if others is None else {**NAMED, "additionalProperties": others}

    assert (misfit(value, schema) is None) is jsonschema.Draft202012Validator(schema).is_valid(value)


def test_what_is_wrong_below_a_name_says_where() -> None:
    assert misfit({"x_a": 1}, NAMED) == "at $.x_a: 1 is not of type 'string'"


@pytest.mark.parametrize("schema", [{"patternProperties": {"^(a|aa)+$": {}}}, {"pattern": "^(a|aa)+$"}])
def test_a_pattern_that_takes_forever_ends(schema: dict[str, Any]) -> None:
    text = "a" * 60 + "b"
    value = {text: 1} if "patternProperties" in schema else text

    with pytest.raises(RowError, match="was not known after"):
        misfit(value, schema)


def test_a_schema_that_was_changed_is_read_anew() -> None:
    schema: dict[str, Any] = {"type": "integer"}
    assert misfit("a", schema)

    schema["type"] = "string"

    assert misfit("a", schema) is None


@pytest.mark.parametrize(
    ("schema", "what"),
    [
        ({"const": date(2024, 1, 1)}, "cannot be written as JSON"),
        ({"const": "\ud83d"}, "cannot be written as JSON"),
        ({"type": "objekt"}, "'objekt' is not valid"),
    ],
)
def test_a_schema_that_is_none_is_refused_each_time(schema: dict[str, Any], what: str) -> None:
    for _ in range(2):
        with pytest.raises(UnusableSchema, match=f"the JSON schema cannot be used: .*{what}"):
            misfit("a", schema)


@pytest.mark.parametrize(
    "schema", [{"patternProperties": {"(": {}}}, {"patternProperties": {"a": {}}, "allOf": [{"unevaluatedProperties": False}]}]
)
def test_a_schema_whose_names_cannot_be_matched_within_bounds_is_refused(schema: dict[str, Any]) -> None:
    assert list(schema_problems(schema))
