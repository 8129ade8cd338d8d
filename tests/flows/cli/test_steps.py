"""`distilflow steps`: everything that a pipeline may name."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from flows.catalogue import describe, describe_all, heading_of
from tests.flows.commands import Commands


def test_the_catalogue_is_data_too(commands: Commands) -> None:
    everything = json.loads(commands("steps", "--json").out)
    one = json.loads(commands("steps", "UltraFeedback", "--json").out)

    assert {"LoadDataFromHub", "TextGeneration", "KeepColumns"} <= {entry["name"] for entry in everything}
    assert one["inputs"] == ["instruction", "generations"]
    assert commands("steps", "UltraFedback").code == 2


@pytest.mark.parametrize("name", ["UltraFeedback", "OpenAILLM", "sample_n_steps", "CombineOutputs", "EvolInstruct"])
def test_a_component_is_described_whole_however_narrow_the_terminal(tmp_path: Path, name: str) -> None:
    entry = describe(name)
    papers = [paper["title"] for paper in entry["papers"]]

    shown = Commands(tmp_path, COLUMNS="60")("steps", name).out

    for text in [
        entry["import_line"],
        entry["summary"],
        *papers,
        *(parameter["description"] for parameter in entry["parameters"]),
    ]:
        assert " ".join(text.split()) in " ".join(shown.split())
    assert " ".join(entry["text"].split()) in " ".join(shown.split())
    assert ("Parameters" in shown) == bool(entry["parameters"])
    assert [line for line in shown.splitlines() if line != line.rstrip()] == []


def test_a_long_default_is_cut_and_all_of_it_is_data(commands: Commands) -> None:
    shown = commands("steps", "EvolInstruct").out
    [templates] = [
        one
        for one in json.loads(commands("steps", "EvolInstruct", "--json").out)["parameters"]
        if one["name"] == "mutation_templates"
    ]

    assert "All of the default: distilflow steps EvolInstruct --json" in shown
    assert templates["default"]["CONSTRAINTS"] not in shown
    assert len(templates["default"]["CONSTRAINTS"]) > 100


def test_columns_that_are_only_used_where_they_are_there_are_told_apart(commands: Commands) -> None:
    shown = commands("steps", "FormatTextGenerationDPO").out

    assert "Needs: instruction, generations, ratings\n" in shown
    assert "Can use, where a row has them: system_prompt, generation_models\n" in shown


def test_everything_that_a_pipeline_may_name_is_listed(tmp_path: Path) -> None:
    listed = Commands(tmp_path, COLUMNS="80")("steps").out

    assert all(f"\n{heading_of(entry)}\n" in listed for entry in describe_all())
    assert all(f"\n{entry['name']} " in listed for entry in describe_all())
    assert [line for line in listed.splitlines() if len(line) > 80 or line != line.rstrip()] == []


def test_a_group_or_what_has_a_word_is_listed_alone(commands: Commands) -> None:
    filters, found = commands("steps", "--group", "filters").out, commands("steps", "--search", "dedup").out
    both = commands("steps", "--group", "columns", "--search", "dedup", "--json").out

    for listed, is_there in ((filters, "ValidateJSON"), (found, "EmbeddingDedup")):
        assert "MinHashDedup" in listed
        assert is_there in listed
        assert "TextGeneration" not in listed
    assert {entry["group"] for entry in json.loads(both)} == {"columns"}


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--group", "filtrs"], "there is no group 'filtrs'. Did you mean 'filters'?"),
        (["--search", "dedpu"], "nothing has 'dedpu' in its name, columns or description. Did you mean 'dedup'?"),
        (["UltraFeedback", "--group", "ask"], "leave out 'UltraFeedback'"),
    ],
    ids=["group", "word", "both"],
)
def test_a_list_of_nothing_says_so(commands: Commands, arguments: list[str], said: str) -> None:
    ended = commands("steps", *arguments)

    assert (ended.code, ended.out) == (2, "")
    assert said in ended.err
    assert "Traceback" not in ended.err
