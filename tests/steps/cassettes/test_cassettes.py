"""Requests of one model, recorded and answered without a server."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from benchmarks.providers import surroundings
from steps.cassettes import NotRecorded, cassette
from steps.errors import ContextTooLong, LLMError, NetworkFailed, RateLimited, RunError, ServerFailed, Unreachable
from steps.llms.anthropic_llm import AnthropicLLM
from steps.llms.base import LLM, Completion
from steps.llms.lite_llm import LiteLLM
from steps.llms.openai_llm import OpenAILLM
from steps.llms.provider_llms import AzureOpenAILLM, GeminiLLM, InferenceEndpointsLLM
from steps.tasks import TextGeneration
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.providers.server import Prompt
from tests.fakes.serving import running
from tests.steps.cassettes.disguises import DISGUISES, KEYS, traces
from tests.steps.llms.serving import answering, asking

NOWHERE = "http://127.0.0.1:9"
KEY = KEYS["openai"]


def ask(llm: LLM, *prompts: str, **more: Any) -> list[Completion | LLMError]:
    """What it answers to each prompt, one after the other."""

    async def ask_all() -> list[Completion | LLMError]:
        await llm.load()
        found: list[Completion | LLMError] = []
        for prompt in prompts:
            try:
                found.append(await llm.complete(asking(prompt, **more)))
            except LLMError as error:
                found.append(error)
        await llm.unload()
        return found

    return asyncio.run(ask_all())


@pytest.fixture
def tape(tmp_path: Path) -> Path:
    return tmp_path / "tapes" / "answers.jsonl"


Record = Callable[..., list[Completion | LLMError]]


@pytest.fixture
def record(tape: Path) -> Record:
    def recorded(server: FakeOpenAI | web.Application, *prompts: str, key: str = KEY, **more: Any) -> Any:
        with running(server) as url, cassette(tape, "record"):
            llm = OpenAILLM(model="m", base_url=f"{url}/v1", api_key=key)
            record_url.append(url)
            return ask(llm, *prompts, **more)

    record_url: list[str] = []
    recorded.urls = record_url  # type: ignore[attr-defined]
    return recorded


def model(record: Any) -> OpenAILLM:
    """The model of then, whose server is gone, and without its key."""
    return OpenAILLM(model="m", base_url=f"{record.urls[-1]}/v1")


def lines(tape: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in tape.read_text().splitlines()]


def test_what_was_recorded_is_answered_without_server_and_key(record: Any, tape: Path) -> None:
    before = record(FakeOpenAI(), "a", "b", n=2)

    with cassette(tape):
        assert ask(model(record), "b", "a", n=2) == before[::-1]


def test_equal_requests_get_their_replies_in_order_and_no_more(record: Any, tape: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=lambda chat, at, name: f"reply {fake.stats.requests}"))
    before = record(fake, "a", "a")

    with cassette(tape):
        [one, two, three] = ask(model(record), "a", "a", "a")
    assert [one, two] == before
    assert before[0] != before[1]
    assert isinstance(three, NotRecorded)
    assert "has this request 2 times, and it is sent once more" in three.message


@pytest.mark.parametrize(
    ("fault", "kind"),
    [
        (Fault.RATE_LIMITED, RateLimited),
        (Fault.CONTEXT_LENGTH, ContextTooLong),
        (Fault.SERVER_ERROR, ServerFailed),
        (Fault.GARBAGE, ServerFailed),
        (Fault.DISCONNECT, NetworkFailed),
    ],
)
def test_errors_are_the_errors_of_then(record: Any, tape: Path, fault: Fault, kind: type[LLMError]) -> None:
    [before] = record(FakeOpenAI(Behaviour(rules=[Rule("", fault)])), "a")
    with cassette(tape):
        [again] = ask(model(record), "a")

    assert isinstance(again, kind)
    assert (type(again), again.message, again.fix) == (type(before), before.message, before.fix)


def test_nobody_waits_for_a_server_of_then(record: Any, tape: Path) -> None:
    [before] = record(FakeOpenAI(Behaviour(rules=[Rule("", Fault.RATE_LIMITED)])), "a")
    with cassette(tape):
        [again] = ask(model(record), "a")

    assert isinstance(again, RateLimited)
    assert before.retry_after_s > 0
    assert again.retry_after_s == 0


def test_a_server_that_was_not_there_is_not_there(tape: Path) -> None:
    llm = OpenAILLM(model="m", base_url=f"{NOWHERE}/v1")
    with cassette(tape, "record"):
        ask(llm, "a")
    with cassette(tape):
        [again] = ask(llm, "a")

    assert isinstance(again, Unreachable)
    assert "127.0.0.1:9" in again.message


def test_a_request_that_differs_is_refused_with_what_differs(record: Any, tape: Path) -> None:
    record(FakeOpenAI(), "Why does ice crack?", "Something else altogether, and longer.")
    with cassette(tape):
        other = model(record).model_copy(update={"generation_kwargs": {"temperature": 0.5}})
        [refused] = ask(other, "Why does ice float?")

    assert isinstance(refused, NotRecorded)
    assert refused.code == "not-recorded"
    assert f"{record.urls[-1]}/v1/chat/completions" in refused.message
    assert "messages[0].content: 'Why does ice crack?' was recorded, 'Why does ice float?' is sent" in refused.message
    assert "temperature: nothing was recorded, 0.5 is sent" in refused.message
    assert "record it anew" in refused.fix


def test_a_request_to_another_address_is_refused_with_those_that_are_known(record: Any, tape: Path) -> None:
    record(FakeOpenAI(), "a")
    with cassette(tape):
        [refused] = ask(OpenAILLM(model="m", base_url="http://127.0.0.1:1/v1"), "a")

    assert isinstance(refused, NotRecorded)
    assert f"it has POST {record.urls[-1]}/v1/chat/completions" in refused.message


@pytest.mark.parametrize("name", KEYS)
def test_no_key_is_in_the_file_however_a_server_echoes_it(record: Any, tape: Path, name: str) -> None:
    key = KEYS[name] if KEYS[name].isascii() else "odd&key/100%+<of>this+place"
    disguised = [disguise(key) for disguise in DISGUISES.values()]
    body = {"error": {"message": " or ".join(disguised), "seen": disguised, key: key}, "authorization": f"Bearer {key}"}
    headers = {"x-ratelimit-user": key, "set-cookie": f"key={key}", "retry-after": "1"}
    record(answering(401, body, headers=headers), f"my key is {key}", key=key.replace(" ", ""))

    written = tape.read_text()
    assert traces(written, key) == []
    assert "set-cookie" not in written
    assert "authorization: bearer" not in written.lower()
    assert lines(tape)[0]["answer"]["headers"]["retry-after"] == "1"


@pytest.mark.parametrize("encoding", ["utf-8-sig", "utf-16", "utf-16-le", "utf-32"])
def test_a_key_in_an_answer_in_other_unicode_is_taken_out_too(record: Any, tape: Path, encoding: str) -> None:
    said = json.dumps({"error": {"message": f"{'x ' * 5000}{KEY}", "code": "context_length_exceeded"}}).encode(encoding)

    async def handle(request: web.Request) -> web.Response:
        return web.Response(status=400, body=said)

    app = web.Application()
    app.router.add_route("*", "/{path:.*}", handle)
    [first] = record(app, "hi", key=KEY)

    written = tape.read_text()
    assert KEY not in written.replace("\\u0000", "")
    assert "***" in written
    with cassette(tape, "replay"):
        [again] = ask(model(record), "hi")
    assert isinstance(first, ContextTooLong)
    assert isinstance(again, ContextTooLong)


def test_keys_of_the_environment_are_taken_out_too(record: Any, tape: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OTHER_SERVICE_API_KEY", "a-key-of-another-service-0123")
    record(FakeOpenAI(), "I use a-key-of-another-service-0123")

    assert "a-key-of-another-service-0123" not in tape.read_text()


def test_a_new_recording_has_its_lines_in_the_same_order(record: Any, tape: Path) -> None:
    record(FakeOpenAI(), "c", "a", "b")
    first = [line["request"]["body"]["json"]["messages"] for line in lines(tape)]
    record(FakeOpenAI(), "b", "c", "a")

    assert [line["request"]["body"]["json"]["messages"] for line in lines(tape)] == first


def test_a_recording_that_breaks_off_leaves_the_one_before(record: Any, tape: Path) -> None:
    record(FakeOpenAI(), "a")
    before = tape.read_text()

    def fail(url: str) -> None:
        with cassette(tape, "record"):
            ask(OpenAILLM(model="m", base_url=f"{url}/v1"), "b")
            raise KeyError("a test that fails")

    with running(FakeOpenAI()) as url, pytest.raises(KeyError):
        fail(url)

    assert tape.read_text() == before
    assert list(tape.parent.iterdir()) == [tape]


def test_what_cannot_be_is_said(tape: Path) -> None:
    with pytest.raises(RunError, match="there is no cassette") as told, cassette(tape):
        pass
    assert "--record" in told.value.fix
    with pytest.raises(RunError, match="nothing was recorded"), cassette(tape, "record"):
        pass
    with pytest.raises(RunError, match="in already"), cassette(tape, "record"), cassette(tape, "record"):
        pass
    with pytest.raises(RunError, match="record or replay"), cassette(tape, "erase"):  # type: ignore[arg-type]
        pass


def test_a_line_that_is_none_is_named(tape: Path) -> None:
    tape.parent.mkdir()
    tape.write_text('{"request": {"method": "POST", "url": "u", "body": null}, "answer": {"status": 200}}\n\n{"oops": 1}\n')

    with pytest.raises(RunError, match="line 3 of the cassette"), cassette(tape):
        pass


def test_what_is_replayed_costs_nothing_and_needs_no_key(record: Any, tape: Path) -> None:
    record(FakeOpenAI(), "a")
    llm = OpenAILLM(model="gpt-4o-mini", base_url="https://api.openai.com/v1")
    assert llm.problems() != []
    with cassette(tape):
        price = llm.find_price()
        assert llm.problems() == []

    assert price is not None
    assert (price.input, price.output) == (0, 0)


def test_litellm_is_refused_since_it_sends_by_itself(tape: Path) -> None:
    with pytest.raises(RunError, match="pass no cassette"), cassette(tape, "record"):
        asyncio.run(LiteLLM(model="openai/gpt-4o-mini").load())


def test_an_endpoint_that_is_only_named_is_not_looked_up_while_a_cassette_is_in(record: Any, tape: Path) -> None:
    record(FakeOpenAI(), "a")
    llm = InferenceEndpointsLLM(endpoint_name="mine")
    assert "pass no cassette" not in str(llm.problems())
    with cassette(tape):
        assert "pass no cassette" in str(llm.problems())
        with pytest.raises(RunError, match="pass no cassette") as caught:
            asyncio.run(llm.load())

    assert "base_url" in caught.value.fix


def test_a_task_in_a_plain_test_needs_no_run(record: Any, tape: Path) -> None:
    record(FakeOpenAI(), "What is 2+2?")
    with cassette(tape):
        [row] = TextGeneration(llm=model(record)).process([{"instruction": "What is 2+2?"}])

    assert row["generation"] == "echo: What is 2+2?"


@pytest.mark.parametrize("kind", [AnthropicLLM, AzureOpenAILLM, GeminiLLM])
def test_every_protocol_is_recorded_as_it_travels(kind: Any, tape: Path, tmp_path: Path) -> None:
    prompts = ("say hi", str(Prompt.LONG), str(Prompt.WAIT), str(Prompt.WAIT))
    with surroundings(tmp_path) as providers:
        llm = kind(model="some-model")
        with cassette(tape, "record"):
            before = ask(llm, *prompts)
        sent = len(providers.seen)
        with cassette(tape):
            again = ask(llm, *prompts)
        assert len(providers.seen) == sent == 4

    assert [type(one) for one in again] == [type(one) for one in before]
    assert again[0] == before[0]
    assert again[3] == before[3]
    assert isinstance(again[1], ContextTooLong)
    assert isinstance(again[2], RateLimited)
    assert again[2].retry_after_s == 0


@pytest.mark.parametrize(
    "edit",
    [{"status": None}, {"status": "abc"}, {"headers": None}, {"headers": []}, {"body": "x"}, {"body": {"base64": "\u00fc"}}],
    ids=["no-status", "status", "no-headers", "headers", "body", "base64"],
)
def test_an_answer_that_was_edited_into_none_is_told_with_its_line(edit: dict[str, Any], tape: Path) -> None:
    request = {"method": "POST", "url": f"{NOWHERE}/v1/chat/completions", "body": {"json": {}}}
    answer = {"status": 200, "headers": {}, "body": {"json": {}}} | edit
    tape.parent.mkdir(parents=True)
    tape.write_text(json.dumps({"request": request, "answer": answer}))
    with pytest.raises(RunError, match="line 1 of the cassette"), cassette(tape):
        pass
