"""`distilflow check`: one tiny request to each model of a pipeline, against servers that speak as the providers do."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from benchmarks.providers import surroundings
from flows.checking import Checked, check_models, not_asked, total_cost
from flows.plan import Plan, plan
from flows.spec import spec_from
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.providers import NO_MODEL, FakeProviders
from tests.fakes.providers.painters import BAD_KEY as PAINTERS_BAD_KEY
from tests.fakes.providers.painters import FakeOpenAIImages
from tests.fakes.serving import running
from tests.flows.commands import Commands

BAD_KEY = "${DISTILFLOW_BAD_KEY}"
Task = dict[str, Any]


@pytest.fixture
def providers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FakeProviders]:
    with surroundings(tmp_path_factory.mktemp("providers")) as found:
        yield found


def write(name: str, **llm: Any) -> Task:
    return {"name": name, "use": "TextGeneration", "after": "load", "with": {"llm": llm}}


def classify(name: str, **llm: Any) -> Task:
    labels = {"available_labels": ["good", "bad"], "llm": llm, "use_default_structured_output": True}
    return {"name": name, "use": "TextClassification", "after": "load", "with": labels}


def steps(*tasks: Task) -> list[dict[str, Any]]:
    rows = [{"instruction": "hi", "text": "hi"}]
    return [{"name": "load", "use": "LoadDataFromDicts", "with": {"data": rows}}, *tasks]


def planned(*tasks: Task) -> Plan:
    return plan(spec_from({"distilflow": 1, "name": "checked", "steps": steps(*tasks)})[0])


def check(*tasks: Task) -> list[Checked]:
    return check_models(planned(*tasks))


def test_no_key_is_named_where_the_server_answers_without_one(
    providers: FakeProviders, monkeypatch: pytest.MonkeyPatch
) -> None:
    for variable in ("VLLM_API_KEY", "OPENAI_API_KEY"):
        monkeypatch.delenv(variable, raising=False)

    with running(FakeOpenAI()) as url:
        [keyless] = check(write("a", use="OpenAILLM", model="mock", base_url=f"{url}/v1"))
        monkeypatch.setenv("OPENAI_API_KEY", "some-key")
        [keyed] = check(write("a", use="OpenAILLM", model="mock", base_url=f"{url}/v1"))

    assert [(one.is_usable, one.key) for one in (keyless, keyed)] == [(True, ""), (True, "$OPENAI_API_KEY")]


def test_the_address_of_a_server_alone_is_told_where_it_answers(providers: FakeProviders) -> None:
    with running(FakeOpenAI()) as url:
        [bare] = check(write("a", use="OpenAILLM", model="mock", base_url=url))
        [wrong] = check(write("a", use="OpenAILLM", model="mock", base_url=f"{url}/elsewhere"))

    assert (bare.code, bare.fix) == (
        "model-not-found",
        f"write {url}/v1, where it answers, into base_url, or behind the @ of --llm",
    )
    assert (wrong.code, wrong.fix) == ("model-not-found", "check `model` and `base_url` (most servers want it to end in /v1)")


def paint(url: str, **model: Any) -> Task:
    made = {"use": "OpenAIImageGeneration", "model": "gpt-image-1", "base_url": f"{url}/v1", **model}
    return {
        "name": "paint",
        "use": "ImageGeneration",
        "after": "load",
        "with": {"image_generation_model": made},
        "input_mappings": {"prompt": "instruction"},
    }


def test_a_model_for_vectors_is_asked_for_one_and_one_for_pictures_is_looked_up(providers: FakeProviders) -> None:
    vectors = {"embeddings": {"use": "MistralEmbeddings", "model": "some-model"}}
    server = FakeOpenAIImages()
    with running(server) as url:
        made = planned({"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": vectors}, paint(url))
        found = check_models(made)

    assert [(one.steps, one.is_usable, one.is_known) for one in found] == [(["embed"], True, True), (["paint"], True, True)]
    assert "no picture was asked for" in found[1].note
    assert (server.bodies, not_asked(made), found[1].cost) == ([], [], 0.0)


@pytest.mark.parametrize(
    ("model", "code", "said"),
    [
        ({"model": "gpt-imag-1"}, "model-not-found", "does not list the model 'gpt-imag-1'"),
        ({"api_key": "${PAINTERS_KEY}"}, "auth-failed", "refuses the key"),
    ],
)
def test_a_model_for_pictures_that_cannot_be_used_is_found_out_for_nothing(
    model: dict[str, str], code: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PAINTERS_KEY", PAINTERS_BAD_KEY)
    server = FakeOpenAIImages()
    with running(server) as url:
        [found] = check_models(planned(paint(url, **model)))

    assert (found.code, server.bodies) == (code, [])
    assert said in found.said
    assert PAINTERS_BAD_KEY not in found.said


def test_of_a_server_that_lists_no_models_it_is_said_that_nothing_is_known(tmp_path: Path) -> None:
    with running(FakeOpenAIImages(has_list=False)) as url:
        [found] = check_models(planned(paint(url)))
        commands = Commands(tmp_path)
        ended = commands("check", commands.write(steps(paint(url))))

    assert (found.is_usable, found.is_known) == (True, False)
    assert "the first picture of the run shows it" in " ".join(ended.out.split())
    assert "as far as their servers say" in " ".join(ended.out.split())
    assert ended.code == 0


def test_what_can_only_be_tried_for_money_is_named_and_not_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_x")
    made = planned(paint("http://localhost:9", use="InferenceEndpointsImageGeneration", model=""))

    assert check_models(made) == []
    [left] = not_asked(made)
    assert "a picture costs as much as any other" in left.why


@pytest.mark.parametrize(("model", "code"), [({"model": NO_MODEL}, "model-not-found"), ({"api_key": BAD_KEY}, "auth-failed")])
def test_what_is_wrong_with_a_model_for_vectors_is_told(providers: FakeProviders, model: dict[str, str], code: str) -> None:
    vectors = {"embeddings": {"use": "CohereEmbeddings", "model": "some-model", **model}}

    [one] = check({"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": vectors})

    assert (one.is_usable, one.code) == (False, code)


def test_each_model_is_asked_once_whatever_number_of_steps_ask_it(providers: FakeProviders) -> None:
    groq = {"use": "GroqLLM", "model": "some-model"}
    found = check(
        write("a", **groq), write("b", **groq, generation_kwargs={"max_new_tokens": 900}), write("c", use="RehearsalLLM")
    )

    [one] = found
    assert (one.is_usable, one.steps, one.key) == (True, ["a", "b"], "$GROQ_API_KEY")
    assert one.seconds is not None
    [seen] = providers.requests("groq")
    assert seen.body["max_completion_tokens"] == 16


def test_what_is_wrong_is_told_of_all_models_at_once_with_what_to_do(providers: FakeProviders) -> None:
    found = check(
        write("a", use="MistralLLM", model="some-model"),
        write("b", use="MistralLLM", model="some-model", api_key=BAD_KEY),
        write("c", use="AnthropicLLM", model=NO_MODEL),
        write("d", use="ClientvLLM", model="m", base_url="http://127.0.0.1:9/v1"),
    )

    by_step = {one.steps[0]: one for one in found}
    assert {step: one.code for step, one in by_step.items()} == {
        "a": "", "b": "auth-failed", "c": "model-not-found", "d": "unreachable",
    }  # fmt: skip
    assert "DISTILFLOW_BAD_KEY" in by_step["b"].fix
    assert all(one.fix for one in found if not one.is_usable)
    assert len(providers.requests("mistral")) == 2


def test_every_key_of_a_model_is_tried(providers: FakeProviders) -> None:
    found = check(write("a", use="GroqLLM", model="some-model", api_key=["${GROQ_API_KEY}", BAD_KEY]))

    assert [(one.key, one.code) for one in found] == [("$GROQ_API_KEY", ""), ("$DISTILFLOW_BAD_KEY", "auth-failed")]
    assert len(providers.requests("groq")) == 2


def test_the_members_of_a_mixture_are_checked_each(providers: FakeProviders) -> None:
    members = [{"use": "MistralLLM", "model": "some-model"}, {"use": "GroqLLM", "model": "some-model"}]
    mixture = {"aggregator_llm": {"use": "OpenAILLM", "model": "some-model"}, "proposers_llms": members}

    found = check(write("a", use="MixtureOfAgentsLLM", **mixture))

    assert sorted(one.endpoint.split("/")[2] for one in found) == ["api.groq.com", "api.mistral.ai", "api.openai.com"]
    assert all(one.is_usable and one.steps == ["a"] for one in found)
    assert len(providers.seen) == 3


@pytest.mark.parametrize(("use", "said"), [("OpenAILLM", "yes"), ("AnthropicLLM", "yes"), ("DeepSeekLLM", "no")])
def test_where_a_step_wants_json_the_model_is_asked_for_it(providers: FakeProviders, use: str, said: str) -> None:
    [one] = check(classify("a", use=use, model="some-model"))

    assert (one.is_usable, one.json) == (True, said)
    assert len(providers.seen) == 2


def test_a_server_that_refuses_schemas_can_be_used_and_that_is_said() -> None:
    with running(FakeOpenAI(Behaviour(refused_formats=["json_schema"]))) as url:
        [one] = check(classify("a", use="OpenAILLM", model="m", base_url=f"{url}/v1"))

    assert (one.is_usable, one.json) == (True, "refused")
    assert "steps ask without" in one.note


def test_a_model_that_thinks_until_its_few_tokens_are_gone_can_be_used() -> None:
    def nothing(messages: Any, choice: int, model: str) -> str:
        return " "

    with running(FakeOpenAI(Behaviour(reply=nothing, reasoning_tokens=16))) as url:
        [one] = check(write("a", use="OpenAILLM", model="m", base_url=f"{url}/v1"))

    assert (one.is_usable, one.note) == (True, "it answered without a text")
    assert one.usage.output_tokens == 16


def test_what_it_cost_is_told_and_nothing_is_kept(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    with running(FakeOpenAI()) as url:
        price = {"input": 1_000_000, "output": 0}
        [one] = check(write("a", use="OpenAILLM", model="m", base_url=f"{url}/v1", price=price))

    assert total_cost([one]) == one.usage.input_tokens > 0
    assert total_cost([one, Checked("m", "e", ["b"], cost=None)]) is None
    assert list(tmp_path.iterdir()) == []


# ---- on the command line
def test_models_that_can_be_used_are_0(commands: Commands) -> None:
    with running(FakeOpenAI()) as url:
        ended = commands("check", commands.write(steps(write("a", use="OpenAILLM", model="m", base_url=f"{url}/v1"))))

    assert ended.code == 0, ended.err
    assert ended.out.splitlines()[-1] == "Asked 1 model for free: all can be used."


def test_a_model_that_cannot_be_used_is_1_and_says_what_to_do(commands: Commands) -> None:
    fake = FakeOpenAI(Behaviour(rules=[Rule("", Fault.UNAUTHORIZED)]))
    with running(fake) as url:
        ended = commands("check", commands.write(steps(write("a", use="OpenAILLM", model="m", base_url=f"{url}/v1"))))

    assert ended.code == 1
    assert "[auth-failed]" in ended.out
    assert "  Fix: set $OPENAI_API_KEY" in ended.out
    assert "Traceback" not in ended.out + ended.err


def test_a_problem_of_the_pipeline_comes_first_and_nothing_is_asked(commands: Commands) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        wrong = write("a", use="OpenAILLM", model="m", base_url=f"{url}/v1", colour="red")
        ended = commands("check", commands.write(steps(wrong)))

    assert ended.code == 2
    assert "colour" in ended.err
    assert fake.stats.requests == 0


def test_a_pipeline_that_asks_no_server_is_0(commands: Commands) -> None:
    ended = commands("check", commands.write(steps(write("a", use="RehearsalLLM"))))

    assert (ended.code, ended.out.strip()) == (0, "No model is asked over the network.")


def test_a_model_that_is_loaded_in_a_run_is_told_and_left_alone(commands: Commands) -> None:
    own = write("a", use="tests.flows.engine.own_models:NotToBeLoaded")
    ended = commands("check", commands.write(steps(own)))

    assert ended.code == 0, ended.err
    assert "Not asked: 'none' of a: this machine computes it" in ended.out
