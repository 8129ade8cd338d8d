"""distilabel's pipeline files become ours, and nothing in them is imported, run or told away."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from flows.compat import convert
from flows.plan import examine
from flows.spec import PipelineSpec, load_spec, read_spec, spec_from
from flows.spec.text import parse
from steps.errors import SpecError
from steps.llms.base import LLM
from tests.flows.commands import Commands
from tests.flows.compat.distilabel_files import STEPS, generation, group, load, model, pipeline, preference, step, text

SAMPLES = Path(os.environ.get("DISTILABEL_SAMPLES", "no-samples"))


def read(data: dict[str, Any]) -> PipelineSpec:
    return read_spec(text(data))[0]


def test_a_whole_pipeline_is_read_with_its_graph_mappings_models_and_parameters() -> None:
    spec = read(preference())

    assert {one.name: one.after for one in spec.steps} == {
        "load": [], "a": ["load"], "b": ["load"], "group": ["a", "b"], "rate": ["group"], "pairs": ["rate"],
    }  # fmt: skip
    assert spec.step("load").output_mappings == {"prompt": "instruction"}
    assert spec.step("rate").params["aspect"] == "honesty"
    assert spec.step("b").params["llm"] == {"use": "OpenAILLM", "model": "n", "generation_kwargs": {"temperature": 0.3}}
    assert [problem.code for problem in examine(spec)[1] if problem.code != "model-not-ready"] == []


def test_what_nobody_set_is_left_out_and_what_somebody_set_is_kept() -> None:
    spec = read(
        pipeline(
            [load(num_examples=7, batch_size=10), generation("a", num_generations=3, resources={"replicas": 4, "gpus": None})],
            {"load": ["a"]},
        )
    )

    assert spec.step("load").params == {"repo_id": "me/data", "num_examples": 7}
    assert spec.step("load").batch_size == 10
    assert set(spec.step("a").params) == {"llm", "num_generations", "add_raw_output", "add_raw_input"}
    resources = spec.step("a").resources
    assert resources is not None
    assert resources.replicas == 4


@pytest.mark.parametrize(("savefig", "kept"), [(True, {}), (False, {"savefig": False})])
def test_whether_clusters_are_drawn_is_carried_over(savefig: bool, kept: dict[str, bool]) -> None:
    clustering = step("name", "distilabel.steps.clustering.text_clustering", "TextClustering", savefig=savefig)

    spec = read(pipeline([load(), clustering], {"load": ["name"]}))

    assert spec.step("name").params == kept


def test_it_is_read_from_json_too_and_its_yaml_reads_back(tmp_path: Path) -> None:
    (tmp_path / "theirs.json").write_text(json.dumps(preference()))

    spec = load_spec(tmp_path / "theirs.json")

    assert read_spec(spec.to_yaml())[0] == spec == read(preference())


def test_routing_is_restored() -> None:
    kind = {"module": "distilabel.pipeline.routing_batch_function", "name": "sample_n_steps", "kwargs": {"n": 2}}
    routing = {"step": "load", "description": "Some of the next steps.", "type_info": kind}
    links = {"load": ["a", "b"], "a": ["group"], "b": ["group"]}

    spec = read(pipeline([load(), generation("a"), generation("b"), group()], links, routing_batch_functions=[routing]))

    assert spec.to_dict()["routing"] == {"load": {"use": "sample_n_steps", "with": {"n": 2}}}


def test_an_unknown_class_stays_with_its_parameters_and_is_named() -> None:
    own = step("odd", f"{STEPS}.tasks.not_there_yet", "NotThereYet", llm=model(model="m"), strength=3, input_batch_size=50)
    found = convert(pipeline([load(), own], {"load": ["odd"]}))

    spec = read(pipeline([load(), own], {"load": ["odd"]}))

    assert found.unknown == ["NotThereYet"]
    assert spec.step("odd").use == "NotThereYet"
    assert spec.step("odd").params["strength"] == 3
    problems = [problem for problem in examine(spec)[1] if problem.step == "odd"]
    assert any("NotThereYet" in problem.what and problem.fix for problem in problems)


def test_an_unknown_parameter_of_a_known_class_is_told_by_name() -> None:
    spec = read(pipeline([load(colour="red")], {}))

    [problem] = examine(spec)[1]
    assert "colour" in problem.what


@pytest.mark.parametrize("module", ["os", "my_steps.evil", "__main__", "distilabelx.steps.tasks.text_generation"])
def test_a_class_of_a_module_that_is_not_distilabels_is_never_ours_nor_imported(module: str) -> None:
    spec = read(pipeline([load(), step("x", module, "TextGeneration", cmd="ls")], {"load": ["x"]}))

    assert spec.step("x").use == f"{module}:TextGeneration"
    assert any(problem.code == "unknown-step" and module in problem.what for problem in examine(spec)[1])


ENDPOINTS = {"model_id": "a/b", "tokenizer_id": "a/b", "base_url": None}
SCHEMA = {"schema": {"type": "object"}}


@pytest.mark.parametrize(
    ("theirs", "ours"),
    [
        (model("together", "TogetherLLM", model="a/b"), {}),
        (model("groq", "GroqLLM", model="a/b", base_url="https://api.groq.com"), {}),
        (model("groq", "GroqLLM", model="a/b", api_key="${GROQ_API_KEY}"), {}),
        (model("groq", "GroqLLM", model="a/b", api_key="${MINE}"), {"api_key": "${MINE}"}),
        (model("mistral", "MistralLLM", model="a/b", timeout=120, endpoint="https://api.mistral.ai"), {}),
        (model("ollama", "OllamaLLM", model="a/b", host="http://box:1", follow_redirects=True), {"host": "http://box:1"}),
        (model("vllm", "ClientvLLM", model="a/b", base_url="http://box:8/v1"), {"base_url": "http://box:8/v1"}),
        (model("huggingface.inference_endpoints", "InferenceEndpointsLLM", **ENDPOINTS), {}),
        (model("cohere", "CohereLLM", model="a/b", base_url="https://api.cohere.ai/v1", client_name="distilabel"), {}),
        (model("anthropic", "AnthropicLLM", model="a/b", timeout=600.0, http_client=None), {}),
        (
            model("azure", "AzureOpenAILLM", model="a/b", base_url="https://r.openai.azure.com/", api_version="2024-10-21"),
            {"base_url": "https://r.openai.azure.com", "api_version": "2024-10-21"},
        ),
        (model(model="a/b", base_url="https://api.openai.com/v1", timeout=120, max_retries=6), {}),
    ],
    ids=lambda value: value["type_info"]["name"] if isinstance(value, dict) and "type_info" in value else "",
)
def test_models_behind_servers_keep_their_class_and_say_only_what_is_unusual(
    theirs: dict[str, Any], ours: dict[str, Any]
) -> None:
    name = "model_id" if "model_id" in theirs else "model"

    llm = read(pipeline([load(), generation("a", llm=theirs)], {"load": ["a"]})).step("a").params["llm"]

    same = {"use": theirs["type_info"]["name"], name: "a/b", "generation_kwargs": {"temperature": 0.3}}
    assert llm == {**same, **ours}
    assert LLM.model_validate(llm).model_name == "a/b"


def test_addresses_get_the_path_that_distilabel_adds_by_itself() -> None:
    endpoint = model("huggingface.inference_endpoints", "InferenceEndpointsLLM", base_url="http://box:8080/")
    mistral = model("mistral", "MistralLLM", model="m", endpoint="http://box:9", max_concurrent_requests=3)
    found = convert(pipeline([load(), generation("a", llm=endpoint), generation("b", llm=mistral)], {"load": ["a", "b"]}))

    one, other = (LLM.model_validate(step["with"]["llm"]) for step in found.data["steps"][1:])

    assert (one.endpoint, one.model_name) == ("http://box:8080/v1", "tgi")
    assert (other.endpoint, other.max_concurrency) == ("http://box:9/v1", 3)


@pytest.mark.parametrize(
    ("module", "theirs", "asked", "ours"),
    [
        ("vertexai", "VertexAILLM", {"max_output_tokens": 9, "stop_sequences": ["x"]}, {"max_new_tokens": 9, "stop": ["x"]}),
        ("cohere", "CohereLLM", {"p": 0.5, "max_tokens": 3}, {"top_p": 0.5, "max_tokens": 3}),
        ("anthropic", "AnthropicLLM", {"stop_sequences": ["x"], "top_k": 3}, {"stop_sequences": ["x"], "top_k": 3}),
    ],
)
def test_sampling_goes_by_the_names_of_openai(module: str, theirs: str, asked: dict[str, Any], ours: dict[str, Any]) -> None:
    llm = model(module, theirs, model="m", generation_kwargs=asked)

    found = convert(pipeline([generation("a", llm=llm)], {})).data["steps"][0]["with"]["llm"]

    assert found["generation_kwargs"] == ours


def test_what_ollama_is_told_in_options_is_told_by_the_names_of_openai() -> None:
    options = {"temperature": 0.1, "num_predict": 9, "stop": ["x"], "num_ctx": 99, "mirostat": None}
    asked = {"options": options, "format": "json", "keep_alive": True}
    found = convert(pipeline([generation("a", llm=model("ollama", "OllamaLLM", model="m", generation_kwargs=asked))], {}))

    kwargs = found.data["steps"][0]["with"]["llm"]["generation_kwargs"]

    ours = {"temperature": 0.1, "max_new_tokens": 9, "stop": ["x"], "response_format": {"type": "json_object"}}
    assert kwargs == ours
    assert [note.partition("`")[2].partition("`")[0] for note in found.notes] == [
        "generation_kwargs.options.num_ctx", "generation_kwargs.keep_alive",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("written_out", "name"),
    [
        ("<|begin_of_text|><|start_header_id|>user<|end_header_id|>\n\n", "llama3"),
        ("<|im_start|>user\n", "qwen2"),
        ("<user>", "<user>"),
    ],
)
def test_a_magpie_template_that_distilabel_wrote_out_gets_its_name_back(written_out: str, name: str) -> None:
    llm = model("vllm", "ClientvLLM", model="m", use_magpie_template=True, magpie_pre_query_template=written_out)

    ours = convert(pipeline([generation("a", llm=llm)], {})).data["steps"][0]["with"]["llm"]

    assert ours["magpie_pre_query_template"] == name


def test_models_inside_a_model_keep_their_classes_and_their_order() -> None:
    proposers = {str(at): model("openai", "OpenAILLM", model=f"m{at}") for at in range(3)}
    mixture = model("moa", "MixtureOfAgentsLLM", aggregator_llm=model(model="best"), proposers_llms=proposers, rounds=2)

    ours = convert(pipeline([generation("a", llm=mixture)], {})).data["steps"][0]["with"]["llm"]

    assert (ours["use"], ours["rounds"], ours["aggregator_llm"]["model"]) == ("MixtureOfAgentsLLM", 2, "best")
    assert [one["model"] for one in ours["proposers_llms"]] == ["m0", "m1", "m2"]


def test_a_text_that_was_taken_out_does_not_come_back_as_ours() -> None:
    solve = step(
        "solve", f"{STEPS}.tasks.math_shepherd.generator", "MathShepherdGenerator", few_shots=None, extra_rules=None, M=None
    )

    spec = read(pipeline([load(), solve], {"load": ["solve"]}))

    assert spec.step("solve").params == {"few_shots": None, "extra_rules": None}


def test_a_step_that_wants_a_device_works_in_the_pool_that_has_them() -> None:
    score = step("score", f"{STEPS}.reward_model", "RewardModelScore", model="me/x", resources={"gpus": 1})

    spec = read(pipeline([load(), score], {"load": ["score"]}))

    assert spec.step("score").pool == "gpu"


@pytest.mark.parametrize(
    ("fields", "note"),
    [
        ({"use_cache": False}, "`use_cache: false` was left out"),
        ({"input_batch_size": 7}, "`input_batch_size` was left out"),
        ({"llm": model("vllm", "ClientvLLM", model="m", tokenizer="other")}, "`tokenizer` was left out"),
        ({"llm": model(model="m", structured_output={**SCHEMA, "mode": "json"})}, "`structured_output.mode` was left out"),
    ],
    ids=["cache", "batch", "tokenizer", "mode"],
)
def test_what_is_left_out_is_told(fields: dict[str, Any], note: str) -> None:
    [found] = convert(pipeline([generation("a", **fields)], {})).notes

    assert note in found


def test_structured_output_keeps_its_schema() -> None:
    theirs = model(model="m", structured_output={**SCHEMA, "mode": "json"})

    llm = read(pipeline([load(), generation("a", llm=theirs)], {"load": ["a"]})).step("a").params["llm"]

    assert llm["structured_output"] == {"format": "json", **SCHEMA}


def test_no_key_is_carried_over() -> None:
    secret = "sk-0123456789abcdef"
    llm = model(model="m", api_key=secret, default_headers={"X-Api-Key": secret, "X-Team": "red"})
    odd = step(
        "odd", f"{STEPS}.argilla.preference", "PreferenceToArgilla", api_key=secret, nested={"token": secret}, step_token="+"
    )
    found = convert(pipeline([load(), generation("a", llm=llm), odd], {"load": ["a"], "a": ["odd"]}))

    assert secret not in json.dumps(found.data)
    kept = found.data["steps"][1]["with"]["llm"]
    assert kept["api_key"] == "${OPENAI_API_KEY}"
    assert kept["default_headers"] == {"X-Api-Key": "${X_API_KEY}", "X-Team": "red"}
    assert found.data["steps"][2]["with"]["step_token"] == "+"
    assert any("OPENAI_API_KEY" in note for note in found.notes)
    assert secret not in str(found.notes)


@pytest.mark.parametrize(("module", "name"), [("data", "LoadDataFromDicts"), ("data_sampler", "DataSampler")])
def test_rows_that_distilabel_does_not_write_are_told(module: str, name: str) -> None:
    found = convert(pipeline([step("load", f"{STEPS}.generators.{module}", name, batch_size=50)], {}))

    assert f"the rows of {name} out of the file; enter them in `data`" in found.notes[0]


@pytest.mark.parametrize(
    "broken",
    [
        {"distilabel": {}, "pipeline": {"steps": "load"}},
        {"distilabel": {}, "pipeline": {"steps": [{"name": "a"}]}},
        {"distilabel": {}, "pipeline": {"steps": [], "connections": [1]}},
        {"distilabel": {}},
        {"distilabel": {}, "pipeline": []},
        {"distilabel": {}, "pipeline": {"steps": [load(), load()]}},
    ],
)
def test_a_file_that_is_damaged_is_told_without_a_trace(broken: dict[str, Any]) -> None:
    with pytest.raises(SpecError) as caught:
        read_spec(text(broken))

    assert caught.value.fix


def test_names_that_no_step_can_have_are_mended_in_the_connections_too() -> None:
    odd = generation("my step!")
    spec = read(pipeline([load(), odd, generation("my_step_")], {"load": ["my step!"], "my step!": ["my_step_"]}))

    assert spec.names() == ["load", "my_step_", "my_step__2"]
    assert spec.step("my_step__2").after == ["my_step_"]


@pytest.mark.skipif(not SAMPLES.is_dir(), reason="no files of distilabel's own are here")
@pytest.mark.parametrize("path", sorted(SAMPLES.glob("*.yaml")), ids=lambda path: path.stem)
def test_every_file_that_distilabel_itself_wrote_loads(path: Path) -> None:
    found = convert(parse(path.read_text())[0])
    spec, problems = read_spec(path.read_text())

    assert problems == []
    codes = {problem.code for problem in examine(spec)[1]}
    assert codes <= {"model-not-ready", "unknown-step"}
    assert ("unknown-step" in codes) == bool(found.unknown)


def test_the_command_line_takes_it_as_it_is(commands: Commands) -> None:
    source = step("load", f"{STEPS}.generators.huggingface", "LoadDataFromFileSystem", data_files="rows.jsonl", batch_size=50)
    (commands.folder / "rows.jsonl").write_text('{"instruction": "Say hi"}\n{"instruction": "Say bye"}\n')
    (commands.folder / "theirs.yaml").write_text(
        text(pipeline([source, generation("a", llm=model(model="m", api_key="sk-x"))], {"load": ["a"]}))
    )

    planned = commands("plan", "theirs.yaml", "--rehearse")
    ran = commands("run", "theirs.yaml", "--rehearse", "--run-id", "r", "--no-prefect")

    assert (planned.code, ran.code) == (0, 0), planned.err + ran.err
    assert "Note: step 'a': the key in the file was not carried over" in planned.err
    assert len(commands.rows()) == 2


_LEAF = st.none() | st.booleans() | st.integers(-9, 9) | st.floats(allow_nan=False) | st.text(max_size=9)
_ANYTHING = st.recursive(
    _LEAF, lambda part: st.lists(part, max_size=3) | st.dictionaries(st.text(max_size=9), part, max_size=3), max_leaves=9
)
_FIELDS = st.dictionaries(
    st.sampled_from(["name", "llm", "resources", "input_mappings", "batch_size", "columns", "type_info", "api_key", "x"]),
    _ANYTHING | st.fixed_dictionaries({"type_info": _ANYTHING, "model": _ANYTHING, "api_key": _ANYTHING}),
)
_STEP = st.fixed_dictionaries({"name": _ANYTHING, "step": _FIELDS | _ANYTHING}) | _ANYTHING
_INSIDE = st.fixed_dictionaries(
    {"name": _ANYTHING},
    optional={
        "steps": st.lists(_STEP, max_size=4) | _ANYTHING,
        "connections": st.lists(st.fixed_dictionaries({"from": _ANYTHING, "to": _ANYTHING}), max_size=3) | _ANYTHING,
        "routing_batch_functions": st.lists(st.fixed_dictionaries({"step": _ANYTHING, "type_info": _ANYTHING}), max_size=2)
        | _ANYTHING,
    },
)


@settings(max_examples=300, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(_INSIDE)
def test_whatever_such_a_file_holds_it_is_a_pipeline_or_told(inside: dict[str, Any]) -> None:
    try:
        spec, _ = spec_from({"distilabel": {"version": "1.5.3"}, "pipeline": inside})
    except SpecError:
        return
    examine(spec)
