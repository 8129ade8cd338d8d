from __future__ import annotations

from typing import Any

import pytest

from steps.errors import RowError, RunError
from steps.validators.validate_json import ValidateJSON

RATING = {"type": "object", "properties": {"rating": {"type": "integer", "maximum": 5}}, "required": ["rating"]}


def _problem(value: Any, schema: dict[str, Any] | None = None) -> str | None:
    [row] = ValidateJSON(column="x", json_schema=schema).process([{"x": value}])
    assert row["x_is_valid"] is (row["x_problem"] is None)
    problem: str | None = row["x_problem"]
    return problem


@pytest.mark.parametrize("text", ['{"a": [1, null]}', "3", '"text"', "[]", "```json\n{}\n```", "Here:\n```\n[1]\n```"])
def test_json_is_valid(text: str) -> None:
    assert _problem(text) is None


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ('{"a": 1,\n "b" 2}', "line 2, column 6: Expecting ':' delimiter"),
        ("{'a': 1}", "line 1, column 2: Expecting property name enclosed in double quotes"),
        ('{"a": 1} and more', "line 1, column 10: Extra data"),
        ("NaN", "NaN is no JSON"),
        ("[" * 100_000, "it is nested too deep"),
        ("9" * 5000, "Exceeds the limit"),
        (None, "there is nothing in it"),
        ("", "there is nothing in it"),
    ],
)
def test_what_is_no_json_is_told(text: str | None, problem: str) -> None:
    assert (_problem(text) or "").startswith(problem)


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ('{"rating": 3}', None),
        ({"rating": 3}, None),
        ('{"rating": 9}', "at $.rating: 9 is greater than the maximum of 5"),
        ({"rating": "3"}, "at $.rating: '3' is not of type 'integer'"),
        ("[]", "at $: [] is not of type 'object'"),
        (7, "at $: 7 is not of type 'object'"),
    ],
)
def test_a_value_follows_the_schema_or_it_is_said_where_not(value: Any, problem: str | None) -> None:
    assert _problem(value, RATING) == problem


def test_a_long_value_makes_no_long_message() -> None:
    assert len(_problem(["x" * 10_000], {"type": "object"}) or "") < 300


def test_a_draft_is_read_by_its_own_rules() -> None:
    draft_4 = {"$schema": "http://json-schema.org/draft-04/schema#", "maximum": 5, "exclusiveMaximum": True}

    assert list(ValidateJSON(json_schema=draft_4).check()) == []
    assert _problem("5", draft_4)


@pytest.mark.parametrize(
    ("schema", "said"),
    [
        ({"type": "objekt"}, "json_schema: at $.type: 'objekt' is not valid"),
        ({"properties": []}, "json_schema: at $.properties"),
        ({"items": {"pattern": "[a"}}, "at $.items.pattern: '[a' is not a 'regex'"),
        ({"pattern": "((a{1000}){1000}){1000}"}, "1,000,000,000 parts"),
        ({"$ref": "https://example.org/schema.json"}, "refers to another document"),
    ],
)
def test_a_schema_that_is_wrong_is_told_before_the_run(schema: dict[str, Any], said: str) -> None:
    [complaint] = ValidateJSON(json_schema=schema).check()

    assert said in (complaint if isinstance(complaint, str) else complaint[0])


@pytest.mark.parametrize(
    "schema",
    [
        RATING,
        {"$ref": "#/$defs/a", "$defs": {"a": {"type": "array"}}},
        {"const": {"$ref": "x"}},
        {"properties": {"pattern": {}}},
    ],
)
def test_a_good_schema_is_not_complained_about(schema: dict[str, Any]) -> None:
    assert list(ValidateJSON(json_schema=schema).check()) == []


@pytest.mark.parametrize(
    ("own_name", "what"),
    [({}, "refers to another document"), ({"$id": "https://example.org/own.json"}, "refers to what it does not hold")],
    ids=["told-before", "told-by-the-value"],
)
def test_nothing_is_read_from_elsewhere(own_name: dict[str, Any], what: str) -> None:
    with pytest.raises(RunError, match=what):
        _problem("1", {"$ref": "https://example.org/schema.json", **own_name})


def test_a_schema_that_leads_to_itself_ends() -> None:
    assert _problem("1", {"$ref": "#"}) == "it, or the schema, is nested too deep"


def test_a_pattern_in_a_schema_that_takes_forever_is_given_up() -> None:
    with pytest.raises(RowError, match="not known after"):
        _problem('"' + "a" * 100 + 'b"', {"pattern": "^(a|aa)+$"})
