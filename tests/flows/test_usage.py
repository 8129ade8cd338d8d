"""Budgets and usage as people see them on the command line."""

from __future__ import annotations

import asyncio
import csv
import random
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.engine.journal import Entry, Journal
from flows.engine.tally import Tally, money
from flows.pipeline import Pipeline
from flows.usage import read_usage
from steps.llms.base import Completion, Usage
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands

PRICE = {"input": 1000, "cached_input": 500, "output": 10_000}
ROWS = 40


@pytest.fixture
def fake() -> FakeOpenAI:
    rng = random.Random(3)
    return FakeOpenAI(Behaviour(reply=lambda messages, choice, model: "word " * rng.randint(1, 20), latency_s=0.01))


@pytest.fixture
def url(fake: FakeOpenAI) -> Iterator[str]:
    with running(fake) as url:
        yield url


def pipeline(commands: Commands, url: str, **llm: Any) -> str:
    data = [{"instruction": f"question {i}"} for i in range(ROWS)]
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}
    model = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "price": PRICE, **llm}
    second = {**model, "model": "n", "price": {"input": 2000, "output": 3000}}
    answer = {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": model}}
    again = {"name": "again", "use": "TextGeneration", "after": "answer", "with": {"llm": second, "num_generations": 2}}
    again["output_mappings"] = {"generation": "second"}
    return commands.write([load, answer, again])


def run(commands: Commands, url: str, *more: str, **llm: Any) -> Any:
    return commands("run", pipeline(commands, url, **llm), "--run-id", "r", "--no-prefect", *more)


# ---- budgets


def test_a_used_up_budget_is_4_and_says_how_to_go_on(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    first = run(commands, url, "--max-cost", "2")

    assert first.code == 4, first.err
    assert "The budget of $2.00 is used up ($1." in first.out
    assert "distilflow resume r --max-cost 4" in first.out
    report, asked = commands.report(), fake.stats.requests
    assert (report["state"], report["used_up"], report["options"]["max_cost"]) == ("stopped", "max_cost", 2.0)
    assert report["rows"]["default"] == len(commands.rows()) > 0

    again = commands("resume", "r", "--no-prefect")  # the budget is remembered
    assert (again.code, fake.stats.requests) == (4, asked)

    more = commands("resume", "r", "--no-prefect", "--max-cost", "1000")
    assert (more.code, len(commands.rows())) == (0, 2 * ROWS)
    assert fake.stats.requests == 2 * ROWS
    assert commands.report()["used_up"] is None


def test_a_budget_without_a_price_is_refused_before_anything_is_asked(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    commands.environment["A_KEY"] = "x"
    elsewhere = {"price": None, "base_url": "https://models.example/v1", "api_key": "${A_KEY}"}
    ended = run(commands, url, "--max-cost", "2", **elsewhere)

    assert ended.code == 2
    assert "the price of 'm' of step 'answer' is not known" in ended.err
    assert "price: {input: 0.15, output: 0.60}" in ended.err
    assert "--max-tokens" in ended.err
    assert "Traceback" not in ended.err
    assert not (commands.folder / "runs").exists()


@pytest.mark.parametrize("budget", [("--max-cost", "0"), ("--max-cost", "-1"), ("--max-cost", "nan"), ("--max-tokens", "0")])
def test_a_budget_that_buys_nothing_is_refused(commands: Commands, budget: tuple[str, str]) -> None:
    ended = run(commands, "http://127.0.0.1:9", *budget)

    assert ended.code == 2
    assert "buys nothing" in ended.err
    assert "Traceback" not in ended.err


@pytest.mark.parametrize(
    ("budget", "example"),
    [
        (("--max-cost", "1,5"), "--max-cost 0.50"),
        (("--max-cost", "abc"), "0.50"),
        (("--max-tokens", "1e5"), "--max-tokens 100000"),
    ],
)
def test_a_budget_that_is_no_number_is_told_with_an_example(commands: Commands, budget: tuple[str, str], example: str) -> None:
    ended = run(commands, "http://127.0.0.1:9", *budget)

    assert (ended.code, repr(budget[1]) in ended.err, example in ended.err) == (2, True, True), ended.err


def test_a_run_in_python_warns_when_its_budget_is_used_up(commands: Commands, url: str) -> None:
    asking = Pipeline.from_file(commands.folder / pipeline(commands, url))

    with pytest.warns(
        UserWarning, match=r"a part of the rows: the budget of \$2.00 is used up .*run_id='r', max_cost="
    ) as told:
        made = asking.run(run_id="r", runs_dir=commands.folder / "runs", max_cost=2)

    assert told[0].filename == __file__
    assert 0 < len(made["default"]["train"]) < 2 * ROWS


def test_steps_of_a_run_that_ran_out_of_budget_are_stopped_not_done(commands: Commands, url: str) -> None:
    ended = run(commands, url, "--max-cost", "2")

    steps = commands.report()["steps"]
    taken = steps["answer"]["taken"]
    assert 0 < taken < ROWS
    assert [steps[step]["state"] == "done" for step in ("load", "answer", "again")] == [True, False, False]
    shown = commands("show", "r").out
    assert f"answer: stopped, {taken} of {ROWS} rows, $" in ended.err
    assert re.search(rf"^answer .* stopped, {taken} of {ROWS} rows$", shown, re.MULTILINE)
    assert "answer: done" not in ended.err


def test_a_rehearsal_does_not_replace_what_was_paid_for(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    assert run(commands, url, "--max-rows", "2").code == 0
    before = commands.rows()

    refused = run(commands, url, "--rehearse")

    assert (refused.code, "4 requests" in refused.err) == (2, True), refused.err
    assert "under another run id" in refused.err
    assert commands.rows() == before


# ---- what was used


def test_usage_counts_all_sessions_at_the_price_of_their_day(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    fake.behaviour = Behaviour(reply="one two three", cached_tokens=1, reasoning_tokens=4)
    assert run(commands, url, "--max-rows", "10").code == 0
    once = (2 - 1) * 1000 + 1 * 500 + (3 + 4) * 10_000  # two words asked, one of them cached; three words and four thoughts
    twice = 2 * 2000 + (2 * 3 + 4) * 3000

    dearer = {"input": 9000, "output": 9000}
    assert run(commands, url, "--max-rows", "20", price=dearer).code == 0
    second_ten = 2 * 9000 + 7 * 9000

    report = commands.report()["steps"]
    assert report["answer"]["usage"]["known_cost"] == pytest.approx(10 * (once + second_ten) / 1e6)
    assert report["again"]["usage"]["known_cost"] == pytest.approx(20 * twice / 1e6)
    assert report["answer"]["usage"] | {"seconds": 0, "known_cost": 0} == {
        "requests": 20,
        "input_tokens": 40,
        "output_tokens": 140,
        "cached_input_tokens": 20,
        "reasoning_tokens": 80,
        "seconds": 0,
        "known_cost": 0,
        "unpriced": 0,
    }
    shown = commands("show", "r").out
    costs = [report[step]["usage"]["known_cost"] for step in ("answer", "again")]
    assert re.search(rf"^answer +20 +20 .*20 +40 +140 +{re.escape(money(costs[0]))}$", shown, re.MULTILINE)
    assert f"Used: 40 requests, 80 tokens in (40 cached), 340 out, {money(sum(costs))}" in shown


def test_usage_by_step_model_and_row(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    fake.behaviour = Behaviour(reply="one two three")
    assert run(commands, url).code == 0
    answer, again = ROWS * (2 * 1000 + 3 * 10_000) / 1e6, ROWS * (2 * 2000 + 6 * 3000) / 1e6

    by_step, by_model = commands("usage", "r").out, commands("usage", "r", "--by", "model").out
    for text, first, second in ((by_step, "answer", "again"), (by_model, "m", "n")):
        assert re.search(rf"^{first} +40 +80 +120 +{re.escape(money(answer))} ", text, re.MULTILINE)
        assert re.search(rf"^{second} +40 +80 +240 +{re.escape(money(again))} ", text, re.MULTILINE)
        assert re.search(r"^total +80 +160 +360 +\$2\.16", text, re.MULTILINE)
    by_row = commands("usage", "r", "--by", "row").out
    assert "The dearest 20 of 40 rows. All of them: distilflow usage r --by row --csv r-usage.csv" in by_row
    assert re.search(r"^0 +2 +4 +9 +\$0\.054", by_row, re.MULTILINE)

    assert commands("usage", "r", "--by", "row", "--csv", "rows.csv").code == 0
    with (commands.folder / "rows.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["row"] for row in rows] == [str(number) for number in range(ROWS)]
    assert sum(float(row["cost_usd"]) for row in rows) == pytest.approx(answer + again)


def test_usage_of_an_unknown_price_says_so(commands: Commands, fake: FakeOpenAI, url: str) -> None:
    fake.behaviour = Behaviour(counts_tokens=False)  # so nobody knows what it cost
    assert run(commands, url).code == 0

    assert re.search(r"^answer +40 +unknown price", commands("usage", "r").out, re.MULTILINE)
    assert "unknown price" in commands("show", "r").out


def test_a_rehearsal_used_nothing(commands: Commands) -> None:
    assert run(commands, "http://127.0.0.1:9", "--rehearse").code == 0

    assert "Nothing was used" in commands("usage", "r").out
    assert "cost" not in commands("show", "r").out


def test_usage_says_what_is_wrong(commands: Commands) -> None:
    assert commands("usage", "none").code == 2
    assert run(commands, "http://127.0.0.1:9", "--rehearse").code == 0
    assert commands("usage", "r", "--by", "column").code == 2


# ---- the table


async def _journal(folder: Path, entries: list[tuple[str, str, Usage, float | None]]) -> None:
    journal = Journal(folder, "w")
    await journal.open()
    keep = []
    for number, (step, row, usage, cost) in enumerate(entries):
        completion = Completion(["text"], "m", usage)
        keep.append(journal.keep(number.to_bytes(16, "big"), Entry(step, row, "m", [], 1, None, completion, 1.0, 0.5, 1, cost)))
    await asyncio.gather(*keep)
    await journal.close()


def test_rows_are_in_the_order_of_their_ids_and_joined_by_them(tmp_path: Path) -> None:
    ids = ["10", "9", "9.10", "9.2", "9", "2"]
    asyncio.run(_journal(tmp_path, [("s", row, Usage(1, 2), 0.5) for row in ids]))

    table = read_usage(tmp_path, "row")

    assert [name for name, _ in table] == ["2", "9", "9.2", "9.10", "10"]
    assert dict(table)["9"] == Tally(2, 2, 4, seconds=1.0, known_cost=1.0)
    assert table.total() == Tally(6, 6, 12, seconds=3.0, known_cost=3.0)


def test_a_csv_rounds_and_leaves_a_cost_empty_that_nobody_knows(tmp_path: Path) -> None:
    entries = [
        ("s", "0", Usage(1, 2), 0.1),
        ("s", "0", Usage(1, 2), 0.2),
        ("s", "1", Usage(1, 2), None),
        ("s", "2", Usage(), 0.0),
    ]
    asyncio.run(_journal(tmp_path, entries))

    read_usage(tmp_path, "row").write_csv(tmp_path / "rows.csv")

    with (tmp_path / "rows.csv").open() as file:
        rows = [(row["row"], row["cost_usd"], row["seconds"]) for row in csv.DictReader(file)]
    assert rows == [("0", "0.3", "1.0"), ("1", "", "0.5"), ("2", "0.0", "0.5")]


def test_more_rows_than_are_added_up_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("flows.usage.CHUNK", 7)
    rng = random.Random(5)
    entries = [
        (rng.choice("abc"), str(rng.randrange(20)), Usage(rng.randrange(9), 1), rng.choice([None, 0.25])) for _ in range(100)
    ]
    asyncio.run(_journal(tmp_path, entries))

    by_step: dict[str, Tally] = {}
    by_row: dict[str, Tally] = {}
    for step, row, usage, cost in entries:
        by_step.setdefault(step, Tally()).add(Tally.of(usage, cost, 0.5))
        by_row.setdefault(row, Tally()).add(Tally.of(usage, cost, 0.5))
    assert dict(read_usage(tmp_path, "step")) == by_step
    assert dict(read_usage(tmp_path, "row")) == by_row


def test_a_journal_that_is_not_there_is_empty(tmp_path: Path) -> None:
    table = read_usage(tmp_path / "none", "row")

    assert (len(table), table.total()) == (0, Tally())
