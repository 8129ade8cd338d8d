from __future__ import annotations

import json
import re
from random import Random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from steps.errors import BadReply, RowError
from steps.json_schemas import misfit
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.regexes import matching_text
from steps.tasks.structured_generation import StructuredGeneration

HERO = {
    "type": "object",
    "properties": {"name": {"type": "string"}, "level": {"type": "integer", "minimum": 1}},
    "required": ["name", "level"],
}


def row(schema: Any, form: str = "json") -> dict[str, Any]:
    return {"instruction": "Go.", "structured_output": {"format": form, "schema": schema}}


@pytest.mark.parametrize(
    ("reply", "generation"),
    [
        ('{"name":"Ada",  "level": 3}', '{"name":"Ada",  "level": 3}'),
        ('Sure!\n```json\n{"name": "Ädä", "level": 3}\n```', '{"name":"Ädä","level":3}'),
        ("{'name': 'Ada', 'level': 3,}", '{"name":"Ada","level":3}'),
        ('{"level": 0} {"name": "Ada", "level": 3}', '{"name":"Ada","level":3}'),
    ],
    ids=["as-written", "fenced", "mended", "one-of-two-fits"],
)
def test_json_that_fits_is_given_as_text(reply: str, generation: str) -> None:
    assert StructuredGeneration().format_output(reply, row(HERO)) == {"generation": generation}


@pytest.mark.parametrize(
    ("reply", "what"),
    [
        ('{"name": "Ada", "level": 0}', "level: 0 is less than the minimum of 1"),
        ('{"name": "Ada"}', "'level' is a required property"),
        ("Ada, level 3", "no JSON"),
    ],
)
def test_json_that_does_not_fit_is_refused(reply: str, what: str) -> None:
    with pytest.raises(BadReply, match=what):
        StructuredGeneration().format_output(reply, row(HERO))


def test_a_model_is_shown_what_does_not_fit() -> None:
    llm = ScriptedLLM(replies=['{"name": "Ada", "level": 0}', '{"name": "Ada", "level": 1}'])

    [made] = StructuredGeneration(llm=llm).process([row(HERO)])

    assert json.loads(made["generation"])["level"] == 1
    assert "less than the minimum of 1" in llm.requests[1].chat[-1]["content"]


@pytest.mark.parametrize("reply", ["21 °C", " 21 °C\n", "```\n21 °C\n```", "`21 °C`", "<think>20?</think>21 °C"])
def test_text_that_the_regex_matches_is_given(reply: str) -> None:
    assert StructuredGeneration().format_output(reply, row(r"\d+ °C", "regex")) == {"generation": "21 °C"}


def test_text_that_the_regex_matches_in_part_is_refused() -> None:
    with pytest.raises(BadReply, match="matches as a whole, not 'About 21 °C'"):
        StructuredGeneration().format_output("About 21 °C", row(r"\d+ °C", "regex"))


def test_the_form_may_be_written_as_json_text() -> None:
    as_text = {"instruction": "Go.", "structured_output": json.dumps({"format": "json", "schema": json.dumps(HERO)})}

    assert StructuredGeneration().reply_schema(as_text) == HERO
    assert StructuredGeneration().reply_schema(row(None)) == {"type": "object"}
    assert StructuredGeneration().reply_schema(row("a+", "regex")) is None


@pytest.mark.parametrize(
    ("wanted", "what"),
    [
        ("json", "'structured_output' holds 'json'"),
        ({"schema": HERO}, "'structured_output' holds"),
        ({"format": "yaml"}, "'structured_output' holds"),
        ({"format": "json", "schema": 3}, "is 3, not a JSON schema"),
        ({"format": "regex", "schema": "("}, r"the regex in 'structured_output' is '\('"),
        ({"format": "regex"}, "the regex in 'structured_output' is None"),
    ],
)
def test_a_row_that_sets_no_form_is_refused(wanted: object, what: str) -> None:
    with pytest.raises(RowError, match=what):
        StructuredGeneration().format_input({"instruction": "Go.", "structured_output": wanted})


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "objekt"},
        {"$ref": "https://example.com/schema.json"},
        {"$ref": "#/$defs/missing"},
        {"type": "string", "pattern": "("},
    ],
    ids=["unknown-type", "another-document", "leads-nowhere", "broken-pattern"],
)
def test_a_schema_that_cannot_be_used_is_refused_without_the_network(schema: dict[str, Any]) -> None:
    with pytest.raises(RowError, match="the JSON schema cannot be used"):
        misfit("x", schema)


def test_a_role_is_used_where_it_is_wanted_and_there() -> None:
    asked = {**row("a+", "regex"), "system_prompt": "Be brief."}

    assert len(StructuredGeneration().format_input(asked)) == 1
    assert StructuredGeneration(use_system_prompt=True).format_input(asked)[0]["content"] == "Be brief."
    assert len(StructuredGeneration(use_system_prompt=True).format_input({**asked, "system_prompt": None})) == 1


@pytest.mark.parametrize(
    "schema",
    [
        HERO,
        {"type": ["string", "null"]},
        {"type": "array", "items": {"enum": ["a", "b", "c"]}, "uniqueItems": True, "minItems": 2, "maxItems": 3},
        {"type": "array", "prefixItems": [{"type": "integer"}, {"type": "boolean"}], "items": False},
        {"allOf": [HERO, {"properties": {"class": {"const": "mage"}}, "required": ["class"]}]},
        {
            "definitions": {"id": {"type": "string", "pattern": "^[A-Z]{2}-\\d{3}$"}},
            "properties": {"id": {"$ref": "#/definitions/id"}},
        },
        {"type": "number", "multipleOf": 0.5, "minimum": 1, "maximum": 3},
        {"type": "integer", "exclusiveMinimum": 3, "multipleOf": 7},
        {
            "$defs": {"tree": {"type": "object", "properties": {"sub": {"type": "array", "items": {"$ref": "#/$defs/tree"}}}}},
            "$ref": "#/$defs/tree",
        },
        {"type": "object", "required": ["anything"]},
        {},
    ],
)
@pytest.mark.parametrize("seed", range(5))
def test_rehearsed_json_fits_its_schema(schema: dict[str, Any], seed: int) -> None:
    task = StructuredGeneration()
    asked = row(schema)

    made = task.format_output(task.rehearse(asked, Random(seed)), asked)

    assert misfit(json.loads(made["generation"]), schema) is None


def test_a_form_that_nothing_fits_says_so() -> None:
    with pytest.raises(RowError, match="nothing could be made up that fits this JSON schema"):
        StructuredGeneration().rehearse(row({"type": "string", "not": {}}), Random(1))
    with pytest.raises(RowError, match="nothing could be made up that fits this regular expression"):
        StructuredGeneration().rehearse(row("a(?!)", "regex"), Random(1))


@given(
    pattern=st.sampled_from(
        [
            r"(\d{1,2})°C",
            r"[^a-z\s]+?x*",
            r"(a|bc|)\1{2,}",
            r"(?i:yes|no)[.!]?",
            r"^\w+@\w+\.(com|org)$",
            r"(?P<open>\()?a(?(open)\))",
            r"[\w.-]{3}\S\D\W.",
            r"(?>ab)*+c",
            r"[^x]y",
            r"\bword\b",
            r"",
        ]
    ),
    seed=st.integers(),
)
def test_made_up_text_matches_the_regex(pattern: str, seed: int) -> None:
    text = matching_text(pattern, Random(seed))

    assert text is not None
    assert re.fullmatch(pattern, text)


def test_an_expression_that_takes_forever_sets_its_row_aside() -> None:
    with pytest.raises(RowError, match="was not known after"):
        StructuredGeneration().format_output("a" * 100 + "b", row("(a|aa)+", "regex"))
