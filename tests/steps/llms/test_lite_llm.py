"""LiteLLM: with the package itself where it is installed; its retries stay off, and its errors are ours."""

from __future__ import annotations

from importlib.util import find_spec

import pytest

from steps.errors import AuthFailed, ContentFiltered, ContextTooLong, LLMError, RateLimited, ServerFailed
from steps.llms.lite_llm import LiteLLM
from tests.fakes.openai_server import FakeOpenAI, Fault
from tests.fakes.serving import running
from tests.steps.llms.serving import KEY, asking, failing

needs_litellm = pytest.mark.skipif(find_spec("litellm") is None, reason="litellm is not installed")
lenient = pytest.mark.filterwarnings("ignore")


@pytest.fixture
def key(monkeypatch: pytest.MonkeyPatch) -> str:
    monkeypatch.setenv("MY_KEY", KEY)
    return "${MY_KEY}"


def model(url: str, key: str, **fields: object) -> LiteLLM:
    return LiteLLM.model_validate({"model": "openai/m", "base_url": f"{url}/v1", "api_key": key, "timeout": 10, **fields})


@needs_litellm
@lenient
async def test_sampling_schema_and_replies_go_through(key: str) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        llm = model(url, key, generation_kwargs={"max_new_tokens": 20, "seed": 7})
        await llm.load()
        completion = await llm.complete(asking("hi", n=2, have=1, schema={"type": "object"}))

    assert len(completion.texts) == 2
    assert completion.usage.output_tokens > 0
    sent = fake.stats.last_request or {}
    assert (sent["max_tokens"], sent["seed"], sent["n"]) == (20, 8, 2)
    assert sent["response_format"]["json_schema"]["schema"] == {"type": "object"}


@needs_litellm
@lenient
@pytest.mark.parametrize(
    ("fault", "error"),
    [
        (Fault.RATE_LIMITED, RateLimited),
        (Fault.UNAUTHORIZED, AuthFailed),
        (Fault.CONTEXT_LENGTH, ContextTooLong),
        (Fault.CONTENT_FILTER, ContentFiltered),
        (Fault.SERVER_ERROR, ServerFailed),
        (Fault.DISCONNECT, LLMError),
    ],
)
async def test_an_error_is_one_of_ours_after_one_request(fault: Fault, error: type[LLMError], key: str) -> None:
    fake = failing(fault)
    with running(fake) as url:
        llm = model(url, key)
        await llm.load()
        with pytest.raises(error) as caught:
            await llm.complete(asking())

    assert fake.stats.requests == 1
    assert KEY not in str(caught.value)
    assert caught.value.retry_after_s == (1 if fault is Fault.RATE_LIMITED else None)


@pytest.mark.skipif(find_spec("litellm") is not None, reason="litellm is installed")
def test_a_missing_package_is_told_before_the_run() -> None:
    [problem] = LiteLLM(model="bedrock/x").problems()

    assert problem == ("LiteLLM needs `litellm`, which is not installed", "pip install 'distilflow[litellm]'")


def test_a_key_that_is_not_set_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("MY_KEY", raising=False)

    problems = LiteLLM.model_validate({"model": "bedrock/x", "api_key": "${MY_KEY}"}).problems()

    assert ("the key in $MY_KEY is not set", "set it: export MY_KEY=...") in problems


def test_models_of_one_provider_share_their_limits() -> None:
    one, other = LiteLLM(model="bedrock/a"), LiteLLM(model="bedrock/b")

    assert one.endpoint == other.endpoint == "litellm/bedrock"
