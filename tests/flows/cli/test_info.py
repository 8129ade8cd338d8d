"""`distilflow info`: everything that --param can set."""

from __future__ import annotations

import json

from tests.flows.cli.pipelines import LOAD
from tests.flows.commands import Commands


def test_info_names_every_parameter_that_can_be_set_with_its_value(commands: Commands) -> None:
    llm = {"use": "OpenAILLM", "model": "m", "api_key": "${OPENAI_API_KEY}", "generation_kwargs": {"temperature": 0.5}}
    ask = {
        "name": "ask",
        "use": "TextGeneration",
        "after": "load",
        "with": {"llm": llm, "columns": ["i"], "template": "{{ i }}"},
        "batch_size": 8,
    }

    ended = commands("info", commands.write([LOAD, ask]), "--param", "ask.num_generations=3")

    shown = {line.split()[0]: line.split()[1:] for line in ended.out.splitlines() if line.startswith("  ")}
    assert ended.code == 0, ended.err
    assert shown["ask.num_generations"] == ["3"]
    assert shown["ask.llm.model"] == ["m"]
    assert shown["load.rows"] == ["6"]
    assert json.loads(" ".join(shown["ask.llm.generation_kwargs"]))["temperature"] == 0.5
    assert shown["load.batch_size"] == ["50"]
    assert " ".join(shown["ask.batch_size"]).startswith("8 (changes nothing: rows are asked about as they come")
    assert " ".join(shown["ask.pool"]) == "async (chosen by itself)"
    assert " ".join(shown["ask.resources"]).startswith('{"replicas": 1} (its keys: replicas, cpus, gpus')


def test_info_says_why_a_parameter_cannot_be_set(commands: Commands) -> None:
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"columns": ["i"], "template": "{{ i }}"}}
    odd = {"name": "odd", "use": "KeepColumns", "after": "ask", "with": {"columns": 5}}
    file = commands.write([LOAD, ask, odd])

    told = commands("info", file, "--json")
    text = commands("info", file).out

    steps = {step["name"]: step for step in json.loads(told.out)["steps"]}
    [llm] = [one for one in steps["ask"]["parameters"] if one["path"].startswith("ask.llm")]
    assert (llm["path"], llm["value"]["use"]) == ("ask.llm", "RehearsalLLM")
    assert "name a whole model" in llm["note"]
    assert steps["odd"]["why_not"] == "`columns`: should be a list; seen 5"
    assert "nothing can be set, since it cannot be made as it stands: `columns`: should be a list; seen 5" in text


def test_info_shows_what_it_can_of_a_pipeline_with_problems(commands: Commands) -> None:
    ended = commands("info", commands.write([LOAD, {"name": "odd", "use": "NoSuchStep", "after": "load"}]), "--json")

    told = json.loads(ended.out)
    assert (ended.code, told["problems"]) == (0, 1)
    assert [(step["name"], step["parameters"] is None) for step in told["steps"]] == [("load", False), ("odd", True)]
    assert "1 problem" in ended.err
