"""What a run would take, from a sample: checked against what it took."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest

from flows.cli.estimating import _duration, _range
from flows.engine.limits import Limit
from flows.estimate import Estimate, Range, estimate, time_under
from flows.plan import plan
from flows.spec import spec_from
from steps.errors import RunError, SpecError
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.commands import Commands
from tests.flows.engine.running import own, run_steps

PRICE = {"input": 1000, "output": 10_000}


@pytest.fixture(autouse=True)
def own_steps_are_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "tests.flows.engine.own_steps")


@pytest.fixture
def fake() -> FakeOpenAI:
    return FakeOpenAI(Behaviour(reply="one two three"))


@pytest.fixture
def url(fake: FakeOpenAI) -> Iterator[str]:
    with running(fake) as url:
        yield url


def rows_of(count: int, seed: int = 1) -> list[dict[str, Any]]:
    rng = random.Random(seed)
    return [{"instruction": "word " * rng.randint(5, 40)} for _ in range(count)]


def load(data: list[dict[str, Any]]) -> dict[str, Any]:
    return {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}


def ask(url: str, name: str = "answer", after: str = "load", llm: dict[str, Any] | None = None, **more: Any) -> dict[str, Any]:
    model = {"use": "OpenAILLM", "model": name, "base_url": f"{url}/v1", "price": PRICE, **(llm or {})}
    return {"name": name, "use": "TextGeneration", "after": after, "with": {"llm": model, **more}}


def estimated(steps: list[dict[str, Any]], **how: Any) -> Estimate:
    spec, problems = spec_from({"distilflow": 1, "steps": steps})
    assert not problems
    return estimate(plan(spec), **how)


def step(found: Estimate, name: str) -> Any:
    return next(one for one in found.steps if one.step == name)


@pytest.fixture(autouse=True)
def runs_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Replies of a sample are kept in the runs folder."""
    monkeypatch.chdir(tmp_path)


def test_equal_rows_are_projected_exactly(fake: FakeOpenAI, url: str) -> None:
    steps = [load([{"instruction": "two words"}] * 300), ask(url, num_generations=2), ask(url, "judge", "answer")]

    found = estimated(steps, sample=5)

    assert (found.rows, found.sampled, found.sample.requests) == (300, 5, 15)
    assert fake.stats.requests == 15
    answer, judge = step(found, "answer"), step(found, "judge")
    assert (answer.rows_in, answer.rows_out, judge.rows_in, judge.rows_out) == (300, 600, 600, 600)
    assert (answer.requests, judge.requests) == (Range(300), Range(600))
    assert (answer.input_tokens, answer.output_tokens) == (Range(600), Range(1800))
    assert answer.cost.mean == pytest.approx((600 * 1000 + 1800 * 10_000) / 1e6)
    assert answer.cost.margin == 0
    assert found.cost.mean == pytest.approx(answer.cost.mean + step(found, "judge").cost.mean)
    assert found.requests == Range(900)


def test_what_the_run_took_lies_in_the_range(tmp_path: Path, fake: FakeOpenAI, url: str) -> None:
    rng = random.Random(8)
    fake.behaviour = Behaviour(reply=lambda messages, choice, model: "word " * rng.randint(1, 30))
    inside = {"input": 0, "output": 0, "cost": 0}
    for seed in range(12):
        steps = [load(rows_of(150, seed)), ask(url), ask(url, "judge", "answer")]
        found = estimated(steps, sample=20, runs_dir=tmp_path / f"runs-{seed}")
        took = run_steps(tmp_path / str(seed), steps).counts
        total = took["answer"].usage
        total.add(took["judge"].usage)
        inside["input"] += found.input_tokens.low <= total.input_tokens <= found.input_tokens.high
        inside["output"] += found.output_tokens.low <= total.output_tokens <= found.output_tokens.high
        inside["cost"] += found.cost.low <= total.known_cost <= found.cost.high
        assert found.cost.margin < 0.35 * found.cost.mean

    assert all(hits >= 9 for hits in inside.values()), inside  # 95 of 100 in the long run


def test_all_rows_in_the_sample_leave_no_doubt(fake: FakeOpenAI, url: str) -> None:
    found = estimated([load(rows_of(4)), ask(url)], sample=10)

    assert (found.sampled, found.input_tokens) == (4, Range(fake.stats.input_tokens))


def test_one_row_says_nothing_about_the_others(url: str) -> None:
    found = estimated([load(rows_of(10)), ask(url)], sample=1)

    assert (found.output_tokens.low, found.output_tokens.mean, found.output_tokens.high) == (0, 30, 60)


def test_steps_that_drop_multiply_and_gather_count(url: str) -> None:
    odd = {"name": "odd", "use": own("Odd"), "after": "load"}
    twice = {"name": "twice", "use": own("Twice"), "after": "odd"}
    total = {"name": "total", "use": own("Total"), "after": "answer"}
    data = [{"instruction": f"question {i}", "i": i} for i in range(100)]

    found = estimated([load(data), odd, twice, ask(url, after="twice"), total, ask(url, "judge", "total")], sample=10)

    answer, judge = step(found, "answer"), step(found, "judge")
    assert (step(found, "odd").rows_out, answer.rows_in, answer.requests.mean) == (50, 100, 100)
    # of ten rows five made no request and five made two: 2 × 10 × sqrt(10 / 9) × sqrt(10) × sqrt(0.9)
    assert answer.requests.margin == pytest.approx(20 * (10 / 9) ** 0.5 * 10**0.5 * 0.9**0.5)
    assert (judge.rows_in, judge.requests) == (100, Range(100))  # one for each row that all rows became


def test_a_source_that_is_repeated_counts_as_often_as_it_takes(url: str) -> None:
    data = [{"instruction": str(n), "ok": n % 5 == 0} for n in range(40)]
    until = {"name": "until", "use": "GenerateUntil", "after": "answer", "with": {"num_rows": 20, "valid": "ok"}}

    found = estimated([load(data), ask(url), until], sample=5)

    assert (found.rows, found.sampled) == (100, 5)
    assert found.requests.mean == 100


@pytest.mark.parametrize("shorter", ["load", "examples"])
def test_rows_of_sources_that_are_matched_count_once_and_as_often_as_the_shortest_has_them(url: str, shorter: str) -> None:
    lengths = {"load": 100, "examples": 100, shorter: 40}
    examples = {"name": "examples", "use": "DataSampler", "with": {"data": [{"shot": "x"}], "samples": lengths["examples"]}}
    join = {"name": "join", "use": "CombineOutputs", "after": ["load", "examples"]}
    steps = [load([{"instruction": "two words"}] * lengths["load"]), examples, join, ask(url, after="join")]

    found = estimated(steps, sample=5)

    assert (found.rows, found.sampled) == (40, 5)
    assert found.requests == Range(40)
    assert [(one.step, one.rows_out) for one in found.steps] == [(one["name"], 40) for one in steps]


def test_a_source_that_leads_elsewhere_too_counts_to_its_end_there(url: str) -> None:
    few = {"name": "few", "use": "NumberedRows", "with": {"num_rows": 10}}
    join = {"name": "join", "use": "CombineOutputs", "after": ["load", "few"]}
    both = [ask(url, after="join"), ask(url, "other", "load")]

    found = estimated([load([{"instruction": "two words"}] * 100), few, join, *both], sample=5)

    assert found.rows == 100
    assert (step(found, "answer").requests, step(found, "other").requests) == (Range(10), Range(100))


def test_an_estimate_is_plain_data(url: str) -> None:
    found = estimated([load(rows_of(3)), ask(url)])

    assert json.loads(json.dumps(asdict(found)))["requests"] == {"mean": 3, "margin": 0}


def test_rows_that_are_asked_for_count_before_those_there_are(url: str) -> None:
    assert estimated([load(rows_of(10)), ask(url)], rows=10_000, sample=2).requests == Range(10_000)


def test_a_source_that_cannot_count_is_asked_for_rows_before_anything_is_paid(fake: FakeOpenAI, url: str) -> None:
    numbers = {"name": "numbers", "use": own("Numbers"), "with": {"rows": 50}}
    steps = [numbers, ask(url, after="numbers") | {"input_mappings": {"instruction": "i"}}]

    with pytest.raises(SpecError, match="--rows") as caught:
        estimated(steps)
    assert "'numbers'" in caught.value.message
    assert fake.stats.requests == 0

    assert estimated(steps, rows=50).requests == Range(50)


def test_a_rehearsal_costs_nothing_and_counts_the_real_prompts(fake: FakeOpenAI, url: str) -> None:
    data = [{"instruction": "a" * 400}] * 100
    asked = [load(data), ask(url)]
    real = plan(spec_from({"distilflow": 1, "steps": asked})[0])
    made_up = [load(data), {"name": "answer", "use": "TextGeneration", "after": "load"}]

    found = estimated(made_up, priced=real.llms)

    assert fake.stats.requests == 0
    assert found.is_rehearsal
    assert (found.seconds, found.sample.requests) == (None, 0)
    assert (step(found, "answer").model, found.input_tokens) == ("answer", Range(100 * 100))
    assert found.cost.mean == pytest.approx((found.input_tokens.mean * 1000 + found.output_tokens.mean * 10_000) / 1e6)


@pytest.mark.parametrize("use", ["EmbeddingGeneration", "GenerateEmbeddings"])
def test_a_rehearsal_counts_the_texts_that_get_vectors(fake: FakeOpenAI, url: str, use: str) -> None:
    data = [{"text": "a" * 400}] * 100
    model: dict[str, Any] = {"use": "OpenAIEmbeddings", "model": "m", "base_url": f"{url}/v1", "inputs_per_request": 20}
    model["price"] = {"input": 2, "output": 0}
    embed = {"name": "embed", "use": use, "after": "load"}
    real = plan(spec_from({"distilflow": 1, "steps": [load(data), {**embed, "with": {"embeddings": model}}]})[0])

    found = estimated([load(data), embed], priced=real.llms)

    assert fake.stats.requests == 0
    assert step(found, "embed").model == "m"
    assert found.requests.mean == pytest.approx(100 / 20)
    assert (found.input_tokens, found.output_tokens) == (Range(100 * 100), Range(0))
    assert found.cost.mean == pytest.approx(100 * 100 * 2 / 1e6)


def test_an_unknown_price_is_not_free(url: str) -> None:
    fake = FakeOpenAI(Behaviour(counts_tokens=False))
    with running(fake) as silent:
        found = estimated([load(rows_of(10)), ask(url), ask(silent, "judge", "answer")], sample=2)

    assert (found.unpriced, step(found, "judge").cost) == (["judge"], None)
    assert found.cost == step(found, "answer").cost


def test_time_follows_latency_and_how_much_is_asked_at_once(fake: FakeOpenAI, url: str) -> None:
    fake.behaviour = Behaviour(reply="x", latency_s=0.1)
    slow = estimated([load(rows_of(1000)), ask(url, llm={"max_concurrency": 10})]).seconds
    fast = estimated([load(rows_of(1000)), ask(url, llm={"max_concurrency": 100})]).seconds

    assert slow is not None
    assert fast is not None
    assert slow.mean >= 10  # 1000 × 0.1 s / 10, and what this machine adds
    assert 1 <= fast.mean < slow.mean


def test_time_follows_the_limits_that_were_set(url: str) -> None:
    found = estimated([load(rows_of(1000)), ask(url, llm={"requests_per_minute": 600})], sample=2).seconds

    assert found is not None
    assert 100 <= found.mean < 110  # 1000 requests at ten a second


def test_time_follows_what_the_server_says_of_its_limits() -> None:
    fast_limit = Limit(limit=500, remaining=499, reset_s=0.12)  # 500 a minute

    assert time_under([fast_limit, None], Range(1500, 50)).mean == pytest.approx(120)
    assert time_under([fast_limit], Range(400)) == Range(0)
    assert time_under([Limit(500, 500, 0)], Range(1e6)) == Range(0)  # nothing is used up: nothing can be told


def test_a_sample_without_a_reply_says_why(fake: FakeOpenAI, url: str) -> None:
    fake.behaviour = Behaviour(rules=[Rule("", Fault.CONTENT_FILTER)])

    with pytest.raises(RunError, match="no row of the sample got a reply; row 0 in step 'answer'"):
        estimated([load(rows_of(10)), ask(url)])


def test_rows_of_the_sample_that_fail_are_told(fake: FakeOpenAI, url: str) -> None:
    fake.behaviour = Behaviour(reply="x", rules=[Rule("bad", Fault.CONTENT_FILTER)])
    data = [{"instruction": "bad" if i == 1 else "good"} for i in range(20)]

    found = estimated([load(data), ask(url)], sample=4)

    assert (found.failed, found.requests.mean, found.requests.margin > 0) == (1, 15, True)


# ---- on the command line


def test_the_command_line_shows_ranges(tmp_path: Path, fake: FakeOpenAI, url: str) -> None:
    commands = Commands(tmp_path)
    (tmp_path / "rows.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows_of(1000)))
    source = {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": "rows.jsonl"}}
    pipeline = commands.write([source, ask(url)])

    ended = commands("plan", pipeline, "--estimate", "--sample", "8")

    assert ended.code == 0, ended.err
    assert "Estimate for 1,000 rows, from a sample of 8, which used 8 requests" in ended.out
    assert re.search(r"^answer +answer +1,000 +1,000 +1,000 +[\d,]+–[\d,]+ +3,000 +\$\d+.*–\$\d+", ended.out, re.MULTILINE)
    assert re.search(r"^total ", ended.out, re.MULTILINE)
    assert "Time to ask: " in ended.out
    assert fake.stats.requests == 8

    again = commands("plan", pipeline, "--estimate", "--sample", "8")
    assert "from a sample of 8, whose replies were there already" in again.out
    assert again.out.splitlines()[-4:] == ended.out.splitlines()[-4:]
    assert commands("run", pipeline, "--run-id", "r", "--no-prefect", "--max-rows", "8").code == 0
    assert fake.stats.requests == 8
    assert "Nothing was used" in commands("usage", "r").out


def test_the_command_line_rehearses_without_a_key(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    commands.environment.pop("OPENAI_API_KEY", None)
    answer = {"name": "answer", "use": "TextGeneration", "after": "load"}
    pipeline = commands.write([load(rows_of(100)), answer | {"with": {"llm": {"use": "OpenAILLM", "model": "gpt-4o-mini"}}}])

    ended = commands("plan", pipeline, "--estimate", "--rehearse", "--rows", "5000")

    assert ended.code == 0, ended.err
    assert "Estimate for 5,000 rows, from a sample of 5, rehearsed" in ended.out
    assert re.search(r"^answer +gpt-4o-mini +5,000 +5,000 +5,000 .*\$0\.\d+–\$0\.\d+", ended.out, re.MULTILINE)
    assert "replies are made up" in ended.out


def test_a_rehearsed_estimate_takes_the_prices_of_another_model(tmp_path: Path) -> None:
    commands = Commands(tmp_path)
    pipeline = commands.write([load(rows_of(1)), {"name": "answer", "use": "TextGeneration", "after": "load"}])

    ended = commands("plan", pipeline, "--estimate", "--rehearse", "--llm", "openai/gpt-4o-mini")

    assert ended.code == 0, ended.err
    assert "Estimate for 1 row, from a sample of 1" in ended.out
    assert re.search(r"^answer +gpt-4o-mini +1 +1 +1 .*\$0\.", ended.out, re.MULTILINE)


@pytest.mark.parametrize(
    ("found", "said"),
    [(Range(8.0, 0.3), "8 s"), (Range(8.0, 3.0), "5 s–11 s"), (Range(8.0), "8 s")],
    ids=["equal-when-rounded", "apart", "exact"],
)
def test_a_range_names_a_number_once(found: Range, said: str) -> None:
    assert _range(found, _duration) == said


def test_rows_without_estimate_are_refused(tmp_path: Path) -> None:
    commands = Commands(tmp_path)

    ended = commands("plan", commands.write([load(rows_of(2))]), "--rows", "5")

    assert (ended.code, "--estimate" in ended.err) == (2, True)
