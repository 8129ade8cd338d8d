"""Files that distilabel itself wrote: planned as a user's file is, complete, and run on rehearsal to the end."""

from __future__ import annotations

import re
from collections.abc import Collection
from pathlib import Path
from typing import Any

import orjson
import pytest

from flows.models import with_llm
from flows.plan import examine, plan
from flows.pools import Pools
from flows.runners.inline import run_inline
from steps import registry
from steps.llms.base import LLM
from steps.models import models_of
from steps.providers import PROVIDERS
from tests.flows.compat.dumped import DUMPS, OTHERS, Dump, defaults_of

MISSING_STEPS: set[str] = set()
MISSING_MODELS: set[str] = set()
"""Classes that are not here. One that has come is taken out: the dumps that have it must run then."""
SLOW = {"clusters"}  # numba compiles UMAP
GPU = Pools(devices=("0", "1"))
ROW = {
    "instruction": "Name a river.",
    "prompt": "Name a river.",
    "topic": "rivers",
    "structured_output": {"format": "json", "schema": {"type": "object"}},
}
"""For files that came without rows: all columns that they need."""


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where the user works: the data and the functions that pipelines name lie there."""
    (tmp_path / "functions.py").write_text("def area(width, height):\n    return width * height\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(Path(__file__).parents[3]))  # the workers start in that folder
    return tmp_path


def params(dumps: list[Dump], slow: Collection[str] = ()) -> list[Any]:
    return [pytest.param(one, id=one.name, marks=[pytest.mark.slow] * (one.name in slow)) for one in dumps]


def is_missing_a_step(dump: Dump) -> bool:
    return any(fields["type_info"]["name"] in MISSING_STEPS for fields in dump.steps.values())


def test_every_class_that_is_said_to_be_missing_is() -> None:
    here = {name for kind in registry.KINDS for name in registry.names(kind)}

    assert (MISSING_STEPS | MISSING_MODELS) & here == set()
    assert {name for dump in DUMPS for name in dump.understood.unknown} == MISSING_STEPS | MISSING_MODELS


def test_every_component_of_distilabel_stands_in_a_file() -> None:
    components = orjson.loads((Path(__file__).parent / "distilabel_components.json").read_bytes())
    texts = "\n".join(dump.path.read_text() for dump in DUMPS)

    named = set(re.findall(r"name\W+(\w+)", texts))
    assert {entry["name"] for entry in components} - named == set()


@pytest.mark.parametrize("dump", [*params(DUMPS), *params(OTHERS)])
def test_a_file_is_planned_and_what_is_missing_is_named_with_what_to_do(dump: Dump, folder: Path) -> None:
    spec = dump.with_rows(folder, [ROW] if dump in OTHERS else None)

    problems = examine(spec, GPU)[1]

    unknown = set(dump.understood.unknown)
    told = {name for name in unknown for problem in problems if f"'{name}'" in problem.what and problem.fix}
    expected = {"unknown-step", "bad-parameter"} if unknown else set()
    others = [problem for problem in problems if problem.code != "model-not-ready" and "not installed" not in problem.what]
    assert {problem.code for problem in others} <= expected, list(map(str, others))
    assert told == unknown
    for name in unknown:
        assert any(name in note and "docs/migrating.md" in note for note in dump.understood.notes)


@pytest.mark.parametrize("dump", [*params(DUMPS, SLOW), *params(OTHERS)])
def test_a_file_runs_on_rehearsal_to_its_end(dump: Dump, folder: Path) -> None:
    if is_missing_a_step(dump):
        return
    spec = with_llm(dump.with_rows(folder, [ROW] * 3 if dump in OTHERS else None), "rehearsal")
    rehearsed = plan(spec, Pools())

    report = run_inline(rehearsed, folder / "runs", run_id="r").report()

    assert (report.state, report.quarantined) == ("finished", 0)
    assert report.is_rehearsal or not rehearsed.llms
    assert set(report.rows) == ({"default"} if len(rehearsed.leaves) == 1 else set(rehearsed.leaves))
    assert all(report.rows.values())


# ---- nothing is lost


@pytest.mark.parametrize("dump", [*params(DUMPS), *params(OTHERS)])
def test_the_graph_is_as_it_was(dump: Dump) -> None:
    links = {(link["from"], target) for link in dump.data["pipeline"]["connections"] for target in link["to"]}
    ours = {step.name: step.name for step in dump.spec.steps}

    assert [*ours] == [name.replace(" ", "_") for name in dump.steps]
    assert {(upstream, step.name) for step in dump.spec.steps for upstream in step.after} == links
    assert dump.spec.description == dump.data["pipeline"]["description"]
    for routing in dump.data["pipeline"]["routing_batch_functions"]:
        if info := routing.get("type_info"):
            router = dump.spec.routing[routing["step"]]
            assert (router.use, router.params) == (info["name"], info["kwargs"])
        else:
            assert any(repr(routing["step"]) in note and "routing" in note for note in dump.understood.notes)


@pytest.mark.parametrize("dump", [*params(DUMPS), *params(OTHERS)])
def test_a_step_has_its_mappings_resources_and_batches_or_a_note_says_why_not(dump: Dump) -> None:
    for name, theirs in dump.steps.items():
        step = dump.spec.step(name)
        resources = step.resources.model_dump() if step.resources else {"replicas": 1}

        assert (step.input_mappings, step.output_mappings) == (theirs["input_mappings"], theirs["output_mappings"])
        assert {key: value for key, value in theirs["resources"].items() if value is not None} == {
            key: value for key, value in resources.items() if value is not None
        }
        size = theirs.get("batch_size", theirs.get("input_batch_size", 50))
        assert (step.batch_size or 50) == size or is_told(dump, name, "batch_size")
        assert theirs["use_cache"] or is_told(dump, name, "use_cache")


NO_PARAMETERS = {
    "name", "type_info", "runtime_parameters_info", "resources", "input_mappings", "output_mappings", "use_cache",
    "batch_size", "input_batch_size",
}  # fmt: skip
"""Fields that are no parameters here."""


def is_told(dump: Dump, step: str, key: str) -> bool:
    return any(f"step {step!r}" in note and key in note for note in dump.understood.notes)


@pytest.mark.parametrize("dump", [*params(DUMPS), *params(OTHERS)])
def test_every_parameter_of_a_file_is_that_of_the_planned_step_or_told(dump: Dump) -> None:
    ready = examine(dump.spec, GPU)[0].steps
    # a step whose model is missing is made with the one that rehearses
    planned = {**examine(with_llm(dump.spec, "rehearsal"), GPU)[0].steps, **ready}
    for name, theirs in dump.steps.items():
        spec = dump.spec.step(name)
        places = {*models_of(registry.resolve(spec.use))} if spec.use in registry.names("steps") else {"llm"}
        holder = planned[name].step if name in planned else spec.params
        for key in theirs.keys() - NO_PARAMETERS:
            if key in places or key == "image_generation_model":
                if theirs[key] is not None:
                    model = held(holder, key)
                    check_model(dump, name, theirs[key], model if name in ready else spec.params[key])
            elif not says_the_same(theirs, key, held(holder, key)):
                assert is_told(dump, name, key), f"{name}.{key}: {theirs[key]!r} became {held(holder, key)!r}"


def held(holder: Any, key: str) -> Any:
    return holder.get(key) if isinstance(holder, dict) else getattr(holder, key, None)


def says_the_same(theirs: dict[str, Any], key: str, ours: Any) -> bool:
    """Whether the value in the file is the one that is here, or one that nobody set and that says nothing."""
    value, defaults = theirs[key], defaults_of(theirs["type_info"]["name"])
    if value in (plain(ours), [ours]):
        return True
    return bool(key in defaults and defaults[key] == value and (not ours or not value))


def plain(value: Any) -> Any:
    """As a file has it: keys are texts, and there are no tuples."""
    if isinstance(value, dict):
        return {str(key): plain(one) for key, one in value.items()}
    return list(map(plain, value)) if isinstance(value, (list, tuple)) else value


TRANSLATED = {
    "endpoint": "base_url",
    "max_concurrent_requests": "max_concurrency",
}
AN_ADDRESS = {"base_url", "host", "endpoint"}
SAMPLING = {"stop_sequences": "stop", "num_predict": "max_new_tokens"}
FOR_TOKENIZERS = {"tokenizer", "tokenizer_id", "tokenizer_revision"}


def check_model(dump: Dump, step: str, theirs: dict[str, Any], ours: Any) -> None:
    """A model has all that was said of it, by this name or that of OpenAI's protocol, or a note says it was left out."""
    use = ours["use"] if isinstance(ours, dict) else type(ours).__name__
    assert use == theirs["type_info"]["name"]
    is_served = use in {provider.class_name for provider in PROVIDERS}
    for key in theirs.keys() - {"type_info"}:
        value, now = theirs[key], held(ours, TRANSLATED.get(key, key) if is_served else key)
        if isinstance(value, dict) and "type_info" in value:
            check_model(dump, step, value, now)
        elif isinstance(now, list) and now and (isinstance(now[0], LLM) or (isinstance(now[0], dict) and "use" in now[0])):
            for at, one in enumerate(now):
                check_model(dump, step, value[str(at)], one)
        elif key == "generation_kwargs":
            check_sampling(dump, step, value, now)
        elif key == "structured_output" and value:
            assert now is not None
            assert now["schema"] == value["schema"]
            assert value.get("format") in (None, now["format"])
        elif key in AN_ADDRESS and value and is_served:
            llm = ours if isinstance(ours, LLM) else LLM.model_validate(ours)
            assert llm.endpoint.startswith(value.removesuffix("/v1"))
        elif key == "magpie_pre_query_template" and value:
            assert now in ("llama3", "qwen2")
        elif not says_the_same(theirs, key, now) and not (key in FOR_TOKENIZERS and value == theirs.get("model_id", value)):
            assert is_told(dump, step, key), f"{step}: {key} of the model: {value!r} became {now!r}"


def check_sampling(dump: Dump, step: str, theirs: dict[str, Any], ours: dict[str, Any] | None) -> None:
    for key, value in {**theirs, **theirs.get("options", {})}.items():
        if key != "options":
            assert (ours or {}).get(SAMPLING.get(key, key)) == value or is_told(dump, step, key), key


def test_the_rows_and_the_packages_that_a_file_lacks_are_told() -> None:
    notes = {dump.name: " ".join(dump.understood.notes) for dump in DUMPS}

    assert "enter them in `data`" in notes["columns"]
    assert "tabulate==0.9.0" in notes["columns"]
