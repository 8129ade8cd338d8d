"""A source is repeated until the step after it has enough rows, and no further."""

from __future__ import annotations

import asyncio
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from flows.engine.engine import Engine
from flows.plan import examine
from flows.spec import spec_from
from steps.errors import Problem, RunError
from tests.fakes.openai_server import Behaviour, FakeOpenAI
from tests.fakes.serving import running
from tests.flows.engine.running import own, run_steps

both = pytest.mark.parametrize("in_threads", [True, False], ids=["threads", "processes"])


def numbered(rows: int) -> dict[str, Any]:
    return {"name": "load", "use": "NumberedRows", "with": {"num_rows": rows, "start": 0, "column": "i"}}


def until(rows: int, after: str = "load", **params: Any) -> dict[str, Any]:
    return {"name": "until", "use": "GenerateUntil", "after": after, "with": {"num_rows": rows, **params}}


def odd(after: str = "load") -> dict[str, Any]:
    return {"name": "odd", "use": own("Odd"), "after": after}


@both
def test_the_source_begins_again_until_there_are_enough_rows(tmp_path: Path, in_threads: bool) -> None:
    result = run_steps(tmp_path, [numbered(20), odd(), until(50, after="odd")], in_threads=in_threads)

    assert [row["i"] for row in result.only] == list(range(1, 100, 2))
    assert result.counts["load"].made < 130
    assert result.engine.shortfalls == []


def test_of_a_source_with_more_rows_than_needed_only_the_first_are_taken(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [numbered(100_000), until(30)])

    assert len(result.only) == result.counts["load"].made == 30


@both
def test_a_step_of_ones_own_says_what_counts(tmp_path: Path, in_threads: bool) -> None:
    enough = {"name": "enough", "use": own("EnoughOfBoth"), "after": "load", "with": {"num_rows": 10}}

    result = run_steps(tmp_path, [numbered(8), enough], in_threads=in_threads)

    assert [row["i"] for row in result.only] == [*range(7), 10, 15, 20]
    assert result.counts["load"].made > 16


def test_rows_that_repeat_are_not_counted_and_other_branches_get_all_rows(tmp_path: Path) -> None:
    data = [{"text": text} for text in ("One", "one ", "TWO", "three")]
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}
    all_of_them = {"name": "all", "use": "KeepColumns", "after": "load", "with": {"columns": ["text"]}}

    result = run_steps(tmp_path, [load, all_of_them, until(3, unique=["text"])])

    assert [row["text"] for row in result.rows["until"]] == ["One", "TWO", "three"]
    assert len(result.rows["all"]) == result.counts["load"].made


def test_another_step_over_all_rows_may_stand_beside_it(tmp_path: Path) -> None:
    total = {"name": "total", "use": own("Total"), "after": "load"}

    result = run_steps(tmp_path, [numbered(3), total, until(100, max_rounds=2)])

    assert {name: len(rows) for name, rows in result.rows.items()} == {"total": 6, "until": 6}


def test_it_ends_when_further_rows_bring_nothing_new_and_says_so(tmp_path: Path) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": "a"}, {"text": "b"}]}}

    result = run_steps(tmp_path, [load, until(5, unique=["text"], max_rounds=10_000)])

    assert [row["text"] for row in result.only] == ["a", "b"]
    [said] = [said for level, said in result.said if level == "warning"]
    [shortfall] = result.engine.shortfalls
    assert said == f"{shortfall}; {shortfall.fix}"
    assert shortfall.what.startswith("2 of 5 rows")
    assert "none counted" in shortfall.what
    assert result.counts["load"].made < 600


@pytest.mark.parametrize("right", [7, 99])
def test_one_row_that_counts_among_many_is_found(tmp_path: Path, right: int) -> None:
    data = [{"n": n, "ok": n == right} for n in range(100)]
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}

    assert [row["n"] for row in run_steps(tmp_path, [load, until(1, valid="ok")]).only] == [right]


def test_a_row_that_cannot_be_counted_names_the_step(tmp_path: Path) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": "a"}, {"other": "b"}]}}

    with pytest.raises(RunError, match=r"step 'until': row 2 of those that come here"):
        run_steps(tmp_path, [load, until(5, unique=["text"])])


def test_it_ends_after_the_last_round_and_says_so(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [numbered(10), odd(), until(50, after="odd", max_rounds=3)])

    assert [row["i"] for row in result.only] == list(range(1, 30, 2))
    assert any("15 of 50 rows" in said and "max_rounds" in said for _, said in result.said)


def test_a_source_without_rows_is_not_repeated(tmp_path: Path) -> None:
    load = {"name": "load", "use": own("Numbers"), "with": {"rows": 0}}

    assert run_steps(tmp_path, [load, until(5)]).only == []


def test_a_few_rows_of_the_source_are_not_repeated(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [numbered(10), until(50)], max_rows=4)

    assert len(result.only) == 4
    assert not [said for level, said in result.said if level == "warning"]


def test_the_rows_of_branches_that_meet_are_counted_together(tmp_path: Path) -> None:
    def add(name: str, **params: Any) -> dict[str, Any]:
        return {"name": name, "use": own("Add"), "after": "load", "with": {"column": name, **params}}

    result = run_steps(tmp_path, [numbered(10), add("a"), add("b", raise_at=[3, 4]), until(20, after=["a", "b"])])  # type: ignore[arg-type]

    assert [row["i"] for row in result.only] == [*range(3), *range(5, 22)]
    assert len(result.failures) == 2


@pytest.mark.parametrize("valid", [True, False, None])
def test_only_true_counts_as_valid(tmp_path: Path, valid: object) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"ok": valid}, {"ok": False}]}}

    assert len(run_steps(tmp_path, [load, until(1, valid="ok", max_rounds=2)]).only) == (valid is True)


@pytest.mark.parametrize("said", [1, "yes"])
def test_what_says_neither_that_a_row_is_valid_nor_that_it_is_not_is_refused(tmp_path: Path, said: object) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"ok": True}, {"ok": said}]}}

    with pytest.raises(RunError) as refused:
        run_steps(tmp_path, [load, until(5, valid="ok")])

    assert refused.value.message.startswith(f"step 'until': row 2 of those that come here: column 'ok' holds {said!r}")
    assert "FilterRows" in refused.value.fix


def asking(url: str, rows: int, max_rounds: int = 10) -> list[dict[str, Any]]:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "say a number"}]}}
    llm = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1", "max_retries": 0}
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}
    return [load, ask, until(rows, after="ask", unique=["generation"], max_rounds=max_rounds)]


def test_equal_rows_of_a_further_round_are_asked_anew_and_a_run_that_goes_on_asks_for_none_twice(tmp_path: Path) -> None:
    numbers = count()
    fake = FakeOpenAI(Behaviour(reply=lambda chat, number, model: f"number {next(numbers) // 2}"))
    with running(fake) as url:
        first = run_steps(tmp_path, asking(url, 5, max_rounds=100))
        asked = fake.stats.requests
        again = run_steps(tmp_path, asking(url, 5, max_rounds=100))

        assert len({row["generation"] for row in first.only}) == 5
        assert again.only == first.only
        assert fake.stats.requests == asked
        more = run_steps(tmp_path, asking(url, 7, max_rounds=100))

    assert more.only[:5] == first.only
    assert len(more.only) == 7
    assert fake.stats.requests > asked


def problems(steps: list[dict[str, Any]]) -> list[Problem]:
    return examine(spec_from({"distilflow": 1, "steps": steps})[0])[1]


def test_a_step_over_all_rows_cannot_be_repeated() -> None:
    dedup = {"name": "dedup", "use": "MinHashDedup", "after": "load", "with": {"input_mappings": {}}}
    data = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": "a"}]}}

    [problem] = problems([data, {**dedup, "with": {}}, until(5, after="dedup")])

    assert problem.code == "cannot-repeat"
    assert "'dedup' works on all rows at once" in problem.what


def test_a_step_of_ones_own_repeats_no_step_over_all_rows() -> None:
    total = {"name": "total", "use": own("Total"), "after": "load"}
    enough = {"name": "enough", "use": own("EnoughOfBoth"), "after": "total", "with": {"num_rows": 4}}

    [problem] = problems([numbered(5), total, enough])

    assert problem.code == "cannot-repeat"


def test_two_steps_cannot_repeat_one_source() -> None:
    [problem] = problems([numbered(5), until(5), {**until(6), "name": "other"}])

    assert problem.code == "cannot-repeat"
    assert "'until' repeats already" in problem.what


def test_unknown_columns_are_found_before_the_run() -> None:
    found = problems([numbered(5), until(5, unique=["j"], valid="ok")])

    assert {problem.code for problem in found} == {"missing-column"}


def test_likeness_needs_columns() -> None:
    [problem] = problems([numbered(5), until(5, similarity=0.5)])

    assert "`unique`" in problem.fix


def test_a_worker_that_dies_in_a_later_round_is_replaced_and_its_rows_are_redone(tmp_path: Path) -> None:
    die = {"column": "a", "kill_at": [33], "kill_once": str(tmp_path / "killed")}
    add = {"name": "add", "use": own("Add"), "after": "load", "with": die}

    result = run_steps(tmp_path / "run", [numbered(10), add, odd("add"), until(30, after="odd")], in_threads=False)

    assert [row["i"] for row in result.only] == list(range(1, 60, 2))
    assert ("odd", "died") in result.workers


def test_a_run_that_is_stopped_between_rounds_goes_on_to_the_same_rows(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.02, reply=lambda chat, number, model: f"say {next(numbers) // 3}"))
    numbers = count()

    async def stop_soon(engine: Engine) -> None:
        while engine.counts["ask"].made < 12:
            await asyncio.sleep(0.005)
        engine.stop()

    with running(fake) as url:
        stopped = run_steps(tmp_path, asking(url, 10, max_rounds=100), during=stop_soon)
        paid = stopped.engine.used.requests
        done = run_steps(tmp_path, asking(url, 10, max_rounds=100))

    assert 4 <= len({row["generation"] for row in stopped.only}) == len(stopped.only)
    assert stopped.engine.shortfalls == []  # the others are still to come
    assert len({row["generation"] for row in done.only}) == 10
    assert paid >= 12
    assert fake.stats.requests == done.engine.used.requests
    assert done.counts["ask"].reused >= 12


def guess(chat: Any, number: int, model: str) -> str:
    """What a model says that says the same to every third question."""
    return f"{int(chat[-1]['content'].split()[-1]) // 3} red, green and blue words"


def guessing(url: str, rows: int = 20, source_rows: int = 30, **llm: Any) -> list[dict[str, Any]]:
    """Questions that all differ, until so many of the answers do."""
    model = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1", "max_retries": 0, **llm}
    template = {"columns": ["i"], "template": "what of {{ i }}", "llm": model}
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": template}
    keep = {"name": "keep", "use": "KeepColumns", "after": "until", "with": {"columns": ["generation"]}}
    return [numbered(source_rows), ask, until(rows, after="ask", unique=["generation"]), keep]


@both
def test_a_run_that_is_stopped_keeps_the_rows_that_count_so_far_and_goes_on_as_if_it_had_not(
    tmp_path: Path, in_threads: bool
) -> None:
    async def stop_soon(engine: Engine) -> None:
        while engine.counts["ask"].made < 15:
            await asyncio.sleep(0.005)
        engine.stop()

    fake = FakeOpenAI(Behaviour(latency_s=0.05, reply=guess))
    with running(fake) as url:
        steps = guessing(url, max_concurrency=2)
        whole = run_steps(tmp_path / "whole", steps, in_threads=in_threads)
        asked = fake.stats.requests
        stopped = run_steps(tmp_path / "run", steps, in_threads=in_threads, during=stop_soon)
        done = run_steps(tmp_path / "run", steps, in_threads=in_threads)

    assert whole.only == [{"generation": guess([{"content": str(3 * n)}], 0, "")} for n in range(20)]
    assert 5 <= len(stopped.only) < 20
    assert stopped.only == whole.only[: len(stopped.only)]
    assert done.only == whole.only
    assert fake.stats.requests == 2 * asked  # nothing was asked twice


def test_what_comes_of_the_rows_of_a_stopped_run_is_not_asked_for(tmp_path: Path) -> None:
    async def stop_soon(engine: Engine) -> None:
        while engine.counts["ask"].made < 1000:
            await asyncio.sleep(0.005)
        engine.stop()

    fake = FakeOpenAI(Behaviour(reply=guess))
    with running(fake) as url:
        steps = guessing(url, rows=2000, source_rows=10_000)
        few = {"llm": {**steps[1]["with"]["llm"], "max_concurrency": 1}}
        steps.append({**steps[1], "name": "judge", "after": "until", "with": {**steps[1]["with"], **few}})
        stopped = run_steps(tmp_path, steps, during=stop_soon)

    assert len(stopped.rows["keep"]) >= 300
    assert stopped.rows["judge"] == []
    assert stopped.counts["judge"].usage.requests == 0


def test_without_money_left_the_rows_that_count_so_far_are_the_result(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply=guess))
    with running(fake) as url:
        stopped = run_steps(tmp_path, guessing(url), max_tokens=200)
        asked = fake.stats.requests
        more = run_steps(tmp_path, guessing(url), max_tokens=200)

        assert stopped.engine.used_up is not None
        assert len(stopped.only) >= 3
        assert {row["generation"] for row in stopped.only} <= {guess([{"content": str(n)}], 0, "") for n in range(60)}
        assert (more.only, fake.stats.requests) == (stopped.only, asked)
        done = run_steps(tmp_path, guessing(url), max_tokens=100_000)

    assert len(done.only) == 20


def test_a_rehearsed_loop_that_asks_the_same_again_gets_other_replies_and_the_same_ones_in_every_run(tmp_path: Path) -> None:
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "say a word"}]}}
    ask: dict[str, Any] = {"name": "ask", "use": "TextGeneration", "after": "load"}
    steps = [load, ask, until(10, after="ask", unique=["generation"], max_rounds=100)]

    one, other = (run_steps(tmp_path / name, steps) for name in ("one", "other"))

    assert len({row["generation"] for row in one.only}) == 10
    assert one.only == other.only
