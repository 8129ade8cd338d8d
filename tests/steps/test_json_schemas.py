"""JSON schemas of others: what they allow is found as they say, and no pattern in them takes forever."""

from __future__ import annotations

from datetime import date
from typing import Any

import pytest

from steps import json_schemas
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


@pytest.mark.parametrize("keyword", ["allOf", "anyOf"])
def test_references_that_lead_to_references_end(keyword: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(json_schemas, "LONGEST_CHECK_S", 0.05)
    parts: dict[str, Any] = {f"a{n}": {keyword: [{"$ref": f"#/$defs/a{n - 1}"}] * 2} for n in range(1, 41)}
    schema = {"$defs": {"a0": {"type": "integer"}, **parts}, "$ref": "#/$defs/a40"}

    with pytest.raises(RowError, match="was not known after"):
        misfit(1 if keyword == "allOf" else "x", schema)


@pytest.mark.parametrize(
    ("value", "is_unique"),
    [
        ([1, 1.0], False),
        ([1, True], True),
        ([0, False, "0", None], True),
        ([[1, {"a": 1, "b": [2]}], [1, {"b": [2], "a": 1.0}]], False),
        ([{"a": 1}, {"a": True}], True),
        ([["truth", True], True], True),
        ([{"n": n} for n in range(20_000)], True),
        ("aa", True),
    ],
)
def test_equal_items_are_found_as_by_the_library(value: Any, is_unique: bool) -> None:
    assert (misfit(value, {"uniqueItems": True}) is None) is is_unique
    if len(value) < 10:
        assert jsonschema.Draft202012Validator({"uniqueItems": True}).is_valid(value) is is_unique


@pytest.mark.parametrize(
    ("count", "said"), [(2000, "it has 2,000 patterns, of at most 1,000"), (6000, "it has 12,001 parts, of at most 10,000")]
)
def test_a_schema_that_takes_long_to_look_at_is_refused(count: int, said: str) -> None:
    schema = {"properties": {f"p{n}": {"pattern": f"^{n}"} for n in range(count)}}

    assert [what for what, _ in schema_problems(schema)] == [said]
