"""The way to an endpoint: several keys, several steps, fixed limits, and a server that goes away and comes back."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest

from flows.engine import breaker, gate, silence
from flows.engine.engine import LAST_REPLIES_S, Engine
from flows.engine.gate import Gate
from flows.engine.not_sent import NotSent
from flows.engine.notices import Notice
from steps.errors import AuthFailed, EndpointDown, NetworkFailed, RateLimited
from steps.llms.base import Request
from steps.llms.openai_llm import OpenAILLM
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import Restartable, running
from tests.flows.engine.running import Result, Watcher, run_steps
from tests.steps.llms.serving import loaded_at


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(breaker, "FIRST_PAUSE_S", 0.1)
    monkeypatch.setattr(silence, "LONGEST_LESSON_S", 0.1)


def question(number: int) -> Request:
    return Request([{"role": "user", "content": f"question {number:03d}"}])


async def ask_all(way: Gate, llm: OpenAILLM, rows: int) -> list[Any]:
    caller = way.caller(llm)
    return await asyncio.gather(*(way.send(caller, question(i)) for i in range(rows)), return_exceptions=True)


class Listening(list[Notice]):
    """What a gate tells."""

    @property
    def kinds(self) -> list[str]:
        return [notice.kind for notice in self]


# ---- several keys
async def test_requests_are_shared_out_among_the_keys() -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.02))
    with running(fake) as url:
        async with loaded_at(url, api_key=["key-a", "key-b"], max_concurrency=8) as llm:
            await ask_all(Gate(llm.endpoint), llm, 40)

    assert fake.stats.by_key == {"key-a": 20, "key-b": 20}
    assert fake.stats.peak_in_flight == 8


async def test_each_key_has_a_limit_of_its_own() -> None:
    fake = FakeOpenAI(Behaviour(requests_per_s=0.001, burst=10))
    with running(fake) as url:
        async with loaded_at(url, api_key=["key-a", "key-b"]) as llm:
            answers = await asyncio.wait_for(ask_all(Gate(llm.endpoint), llm, 20), 20)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert fake.stats.by_status[200] == 20  # one key alone gets ten in a quarter of an hour


async def test_a_request_that_one_key_may_not_make_is_made_with_another() -> None:
    fake = FakeOpenAI(Behaviour(requests_per_s=0.001, burst=10))
    with running(fake) as url:
        async with loaded_at(url, api_key="key-a") as one, loaded_at(url, api_key=["key-a", "key-b"]) as both:
            way = Gate(one.endpoint)
            await ask_all(way, one, 8)
            answers = await asyncio.wait_for(ask_all(way, both, 12), 20)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert fake.stats.by_status[429] > 0  # told to come again in a quarter of an hour: with key-a


async def test_a_key_that_is_refused_is_given_up_with_one_warning_and_the_others_go_on() -> None:
    fake, heard = FakeOpenAI(Behaviour(refused_keys=("key-bad",), latency_s=0.01)), Listening()
    with running(fake) as url:
        async with loaded_at(url, api_key=["key-bad", "key-good"], max_concurrency=4) as llm:
            answers = await ask_all(Gate(llm.endpoint, heard.append), llm, 40)

    assert not [answer for answer in answers if isinstance(answer, Exception)]
    assert fake.stats.by_key["key-bad"] <= 4
    assert heard.kinds == ["warning"]
    assert "api_key[0]" in heard[0].text
    assert "key-bad" not in heard[0].text


async def test_when_no_key_is_left_the_error_names_them_all_and_shows_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_A", "secret-a")
    monkeypatch.setenv("KEY_B", "secret-b")
    with running(FakeOpenAI(Behaviour(refused_keys=("secret-a", "secret-b")))) as url:
        async with loaded_at(url, api_key=["${KEY_A}", "${KEY_B}"]) as llm:
            way = Gate(llm.endpoint)
            answers = await ask_all(way, llm, 10)

    assert {type(answer) for answer in answers} == {AuthFailed}
    assert all("$KEY_A, $KEY_B" in str(answer) and "secret" not in str(answer) for answer in answers)
    assert way.is_dead


async def test_a_step_whose_only_key_another_step_lost_does_not_wait_for_ever() -> None:
    with running(FakeOpenAI(Behaviour(refused_keys=("key-bad",)))) as url:
        async with loaded_at(url, api_key=["key-bad", "key-good"]) as one, loaded_at(url, api_key="key-bad") as other:
            way = Gate(one.endpoint)
            asked = ask_all(way, one, 5), ask_all(way, other, 5)
            answers = await asyncio.wait_for(asyncio.gather(*asked), 10)

    assert {type(answer) for answer in answers[1]} == {AuthFailed}


# ---- several steps
@pytest.mark.parametrize("keys", [["key-a"], ["key-a", "key-b"]], ids=["one-key", "two-keys"])
async def test_each_step_holds_to_its_own_max_concurrency_and_all_together_to_the_largest(keys: list[str]) -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.05))
    with running(fake) as url:
        fields: dict[str, Any] = {"api_key": keys}
        async with loaded_at(url, max_concurrency=2, **fields) as small, loaded_at(url, max_concurrency=6, **fields) as large:
            way = Gate(small.endpoint)
            few, many = way.caller(small), way.caller(large)
            await asyncio.gather(*(way.send(few, question(i)) for i in range(10)))
            alone = fake.stats.peak_in_flight
            await asyncio.gather(*(way.send(caller, question(i)) for i in range(40) for caller in (few, many)))

    assert alone == 2
    assert fake.stats.peak_in_flight == 6


async def test_a_small_step_gets_its_turn_beside_a_large_one() -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.02))
    with running(fake) as url:
        async with loaded_at(url, max_concurrency=4) as large, loaded_at(url, max_concurrency=4) as small:
            way = Gate(large.endpoint)
            crowd = asyncio.ensure_future(ask_all(way, large, 200))
            await asyncio.sleep(0.1)
            await ask_all(way, small, 4)
            is_still_busy = not crowd.done()
            await crowd

    assert is_still_busy


# ---- fixed limits
async def test_requests_per_minute_are_kept() -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        async with loaded_at(url, requests_per_minute=1200) as llm:  # 20 a second, 20 at once
            begin = time.monotonic()
            await ask_all(Gate(llm.endpoint), llm, 40)
            span_s = time.monotonic() - begin

    assert span_s > 0.9
    assert fake.stats.requests == 40


async def test_tokens_per_minute_are_kept_by_what_replies_really_use() -> None:
    fake = FakeOpenAI(Behaviour(reply=" ".join(["word"] * 98)))  # and two of the prompt
    with running(fake) as url:
        async with loaded_at(url, tokens_per_minute=120_000, generation_kwargs={"max_new_tokens": 500}) as llm:
            begin = time.monotonic()
            await asyncio.wait_for(ask_all(Gate(llm.endpoint), llm, 60), 10)  # with 500 tokens each it would take 15 s
            span_s = time.monotonic() - begin

    assert span_s > 1.8  # 6000 tokens, 2000 a second, 2000 at once


# ---- a server that goes away
def ask(folder: Path, url: str, rows: int, during: Any = None, pool: str = "async", **llm: Any) -> Result:
    data = [{"instruction": f"question {i:03d}"} for i in range(rows)]
    model = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", **llm}
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "pool": pool, "with": {"llm": model}},
    ]
    return run_steps(folder, steps, during=during, in_threads=pool == "async", devices=("0",))


def watcher_of(engine: Engine) -> Watcher:
    assert isinstance(engine.observer, Watcher)
    return engine.observer


def restarting(server: Restartable, after: int) -> Any:
    """Stops the server when so many rows are made, and starts it again when the run waits for it."""

    async def restart(engine: Engine) -> None:
        while engine.counts["answer"].made < after:
            await asyncio.sleep(0.005)
        await asyncio.to_thread(server.stop)
        while not watcher_of(engine).waited:
            await asyncio.sleep(0.005)
        await asyncio.sleep(0.3)
        server.start()

    return restart


@pytest.mark.parametrize("max_retries", [2, 6])
@pytest.mark.parametrize("pool", ["async", "gpu"])
def test_a_server_that_is_restarted_in_mid_run_costs_no_row(tmp_path: Path, pool: str, max_retries: int) -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.05))
    with Restartable(fake) as server:
        llm = {"max_concurrency": 16, "max_retries": max_retries}
        result = ask(tmp_path, server.url, 200, during=restarting(server, 60), pool=pool, **llm)

    waited, said = watcher_of(result.engine).waited, [text for _, text in result.said]
    lost = fake.stats.requests - fake.stats.by_status[200]
    assert (len(result.only), result.failures) == (200, [])
    assert len(said) == 2
    assert waited == [said[0], ""]
    assert said[0].startswith(f"waiting for {server.url}/v1: it does not answer")
    assert "answers again" in said[1]
    assert fake.stats.by_status[200] == 200
    assert lost <= 16
    assert max(fake.stats.by_prompt.values()) <= 2


def test_a_run_that_waits_for_its_server_stops_at_once(tmp_path: Path) -> None:
    async def stop(engine: Engine) -> None:
        while engine.counts["answer"].made < 20:
            await asyncio.sleep(0.005)
        await asyncio.to_thread(server.stop)
        while not watcher_of(engine).waited:
            await asyncio.sleep(0.005)
        engine.stop()
        await asyncio.wait_for(engine._over.wait(), LAST_REPLIES_S / 2)  # there are no replies to wait for

    with Restartable(FakeOpenAI(Behaviour(latency_s=0.02))) as server:
        result = ask(tmp_path, server.url, 200, during=stop, max_concurrency=8)

    assert 20 <= len(result.only) < 200
    assert result.failures == []


def test_a_server_that_stays_away_ends_the_run_with_what_to_do(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(breaker, "PATIENCE_S", 0.5)

    async def stop_server(engine: Engine) -> None:
        while engine.counts["answer"].made < 20:
            await asyncio.sleep(0.005)
        await asyncio.to_thread(server.stop)

    server = Restartable(FakeOpenAI(Behaviour(latency_s=0.02)))
    with server, pytest.raises(EndpointDown, match="has not answered for") as caught:
        ask(tmp_path, server.url, 200, during=stop_server, max_concurrency=8)

    assert "start the server" in caught.value.fix


async def test_a_server_that_was_never_there_is_not_waited_for() -> None:
    heard = Listening()
    async with loaded_at(Restartable(FakeOpenAI()).url, max_retries=1) as llm:
        answers = await ask_all(Gate(llm.endpoint, heard.append), llm, 3)

    assert {type(answer) for answer in answers} == {EndpointDown}
    assert heard == []


async def test_failures_before_an_outage_do_not_count_after_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FIRST_PAUSE_S", 0.5)
    fake, heard = FakeOpenAI(Behaviour(rules=[Rule("question 000", Fault.SERVER_ERROR, times=2)])), Listening()
    server = Restartable(fake)
    with server:
        async with loaded_at(server.url, max_retries=1) as llm:
            way = Gate(llm.endpoint, heard.append)
            asked = asyncio.ensure_future(ask_all(way, llm, 1))
            while not fake.stats.by_status[500]:
                await asyncio.sleep(0.005)
            await asyncio.to_thread(server.stop)
            while not heard:
                await asyncio.sleep(0.005)
            server.start()
            [answer] = await asked

    assert answer.texts == ["echo: question 000"]
    assert heard.kinds == ["waiting", "over"]


async def test_requests_that_are_not_answered_are_given_up_one_by_one_and_nothing_waits_for_them() -> None:
    fake, heard = FakeOpenAI(Behaviour(rules=[Rule("question 003", Fault.HANG)])), Listening()
    with running(fake) as url:
        async with loaded_at(url, max_retries=1, timeout=0.2) as llm:
            answers = await ask_all(Gate(llm.endpoint, heard.append), llm, 10)

    assert [at for at, answer in enumerate(answers) if isinstance(answer, NetworkFailed)] == [3]
    assert heard == []


async def test_held_requests_end_when_the_run_does() -> None:
    server, heard = Restartable(FakeOpenAI()), Listening()
    server.start()
    async with loaded_at(server.url) as llm:
        way = Gate(llm.endpoint, heard.append)
        await ask_all(way, llm, 1)
        server.stop()
        asked = asyncio.ensure_future(ask_all(way, llm, 5))
        while not heard:
            await asyncio.sleep(0.005)
        way.drain()
        answers = await asyncio.wait_for(asked, 2)

    assert {type(answer) for answer in answers} <= {NotSent}


async def test_a_server_that_fails_and_names_a_time_is_left_alone_so_long() -> None:
    rules = [Rule("question 000", Fault.OVERLOADED, times=1, retry_after="0.4")]
    fake = FakeOpenAI(Behaviour(rules=rules))
    with running(fake) as url:
        async with loaded_at(url, max_retries=0) as llm:
            begin = time.monotonic()
            answers = await ask_all(Gate(llm.endpoint), llm, 1)

    assert answers[0].texts == ["echo: question 000"]
    assert time.monotonic() - begin > 0.4


async def test_a_refusal_for_a_day_is_said_at_once_and_not_waited_for_that_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REFUSING_S", 0.3)
    fake, heard = FakeOpenAI(Behaviour(rules=[Rule("", Fault.RATE_LIMITED, retry_after="86400")])), Listening()
    with running(fake) as url:
        async with loaded_at(url) as llm:
            answers = await asyncio.wait_for(ask_all(Gate(llm.endpoint, heard.append), llm, 3), 20)

    assert {type(answer) for answer in answers} == {EndpointDown}
    assert heard.kinds == ["waiting"]


async def test_a_server_that_refuses_everything_for_a_while_costs_no_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REFUSALS_PER_ROW", 3)
    fake = FakeOpenAI(Behaviour(rules=[Rule("", Fault.RATE_LIMITED, retry_after="0.01")]))
    with running(fake) as url:
        async with loaded_at(url) as llm:
            asked = asyncio.create_task(ask_all(Gate(llm.endpoint), llm, 3))
            while fake.stats.requests < 3 * 5:
                await asyncio.sleep(0.01)
            fake.behaviour = Behaviour()
            answers = await asyncio.wait_for(asked, 20)

    assert sorted(answer.texts[0] for answer in answers) == [f"echo: question 00{number}" for number in range(3)]


async def test_the_last_row_is_given_up_when_only_that_is_refused_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REFUSING_S", 0.3)
    fake = FakeOpenAI(Behaviour(rules=[Rule("question 001", Fault.RATE_LIMITED, retry_after="0.01")]))
    with running(fake) as url:
        async with loaded_at(url) as llm:
            answers = await asyncio.wait_for(ask_all(Gate(llm.endpoint), llm, 2), 20)

    assert answers[0].texts == ["echo: question 000"]
    assert isinstance(answers[1], RateLimited)


async def test_a_row_that_is_refused_while_others_get_replies_is_given_up_in_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "REFUSALS_PER_ROW", 1)
    monkeypatch.setattr(gate, "REFUSED_S", 0.2)
    fake = FakeOpenAI(Behaviour(latency_s=0.02, rules=[Rule("question 001", Fault.RATE_LIMITED, retry_after="0.01")]))
    with running(fake) as url:
        async with loaded_at(url, max_concurrency=4) as llm:
            answers = await asyncio.wait_for(ask_all(Gate(llm.endpoint), llm, 300), 40)

    assert [number for number, answer in enumerate(answers) if isinstance(answer, RateLimited)] == [1]
    assert fake.stats.by_status[200] == 299


async def test_a_request_that_was_refused_does_not_wait_for_all_that_came_after_it() -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.01, rules=[Rule("question 000", Fault.RATE_LIMITED, times=1, retry_after="0.01")]))
    done: list[int] = []
    with running(fake) as url:
        async with loaded_at(url, max_concurrency=1) as llm:
            way = Gate(llm.endpoint)
            caller = way.caller(llm)

            async def ask(number: int) -> None:
                await way.send(caller, question(number))
                done.append(number)

            await asyncio.gather(*(ask(number) for number in range(50)))

    assert len(done) == 50
    assert done.index(0) < 45


async def test_a_connection_that_leads_to_nobody_during_an_outage_counts_against_no_row() -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.05))
    with Restartable(fake) as server:
        async with loaded_at(server.url, max_retries=0, max_concurrency=4) as llm:
            way = Gate(llm.endpoint)
            await ask_all(way, llm, 1)
            server.stop()
            asked = asyncio.create_task(ask_all(way, llm, 10))
            await asyncio.sleep(0.05)
            balancer = await asyncio.start_server(lambda _, writer: writer.close(), "127.0.0.1", server.port)
            await asyncio.sleep(0.5)
            balancer.close()
            await balancer.wait_closed()
            server.start()
            answers = await asyncio.wait_for(asked, 30)

    lost = [answer for answer in answers if isinstance(answer, Exception)]
    assert not lost
