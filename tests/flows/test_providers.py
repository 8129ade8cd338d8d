"""Every provider × what can happen to a request, against servers that speak as the providers do (benchmarks/providers.py)."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_type_hints

import pytest
from aiohttp import web

from benchmarks.provider_vectors import Outcomes, vector_table, vector_trials
from benchmarks.providers import CASES, basis_table, provider_table, surroundings, table, trials
from flows.engine.keys import identity_of
from steps import embeddings, llms, registry
from steps.components import BadParameters
from steps.embeddings import MistralEmbeddings, OpenAIEmbeddings
from steps.embeddings.base import Embeddings
from steps.errors import AuthFailed, LLMError, ModelNotFound, ServerFailed
from steps.llms import InferenceEndpointsLLM
from steps.llms.base import LLM
from steps.llms.openai_llm import OpenAILLM
from steps.llms.server_llm import ServerLLM
from steps.providers import BY_CLASS, COMPATIBLE, EMBEDDERS, PROVIDERS, Provider, provider_at
from tests.fakes.providers import DIALECTS
from tests.fakes.providers import EMBEDDERS as PLAYED
from tests.fakes.serving import running

GUIDE = (Path(__file__).resolve().parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
SEEN_BY_TYPE_CHECKERS = set(re.findall(r"\w+", Path(str(llms.__file__)).read_text(encoding="utf-8").partition("else:")[0]))
CASES_PLAYED = ("unauthorized", "rate_limited", "too_long", "filtered", "failed", "unknown_model")
NAMES = [provider.name for provider in PROVIDERS]


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcomes]:
    """All of them at once: most of it is waiting."""
    folder = tmp_path_factory.mktemp("providers")
    with surroundings(folder) as providers:
        return {one.provider.name: one for one in trials(providers, folder)}


@pytest.mark.parametrize("name", NAMES)
def test_a_provider_is_asked_and_answers_as_it_should_in_every_case(outcomes: dict[str, Outcomes], name: str) -> None:
    assert dict(outcomes[name].faults) == {}
    assert set(outcomes[name].cells) == set(CASES)
    assert "?" not in outcomes[name].cells.values()


def test_the_guide_has_the_tables_as_they_are(outcomes: dict[str, Outcomes]) -> None:
    assert table([outcomes[name] for name in NAMES]) in GUIDE
    assert provider_table() in GUIDE
    assert basis_table() in GUIDE


def test_every_answer_that_is_stated_or_seen_says_where() -> None:
    played = [(name, case, getattr(dialect, case)) for name, dialect in DIALECTS.items() for case in CASES_PLAYED]
    without = [(name, case) for name, case, found in played if found and found.basis != "assumed" and not found.source]

    assert without == []


@pytest.fixture(scope="module")
def vectors(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Outcomes]:
    folder = tmp_path_factory.mktemp("vectors")
    with surroundings(folder) as providers:
        return {one.provider.name: one for one in vector_trials(providers, folder)}


@pytest.mark.parametrize("name", [provider.name for provider in EMBEDDERS.values()])
def test_a_provider_gives_vectors_as_it_should_in_every_case(vectors: dict[str, Outcomes], name: str) -> None:
    assert dict(vectors[name].faults) == {}
    assert "?" not in vectors[name].cells.values()


def test_the_guide_has_the_table_of_vectors_as_it_is(vectors: dict[str, Outcomes]) -> None:
    assert vector_table([vectors[provider.name] for provider in EMBEDDERS.values()]) in GUIDE


def test_those_that_give_vectors_are_played_by_servers_that_do() -> None:
    assert {provider.name for provider in EMBEDDERS.values()} == set(PLAYED)


@pytest.mark.parametrize("name", EMBEDDERS)
def test_a_row_has_a_class_for_vectors_that_can_be_imported_and_typed(name: str) -> None:
    made = registry.resolve(name, "embeddings")

    assert made is getattr(embeddings, name)
    assert issubclass(made, OpenAIEmbeddings)
    assert name in embeddings.__all__
    assert name == "OpenAIEmbeddings" or made.served_by is EMBEDDERS[name]
    assert name in re.findall(r"\w+", Path(str(embeddings.__file__)).read_text(encoding="utf-8").partition("else:")[0])


def test_vectors_got_by_one_class_are_found_by_another_at_the_same_server() -> None:
    one = MistralEmbeddings(model="mistral-embed", dimensions=256)
    other = OpenAIEmbeddings(model="mistral-embed", dimensions=256, base_url="https://api.mistral.ai/v1", inputs_per_request=7)

    assert identity_of(one) == identity_of(other)
    assert identity_of(one) != identity_of(MistralEmbeddings(model="mistral-embed"))


@pytest.mark.parametrize(
    ("use", "params", "said"),
    [
        ("TogetherEmbeddings", {"dimensions": 9}, "leaves no choice of `dimensions`"),
        ("OpenAIEmbeddings", {"base_url": "https://api.groq.com/openai/v1"}, "Groq has no vectors"),
        ("InferenceEndpointsEmbeddings", {}, "only endpoints do"),
    ],
)
def test_what_a_provider_does_not_offer_is_told_before_the_run(
    use: str, params: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("TOGETHER_API_KEY", "OPENAI_API_KEY", "GROQ_API_KEY", "HF_TOKEN"):
        monkeypatch.setenv(name, "some-key")

    assert said in str(Embeddings.model_validate({"use": use, "model": "m", **params}).problems())


def test_every_provider_is_played_by_a_server_that_speaks_like_it() -> None:
    assert set(NAMES) == set(DIALECTS)


@pytest.mark.parametrize("provider", PROVIDERS, ids=NAMES)
def test_a_row_has_a_class_that_can_be_imported_and_typed(provider: Provider) -> None:
    made = registry.resolve(provider.class_name, "llms")

    assert made is getattr(llms, provider.class_name)
    assert issubclass(made, ServerLLM)
    assert provider.class_name in llms.__all__
    assert provider.class_name == "OpenAILLM" or made.served_by is provider
    assert provider.class_name in SEEN_BY_TYPE_CHECKERS
    assert get_type_hints(made)["model"] is str


@pytest.mark.parametrize(
    ("url", "name"),
    [
        ("https://api.groq.com/openai/v1", "groq"),
        ("https://my.openai.azure.com/openai/v1", "azure"),
        ("https://europe-west4-aiplatform.googleapis.com/v1", "vertex"),
        ("https://api.openai.com/v1", "openai"),
        ("http://localhost:11434/v1", COMPATIBLE.name),
        ("https://llm.example.org/v1", COMPATIBLE.name),
        ("https://api.openai.com.example.org/v1", COMPATIBLE.name),
        ("nonsense", COMPATIBLE.name),
    ],
)
def test_an_address_tells_whose_protocol_it_is(url: str, name: str) -> None:
    assert provider_at(url).name == name
    assert OpenAILLM(model="m", base_url=url).provider.name == name


@pytest.mark.parametrize(
    ("use", "params", "url"),
    [
        ("GroqLLM", {}, "https://api.groq.com/openai/v1"),
        ("GroqLLM", {"base_url": "https://api.groq.com/"}, "https://api.groq.com/openai/v1"),
        ("GroqLLM", {"base_url": "https://proxy.example.org/groq"}, "https://proxy.example.org/groq"),
        ("MistralLLM", {"endpoint": "https://api.mistral.ai"}, "https://api.mistral.ai/v1"),
        ("OllamaLLM", {"host": "http://box:11434"}, "http://box:11434/v1"),
        ("ClientvLLM", {"base_url": "http://box:8000/v1", "tokenizer": "a/b"}, "http://box:8000/v1"),
    ],
)
def test_a_class_of_distilabel_finds_its_address_and_its_journal_is_that_of_the_address(
    use: str, params: dict[str, str], url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for provider in PROVIDERS:
        monkeypatch.delenv(provider.address_variable or "NONE", raising=False)
    llm = LLM.model_validate({"use": use, "model": "m", "generation_kwargs": {"temperature": 0.5}, **params})

    assert llm.endpoint == url
    assert identity_of(llm) == identity_of(OpenAILLM(model="m", base_url=url, generation_kwargs={"temperature": 0.5}))


def test_the_journal_key_of_an_openai_model_stays_what_it_was() -> None:
    assert identity_of(OpenAILLM(model="m")).hex() == "02cb62521f04ba3b5f6e0b24b3a60bd9"


@pytest.mark.parametrize(
    ("variable", "url"),
    [
        ("box", "http://box:11434/v1"),
        ("box:99", "http://box:99/v1"),
        ("http://box:99", "http://box:99/v1"),
        ("", "http://localhost:11434/v1"),
    ],
)
def test_the_variable_of_ollama_may_be_a_host_alone(variable: str, url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OLLAMA_HOST", variable)

    assert LLM.model_validate({"use": "OllamaLLM", "model": "m"}).endpoint == url


@pytest.mark.parametrize(
    ("use", "sampling", "said"),
    [
        ("GroqLLM", {"logprobs": True}, "Groq refuses 'logprobs'"),
        ("MistralLLM", {"logit_bias": {}}, "Mistral refuses 'logit_bias'"),
        ("AnthropicLLM", {"seed": 3}, "Anthropic refuses 'seed'"),
        ("OllamaLLM", {"options": {"num_ctx": 9}}, "Ollama refuses 'options'"),
        ("TogetherLLM", {"n": 3}, "generation_kwargs cannot set 'n'"),
    ],
)
def test_a_parameter_that_the_provider_refuses_is_told_before_the_run(
    use: str, sampling: dict[str, object], said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(BY_CLASS[use].key_variables[0], "some-key")
    llm = LLM.model_validate({"use": use, "model": "m", "generation_kwargs": sampling})

    [problem] = llm.problems()

    assert said in (problem if isinstance(problem, str) else problem[0])


def test_a_key_is_looked_for_where_the_provider_has_it(monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS:
        for name in provider.key_variables:
            monkeypatch.delenv(name, raising=False)
    gemini = LLM.model_validate({"use": "GeminiLLM", "model": "m"})

    assert "$GEMINI_API_KEY is not set" in str(list(gemini.problems()))
    monkeypatch.setenv("GOOGLE_API_KEY", "some-key")
    assert list(gemini.problems()) == []
    assert [account.name for account in gemini.accounts] == ["$GOOGLE_API_KEY"]


# ---- Inference Endpoints, by name
def playing_the_hub(status: int, answer: dict[str, object]) -> web.Application:
    async def tell(request: web.Request) -> web.Response:
        return web.json_response(answer, status=status)

    app = web.Application()
    app.router.add_get("/endpoint/{owner}/{name}", tell)
    return app


def endpoint(state: str, url: str | None) -> dict[str, object]:
    status = {"state": state, "url": url, "createdAt": "2026-01-01T00:00:00.000Z", "updatedAt": "2026-01-01T00:00:00.000Z"}
    return {
        "name": "mine",
        "type": "protected",
        "healthRoute": "/health",
        "model": {"repository": "a/b", "revision": None, "framework": "custom", "task": "text-generation"},
        "status": status,
    }


async def test_an_inference_endpoint_is_found_by_its_name(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "some-key")
    llm = InferenceEndpointsLLM(endpoint_name="mine", endpoint_namespace="me")
    with running(playing_the_hub(200, endpoint("running", "http://127.0.0.1:9"))) as hub:
        monkeypatch.setattr("huggingface_hub.constants.INFERENCE_ENDPOINTS_ENDPOINT", hub)
        before = llm.endpoint
        await llm.load()
        await llm.unload()

    assert (llm.address, llm.model_name) == ("http://127.0.0.1:9/v1", "mine")
    assert llm.endpoint == before  # limits and journal go by the name


@pytest.mark.parametrize(
    ("status", "answer", "error"),
    [
        (404, {"error": "not found"}, ModelNotFound),
        (401, {"error": "who are you"}, AuthFailed),
        (500, {"error": "broken"}, ServerFailed),
        (200, endpoint("paused", None), ServerFailed),
    ],
)
async def test_an_inference_endpoint_that_cannot_be_asked_is_told(
    status: int, answer: dict[str, object], error: type[LLMError], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", "some-key")
    with running(playing_the_hub(status, answer)) as hub:
        monkeypatch.setattr("huggingface_hub.constants.INFERENCE_ENDPOINTS_ENDPOINT", hub)
        with pytest.raises(error, match="mine") as caught:
            await InferenceEndpointsLLM(endpoint_name="mine", endpoint_namespace="me").load()

    assert caught.value.fix


@pytest.mark.parametrize("params", [{}, {"endpoint_name": "mine", "model_id": "a/b"}])
def test_which_model_is_asked_has_to_be_said_and_once(params: dict[str, str]) -> None:
    with pytest.raises(BadParameters):
        InferenceEndpointsLLM(**params)
