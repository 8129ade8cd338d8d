from __future__ import annotations

from typing import Any, ClassVar, Literal

import orjson
import pytest

from flows.catalogue import GROUPS, describe, describe_all, type_name
from steps import registry
from steps.registry import UnknownComponent


def test_every_step_is_described_in_the_order_of_its_group() -> None:
    described = describe_all()

    assert described[0]["name"] == "LoadDataFromDicts"
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


def test_a_step_that_does_not_exist() -> None:
    with pytest.raises(UnknownComponent, match="Did you mean 'KeepColumns'"):
        describe("KeepColumn")


def test_what_is_no_step_is_not_described(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "steps.llms.rehearsal_llm")

    with pytest.raises(UnknownComponent, match="is not a step"):
        describe("steps.llms.rehearsal_llm:RehearsalLLM")


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
