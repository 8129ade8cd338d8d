from __future__ import annotations

import re
from typing import Any, ClassVar, Literal

import orjson
import pytest

from flows import Pipeline
from flows.catalogue import (
    GROUPS,
    HEADINGS,
    Entry,
    default_of,
    describe,
    describe_all,
    example_params,
    groups_of,
    heading_of,
    in_group,
    near_word,
    other_columns,
    read_docstring,
    search,
    type_name,
)
from flows.catalogue.searching import OTHER_WORDS
from flows.cli.listing import steps
from steps import registry
from steps.registry import UnknownComponent


def test_every_step_is_described_in_the_order_of_its_group() -> None:
    described = describe_all()

    assert described[0]["group"] == "sources"
    assert {entry["name"] for entry in described} >= set(registry.names("steps"))
    places = [list(HEADINGS.values()).index(heading_of(entry)) for entry in described]
    assert places == sorted(places)
    assert {entry["group"] for entry in described} <= set(GROUPS)


def test_descriptions_are_plain_data() -> None:
    assert orjson.loads(orjson.dumps(describe_all())) == describe_all()


def test_a_step_is_described_with_its_parameters_and_without_its_place() -> None:
    entry = describe("KeepColumns")

    assert (entry["summary"], entry["group"]) == ("Keeps the columns you name, in that order, and drops the others.", "columns")
    assert entry["parameters"] == [
        {
            "name": "columns",
            "type": "list[str]",
            "is_required": True,
            "default": None,
            "limits": "not empty",
            "examples": [["instruction", "generation"]],
            "description": "Columns to keep.",
            "model": "",
            "is_of_every_task": False,
        }
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
    exec(entry["import_line"], names)

    assert (entry["group"], entry["import_line"], name in names) == (group, line, True)
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


PAPER = """Judges.

    What to know.

    After A Study: of Judges, at Large, https://arxiv.org/abs/1, and Another
    One, https://arxiv.org/abs/2

    After noon nothing is judged, see https://example.com/hours and think.

    Example:
        >>> 1 + 1
        2
    """


def test_a_docstring_comes_apart_into_its_words_papers_and_example() -> None:
    found = read_docstring(PAPER)

    assert (found.summary, found.example) == ("Judges.", ">>> 1 + 1\n2")
    assert found.text == "What to know.\n\nAfter noon nothing is judged, see https://example.com/hours and think."
    assert found.papers == (
        {"title": "A Study: of Judges, at Large", "url": "https://arxiv.org/abs/1"},
        {"title": "Another One", "url": "https://arxiv.org/abs/2"},
    )


def test_a_docstring_that_is_missing_has_empty_parts() -> None:
    assert read_docstring(None) == ("", "", (), "")


def test_a_paper_is_named_alike_everywhere_and_only_among_the_papers() -> None:
    titles: dict[str, set[str]] = {}
    for entry in describe_all():
        for paper in entry["papers"]:
            titles.setdefault(paper["url"], set()).add(paper["title"])
        assert [place for place in ("arxiv.org", "doi.org", "aclanthology.org") if place in entry["text"]] == [], entry["name"]

    assert [url for url, found in titles.items() if len(found) > 1] == []


@pytest.mark.parametrize(
    ("name", "heading"),
    [
        ("TextGeneration", "Ask a model"),
        ("SelfInstruct", "Ask a model to write"),
        ("UltraFeedback", "Ask a model to judge"),
        ("BitextRetrievalGenerator", "Sources that ask a model"),
        ("ValidateJSON", "Validators"),
        ("MinHashDedup", "Filters"),
        ("OpenAILLM", "Models"),
    ],
)
def test_long_groups_are_listed_in_parts(name: str, heading: str) -> None:
    assert heading_of(describe(name)) == heading


@pytest.mark.parametrize(
    ("name", "parameter", "limits"),
    [
        ("UltraFeedback", "num_generations", "1 or more"),
        ("SampleNumber", "chance", "0 to 1"),
        ("RunPython", "wall_s", "above 0, 3,600 or less"),
        ("MathShepherdCompleter", "tags", "2 items"),
        ("PushToHub", "split", "not empty"),
        ("MaskPII", "phone_region", "like `^[A-Z]{2}$`"),
        ("KeepColumns", "columns", "not empty"),
        ("UltraFeedback", "llm", ""),
    ],
)
def test_limits_are_told_in_words(name: str, parameter: str, limits: str) -> None:
    [found] = [one for one in describe(name)["parameters"] if one["name"] == parameter]

    assert found["limits"] == limits


def test_what_is_required_comes_first_and_what_every_task_has_last() -> None:
    names = [one["name"] for one in describe("EvolInstruct")["parameters"]]
    shared = [one["name"] for one in describe("EvolInstruct")["parameters"] if one["is_of_every_task"]]

    assert names[:2] == ["num_evolutions", "llm"]
    assert names[-len(shared) :] == shared
    assert "max_repairs" in shared


def test_a_parameter_that_a_task_has_otherwise_is_its_own() -> None:
    own = [one["name"] for one in describe("TextClassification")["parameters"] if not one["is_of_every_task"]]

    assert "use_default_structured_output" in own


def test_a_default_is_cut_where_it_is_long() -> None:
    [templates] = [one for one in describe("EvolInstruct")["parameters"] if one["name"] == "mutation_templates"]

    assert (len(default_of(templates)), len(default_of(templates, None)) > 1000) == (60, True)
    assert default_of(templates, None).startswith(default_of(templates)[:-1])


@pytest.mark.parametrize(
    ("name", "inputs", "outputs"),
    [
        ("UltraFeedback", "", "or what its parameters say"),
        ("KeepColumns", "what its parameters say", "no new columns"),
        ("PushToHub", "no columns", "no new columns"),
        ("LoadDataFromDicts", "no columns", "what its parameters say"),
        ("TextGeneration", "or what its parameters say", ""),
    ],
)
def test_columns_that_parameters_decide_are_told_apart(name: str, inputs: str, outputs: str) -> None:
    entry = describe(name)

    assert (other_columns(entry, "inputs"), other_columns(entry, "outputs")) == (inputs, outputs)


@pytest.mark.parametrize("entry", describe_all(), ids=lambda entry: entry["name"])
def test_a_parameter_that_is_required_has_an_example(entry: Entry) -> None:
    shown = example_params(entry)

    assert [one["name"] for one in entry["parameters"] if one["is_required"] and one["name"] not in shown] == []


def test_an_example_names_the_model_where_there_is_one() -> None:
    assert example_params(describe("TextGeneration")) == {"llm": {"use": "OpenAILLM", "model": "gpt-4o-mini"}}
    assert example_params(describe("TextGeneration"), with_model=False) == {}
    assert example_params(describe("OpenAILLM")) == {"model": "gpt-4o-mini"}


@pytest.mark.parametrize(
    ("query", "first"),
    [
        ("ultra", "UltraFeedback"),
        ("rate", "UltraFeedback"),
        ("judge", "JudgePanel"),
        ("score", "ComplexityScorer"),
        ("embed", "EmbeddingTaskGenerator"),
        ("cluster", "TextClustering"),
        ("sample", "SampleCategory"),
        ("hub", "LoadDataFromHub"),
        ("argilla", "ArgillaLabeller"),
        ("feedback", "UltraFeedback"),
        ("llm", "AnthropicLLM"),
        ("dedup", "EmbeddingDedup"),
        ("ratings", "UltraFeedback"),
        ("duplicates texts", "MinHashDedup"),
        ("wizardlm", "EvolComplexityGenerator"),
        ("multi-turn", "MultiTurnChat"),
        ("multi turn", "MultiTurnChat"),
        ("Text_Generation", "TextGeneration"),
    ],
)
def test_a_search_finds_names_first_then_columns_then_words(query: str, first: str) -> None:
    assert search(describe_all(), query)[0]["name"] == first


@pytest.mark.parametrize(
    ("query", "names"),
    [
        ("few-shot", {"DataSampler", "PrepareExamples", "URIAL", "MathShepherdGenerator"}),
        ("random", {"DataSampler", "SampleCategory", "SampleDate", "SampleNumber", "sample_n_steps"}),
        ("deduplicate", {"EmbeddingDedup", "MinHashDedup"}),
        ("plot", {"TextClustering", "UMAP"}),
        ("dialogue", {"MultiTurnChat", "ChatGeneration", "FormatShareGPT"}),
        ("anonymize", {"MaskPII"}),
        ("rehearse", {"RehearsalLLM", "RehearsalEmbeddings"}),
        ("rename", {"KeepColumns"}),
        ("huggingface", {"LoadDataFromHub", "PushToHub"}),
        ("upload", {"PushToHub", "LoadDataFromFileSystem"}),
        ("classify", {"TextClassification", "GenerateTextClassificationData"}),
        ("critique", {"UltraFeedback", "CLAIR"}),
        ("reasoning", {"MathShepherdGenerator"}),
        ("translate", {"TextGeneration", "BitextRetrievalGenerator"}),
        ("summarize", {"TextGeneration"}),
        ("extract", {"StructuredGeneration"}),
        ("concatenate", {"MergeColumns", "CombineOutputs"}),
        ("aggregate", {"GroupColumns"}),
        ("remove", {"KeepColumns", "FilterRows"}),
        ("loop", {"GenerateUntil"}),
        ("route", {"sample_n_steps"}),
        ("similarity", {"FaissNearestNeighbour"}),
        ("rerank", {"PairRM"}),
        ("cache", {"ReplayLLM"}),
        ("mock", {"RehearsalLLM"}),
    ],
)
def test_a_search_knows_other_words_for_the_same(query: str, names: set[str]) -> None:
    assert {entry["name"] for entry in search(describe_all(), query)} >= names


@pytest.mark.parametrize("asked", OTHER_WORDS, ids=lambda one: one[0])
def test_each_of_the_other_words_finds_something(asked: tuple[str, tuple[str, ...]]) -> None:
    described = describe_all()

    for here in asked[1]:
        assert any(re.search(rf"\b{re.escape(here)}\b", entry["found_by"]) for entry in described), here


@pytest.mark.parametrize(
    ("asked", "heading"),
    [("validators", "Validators"), ("validator", "Validators"), ("judge", "Ask a model to judge"), ("router", "Routers")],
)
def test_a_part_of_a_group_is_found_by_a_word_of_its_heading(asked: str, heading: str) -> None:
    assert {heading_of(entry) for entry in in_group(describe_all(), asked)} == {heading}


def test_groups_without_entries_are_not_listed() -> None:
    described = describe_all()

    assert "other" not in groups_of(described)
    assert all(in_group(described, group) for group in groups_of(described))
    assert in_group(described, "other") == in_group(described, "nothing") == []


def test_a_search_wants_every_word() -> None:
    assert search(describe_all(), "dedup nonsense") == []
    assert near_word(describe_all(), "dedpu") == " Did you mean 'dedup'?"


def test_a_class_of_distilabel_that_is_not_here_is_answered_with_what_to_take() -> None:
    with pytest.raises(UnknownComponent, match="'AsyncLLM' is not here") as caught:
        describe("AsyncLLM")

    assert "`LLM`" in caught.value.fix


def test_a_search_for_such_a_class_is_answered_alike() -> None:
    with pytest.raises(UnknownComponent, match="'ImageTask' is not here"):
        steps(words="ImageTask")
