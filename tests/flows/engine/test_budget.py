"""A budget holds: what is spent never passes it, and as much as possible is made of it."""

from __future__ import annotations

import asyncio
import random
from pathlib import Path
from typing import Any

import pytest

from flows.engine.budget import FIRST_REQUESTS, Amount, Budget, Purpose, UsedUp, ceiling_of
from flows.engine.caps import Caps
from flows.engine.engine import Engine
from flows.engine.not_sent import NotSent
from flows.engine.options import RunOptions
from flows.engine.spread import Spread
from flows.engine.tally import Tally
from steps.errors import RunError, SpecError
from steps.llms import OpenAILLM
from steps.llms.base import Request
from steps.llms.prices import Price
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.engine.running import Result, own, run_steps

ASK = Purpose("answer", "m")
PRICE = {"input": 1000, "output": 10_000}
"""USD per million tokens, so that a few words are worth something."""


def spent_on(fake: FakeOpenAI) -> float:
    """What the server would charge."""
    return (fake.stats.input_tokens * PRICE["input"] + fake.stats.output_tokens * PRICE["output"]) / 1e6


def words(low: int, high: int, seed: int = 1) -> Any:
    """Replies of so many words, drawn anew for each."""
    rng = random.Random(seed)
    return lambda messages, choice, model: "word " * rng.randint(low, high)


def ask(folder: Path, url: str, rows: int = 200, in_threads: bool = True, **options: Any) -> Result:
    llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "max_retries": 1, "price": PRICE}
    llm |= options.pop("llm", {})
    data = [{"instruction": f"question {i:03d}"} for i in range(rows)]
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm}} | options.pop("answer", {}),
    ]
    return run_steps(folder, steps, in_threads=in_threads, **options)


# ---- in runs


@pytest.mark.parametrize("seed", range(4))
def test_a_run_stops_before_it_costs_more(tmp_path: Path, seed: int) -> None:
    fake = FakeOpenAI(Behaviour(reply=words(1, 40, seed), latency_s=0.005))
    with running(fake) as url:
        result = ask(tmp_path, url, max_cost=10.0)

    used = result.counts["answer"].usage
    assert result.engine.is_cut_short
    assert 8.5 < spent_on(fake) <= 10.0
    assert used.known_cost == pytest.approx(spent_on(fake))
    assert (used.requests, used.tokens) == (fake.stats.requests, fake.stats.input_tokens + fake.stats.output_tokens)
    assert len(result.only) == fake.stats.requests  # what was paid for is there
    assert result.engine.used_up is not None
    assert result.engine.used_up.option == "max_cost"
    assert result.engine.used_up.message.startswith("the budget of $10.00 is used up ($")


def test_a_used_up_budget_does_not_read_a_long_source_to_its_end(tmp_path: Path) -> None:
    with running(FakeOpenAI(Behaviour(reply=words(1, 40)))) as url:
        llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "price": PRICE}
        steps: list[dict[str, Any]] = [
            {"name": "load", "use": own("Numbers"), "with": {"rows": 300_000}},
            {
                "name": "answer",
                "use": "TextGeneration",
                "after": "load",
                "with": {"llm": llm, "template": "{{ i }}", "columns": ["i"]},
            },
            {"name": "add", "use": own("Add"), "after": "load"},
            {"name": "both", "use": "CombineOutputs", "after": ["answer", "add"]},
        ]
        result = run_steps(tmp_path, steps, max_cost=2.0)

    assert result.engine.used_up is not None
    assert result.counts["load"].made < 30_000
    assert result.counts["answer"].taken == result.counts["answer"].made == len(result.only)


def test_tokens_are_a_budget_too(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=words(1, 40), latency_s=0.005))
    with running(fake) as url:
        result = ask(tmp_path, url, max_tokens=1000)

    assert 850 < fake.stats.input_tokens + fake.stats.output_tokens <= 1000
    assert result.engine.used_up is not None
    assert result.engine.used_up.option == "max_tokens"
    assert "budget of 1,000 tokens is used up" in result.engine.used_up.message


@pytest.mark.parametrize("placed", [{}, {"pool": "process", "resources": {"replicas": 2}}], ids=["here", "workers"])
def test_replies_without_a_text_use_the_budget_up(tmp_path: Path, placed: dict[str, Any]) -> None:
    fake = FakeOpenAI(Behaviour(reply="", reasoning_tokens=50))
    with running(fake) as url:
        result = ask(tmp_path, url, in_threads=not placed, max_tokens=1000, answer=dict(placed))
        again = ask(tmp_path, url, in_threads=not placed, max_tokens=1000, answer=dict(placed))

    spent = fake.stats.input_tokens + fake.stats.output_tokens
    assert 500 < spent <= 1000
    assert result.engine.used.tokens == again.engine.used.tokens == spent
    assert result.engine.used_up is not None
    assert again.engine.used_up is not None


def test_resumed_with_the_same_budget_it_asks_nothing_and_with_a_higher_one_goes_on(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=words(1, 40), latency_s=0.005))
    with running(fake) as url:
        first = ask(tmp_path, url, max_cost=5.0)
        asked = fake.stats.requests
        again = ask(tmp_path, url, max_cost=5.0)
        assert (fake.stats.requests, len(again.only)) == (asked, len(first.only))
        assert again.engine.used_up == first.engine.used_up

        more = ask(tmp_path, url, max_cost=10.0)
        assert asked < fake.stats.requests == len(more.only)
        assert 8.5 < spent_on(fake) <= 10.0
        assert more.counts["answer"].usage.known_cost == pytest.approx(spent_on(fake))

        rest = ask(tmp_path, url)

    assert (len(rest.only), rest.engine.used_up, fake.stats.requests) == (200, None, 200)


def test_a_budget_that_is_enough_changes_nothing(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        result = ask(tmp_path, url, rows=20, max_cost=1000.0, max_tokens=10**9)

    assert (len(result.only), result.engine.used_up, result.engine.is_cut_short) == (20, None, False)


def test_before_the_first_reply_only_a_handful_leaves(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply="word " * 1000, latency_s=0.2))
    with running(fake) as url:
        ask(tmp_path, url, max_cost=0.01)  # one reply costs $10

    assert fake.stats.requests == FIRST_REQUESTS


def test_a_limit_on_replies_bounds_what_the_first_requests_may_cost(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply="word " * 1000, latency_s=0.1))
    with running(fake) as url:
        limited = ask(tmp_path / "a", url, max_cost=1.0, llm={"generation_kwargs": {"max_new_tokens": 20}})
        within = spent_on(fake)
        nothing = ask(tmp_path / "b", url, max_cost=0.1, llm={"generation_kwargs": {"max_new_tokens": 20}})

    assert 0.7 < within <= 1.0
    assert len(limited.only) == fake.stats.requests >= 4
    assert nothing.only == []  # a reply of 20 tokens alone costs $0.20
    assert nothing.engine.used_up is not None
    assert nothing.engine.used_up.message.startswith(
        "the budget of $0.10 is used up ($0 spent, the next request may cost $0.20"
    )


def test_attempts_that_fail_free_what_they_held(tmp_path: Path) -> None:
    rules = [Rule("3", Fault.SERVER_ERROR, times=1), Rule("7", Fault.CONTENT_FILTER)]
    fake = FakeOpenAI(Behaviour(rules=rules, reply=words(5, 5)))
    with running(fake) as url:
        result = ask(tmp_path, url, rows=60, max_cost=60 * 0.06)

    assert (len(result.only), len(result.failures), result.engine.used_up) == (54, 6, None)


def test_several_steps_share_the_budget(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=words(1, 40), latency_s=0.005))
    with running(fake) as url:
        llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "price": PRICE}
        data = [{"instruction": f"question {i:03d}"} for i in range(200)]
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {"name": "one", "use": "TextGeneration", "after": "load", "with": {"llm": llm}},
            {"name": "two", "use": "TextGeneration", "after": "load", "with": {"llm": llm}},
        ]
        result = run_steps(tmp_path, steps, max_cost=10.0)

    assert 8.0 < spent_on(fake) <= 10.0
    assert sum(result.counts[step].usage.known_cost for step in ("one", "two")) == pytest.approx(spent_on(fake))


def test_models_in_workers_share_the_budget(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=words(1, 40), latency_s=0.02))
    with running(fake) as url:
        placed = {"pool": "process", "resources": {"replicas": 2}}
        first = ask(tmp_path, url, in_threads=False, max_tokens=1000, answer=placed)
        used = fake.stats.input_tokens + fake.stats.output_tokens
        asked = fake.stats.requests
        again = ask(tmp_path, url, in_threads=False, max_tokens=1000, answer=placed)

    assert 800 < used <= 1000
    assert first.counts["answer"].usage.tokens == used
    assert first.engine.used_up is not None
    assert first.engine.used_up.option == "max_tokens"
    assert fake.stats.requests == asked
    assert again.engine.used_up is not None
    assert again.only == first.only


def test_a_server_that_counts_no_tokens_ends_the_run(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(counts_tokens=False))
    with running(fake) as url:
        with pytest.raises(RunError, match="does not say how many tokens") as caught:
            ask(tmp_path, url, max_cost=1.0)
        assert "--max-cost" in caught.value.fix
        assert fake.stats.requests <= 2 * FIRST_REQUESTS

        without = ask(tmp_path, url)

    assert (len(without.only), without.counts["answer"].usage.cost) == (200, None)


def test_free_requests_need_no_money(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(counts_tokens=False))
    with running(fake) as url:
        result = ask(tmp_path, url, rows=30, max_cost=0.01, llm={"price": {"input": 0, "output": 0}})

    assert (len(result.only), result.engine.used_up) == (30, None)


def test_who_stops_a_run_with_a_budget_waits_for_nobody(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=words(1, 40), latency_s=0.3))

    async def stop_soon(engine: Engine) -> None:
        await asyncio.sleep(0.15)
        engine.stop()

    with running(fake) as url:
        llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "price": PRICE}
        data = [{"instruction": f"question {i}"} for i in range(50)]
        load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}
        steps = [load, {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}]
        result = run_steps(tmp_path, steps, during=stop_soon, max_cost=1000.0)

    assert (len(result.only), result.engine.used_up) == (FIRST_REQUESTS, None)


# ---- alone


def of(cost: float, tokens: int = 1) -> Tally:
    return Tally(1, tokens, 0, known_cost=cost)


def test_in_simulated_runs_the_budget_holds_and_is_made_use_of() -> None:
    """Requests of many distributions, all at once as far as the budget lets them; costs are known only when they end."""
    rng = random.Random(7)
    draws: dict[str, tuple[Any, float]] = {
        "even": (lambda: 0.01, 0.95),
        "uniform": (lambda: rng.uniform(0.001, 0.02), 0.93),
        "normal": (lambda: max(0.001, rng.gauss(0.01, 0.003)), 0.94),
        "heavy tail": (lambda: 0.003 * rng.paretovariate(2.5), 0.90),
        "now and then ten times": (lambda: 0.005 if rng.random() < 0.95 else 0.05, 0.90),
    }
    for name, (draw, least) in draws.items():
        for seed in range(20):
            spent, under_way = asyncio.run(_simulated(draw, 1.0, seed))
            assert spent <= 1.0 + 0.06, (name, seed, spent)  # by one request of the largest kind, at worst
            assert spent >= least, (name, seed, spent)
            assert under_way <= 64


def test_with_a_limit_on_replies_the_budget_holds_even_when_they_get_longer_all_at_once() -> None:
    for seed in range(20):
        costs = iter([0.002] * (100 + 20 * seed) + [0.02] * 1000)
        spent, _ = asyncio.run(_simulated(lambda costs=costs: next(costs), 1.0, seed, Amount(0.02, 2)))
        assert 0.98 - 1e-9 <= spent <= 1.0 + 1e-9, (seed, spent)


async def _simulated(draw: Any, cap: float, seed: int, ceiling: Amount | None = None) -> tuple[float, int]:
    used_up: list[UsedUp] = []
    budget = Budget(Caps(cost=cap), used_up.append)
    rng = random.Random(seed)
    spent, under_way, most = 0.0, 0, 0
    slots = asyncio.Semaphore(64)

    async def one() -> None:
        nonlocal spent, under_way, most
        async with slots:
            try:
                number = await budget.hold(ASK, ceiling, is_free=False)
            except NotSent:
                return
            under_way += 1
            most = max(most, under_way)
            for _ in range(rng.randint(1, 5)):
                await asyncio.sleep(0)
            cost = draw()
            spent += cost
            under_way -= 1
            budget.settle(number, of(cost))

    await asyncio.gather(*(one() for _ in range(1000)))
    assert used_up
    return spent, most


def test_one_who_gives_up_waiting_leaves_the_others_in_order() -> None:
    async def go() -> list[str]:
        budget = Budget(Caps(tokens=20), lambda used_up: None)
        first = await budget.hold(ASK, Amount(0, 15), is_free=False)
        order: list[str] = []

        async def wait(name: str) -> None:
            await budget.hold(ASK, Amount(0, 5.5), is_free=False)
            order.append(name)

        waiting = [asyncio.create_task(wait(name)) for name in "abc"]
        await asyncio.sleep(0)
        waiting[0].cancel()
        await asyncio.sleep(0)
        budget.settle(first, None)
        await asyncio.gather(*waiting, return_exceptions=True)
        return order

    assert asyncio.run(go()) == ["b", "c"]


@pytest.mark.parametrize("cost", [0, -1, float("nan"), float("inf")], ids=str)
def test_an_amount_that_buys_nothing_is_refused(cost: float) -> None:
    with pytest.raises(SpecError, match="budget of"):
        Caps(cost=cost)
    with pytest.raises(ValueError, match="max_cost"):
        RunOptions(max_cost=cost)
    with pytest.raises(SpecError, match="budget of"):
        Caps(tokens=-5)


def test_the_ceiling_of_a_request_counts_prompt_and_longest_reply() -> None:
    llm = OpenAILLM(model="m", generation_kwargs={"max_new_tokens": 100})
    chat = [{"role": "user", "content": "a" * 300}]
    picture = [{"role": "user", "content": [{"type": "image_url", "image_url": {"url": "data:..."}}]}]

    assert ceiling_of(llm, Price(input=1, output=2), Request(chat, n=3)) == Amount((100 + 2 * 300) / 1e6, 400)
    assert ceiling_of(llm, None, Request(picture)) == Amount(0, 1600)
    assert ceiling_of(OpenAILLM(model="m"), Price(input=1, output=2), Request(chat)) is None


def test_mean_and_spread_are_those_of_the_book() -> None:
    spread = Spread()
    for value in (1e9 + 4, 1e9 + 7, 1e9 + 13, 1e9 + 16):
        spread.add(value)

    assert (spread.count, spread.mean) == (4, 1e9 + 10)
    assert spread.deviation == pytest.approx(30**0.5)
    assert Spread().deviation == 0
