from __future__ import annotations

from typing import Any, ClassVar, Literal

import orjson
import pytest

from flows import Pipeline
from flows.catalogue import GROUPS, describe, describe_all, type_name
from steps import registry
from steps.registry import UnknownComponent


def test_every_step_is_described_in_the_order_of_its_group() -> None:
    described = describe_all()

    assert described[0]["group"] == "sources"
    assert {entry["name"] for entry in described} >= set(registry.names("steps"))
    assert [GROUPS.index(entry["group"]) for entry in described] == sorted(GROUPS.index(entry["group"]) for entry in described)


def test_descriptions_are_plain_data() -> None:
    assert orjson.loads(orjson.dumps(describe_all())) == describe_all()


def test_a_step_is_described_with_its_parameters_and_without_its_place() -> None:
    entry = describe("KeepColumns")

    assert (entry["summary"], entry["group"]) == ("Keeps the columns you name, in that order, and drops the others.", "columns")
    assert entry["parameters"] == [
        {"name": "columns", "type": "list[str]", "is_required": True, "default": None, "description": "Columns to keep."}
    ]


def test_a_default_that_is_a_model_is_shown_by_name() -> None:
    [llm] = [parameter for parameter in describe("TextGeneration")["parameters"] if parameter["name"] == "llm"]

    assert llm["default"] == {"use": "RehearsalLLM"}


@pytest.mark.parametrize(("name", "meant"), [("KeepColumn", "KeepColumns"), ("OpenAILM", "OpenAILLM")])
def test_what_does_not_exist_is_told_a_near_name(name: str, meant: str) -> None:
    with pytest.raises(UnknownComponent, match=f"Did you mean '{meant}'"):
        describe(name)


def test_what_is_no_component_is_not_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "steps.llms.base")

    with pytest.raises(UnknownComponent, match="is neither step, model nor router"):
        describe("steps.llms.base:Completion")


@pytest.mark.parametrize(
    ("name", "group", "line"),
    [
        ("UltraFeedback", "ask", "from steps.tasks import UltraFeedback"),
        ("OpenAILLM", "models", "from steps.llms import OpenAILLM"),
        ("sample_n_steps", "routers", "from steps.routers import sample_n_steps"),
    ],
)
def test_steps_models_and_routers_are_described_with_their_import(name: str, group: str, line: str) -> None:
    entry = describe(name)
    names: dict[str, Any] = {}
    exec(entry["import"], names)

    assert (entry["group"], entry["import"], name in names) == (group, line, True)
    assert entry in describe_all()


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("UltraFeedback", ["instruction", "generations"], ["ratings", "rationales", "model_name"]),
        ("TextGeneration", ["instruction"], ["generation", "model_name"]),
        ("KeepColumns", [], []),
        ("MergeColumns", [], ["merged_column"]),
    ],
)
def test_columns_are_those_of_a_step_whose_parameters_are_left_alone(name: str, inputs: list[str], outputs: list[str]) -> None:
    entry = describe(name)

    assert (entry["inputs"], entry["outputs"]) == (inputs, outputs)


def test_describing_a_step_adds_none_to_the_pipeline_that_is_being_written() -> None:
    with Pipeline() as pipeline:
        describe("UltraFeedback")

    assert pipeline.spec.steps == []


class Box:
    kind: ClassVar[str] = "box"


@pytest.mark.parametrize(
    ("annotation", "name"),
    [
        (str, "str"),
        (str | None, "str | None"),
        (list[dict[str, Any]], "list[dict[str, Any]]"),
        (Literal["a", 1], "'a' | 1"),
        (dict[str, str | list[str]] | None, "dict[str, str | list[str]] | None"),
        (Box, "Box"),
    ],
)
def test_types_are_written_as_people_do(annotation: Any, name: str) -> None:
    assert type_name(annotation) == name
