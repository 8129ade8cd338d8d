"""Every row of a result leads back to its source, whatever stands between: checked against what the run really made."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.distiset.parts import UnknownPart
from flows.engine import quarantine
from flows.engine.options import RunOptions
from flows.lineage.ids import LINEAGE, NoLineage, RowIds
from flows.lineage.model import StepOfRow, Why
from flows.lineage.why import UnknownRow, why
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import spec_from
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Messages
from tests.fakes.serving import running
from tests.flows.engine.running import own


@pytest.fixture(autouse=True)
def own_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ALLOW_STEP_MODULES", "tests.flows.engine.own_steps")


@pytest.fixture
def fake() -> FakeOpenAI:
    return FakeOpenAI(Behaviour(reply=lambda messages, choice, model: f"{model} {choice}: {messages[-1]['content']}"))


@pytest.fixture
def url(fake: FakeOpenAI) -> Iterator[str]:
    with running(fake) as url:
        yield url


def model(url: str, name: str = "m", **more: Any) -> dict[str, Any]:
    return {"use": "OpenAILLM", "model": name, "base_url": f"{url}/v1", "price": {"input": 1, "output": 2}, **more}


def load(rows: int) -> dict[str, Any]:
    data = [{"i": i, "instruction": f"question {i}"} for i in range(rows)]
    return {"name": "load", "use": "LoadDataFromDicts", "batch_size": 2, "with": {"data": data}}


def run(tmp_path: Path, steps: list[dict[str, Any]], run_id: str = "r", **more: Any) -> RunFolder:
    spec, problems = spec_from({"distilflow": 1, "name": "test", "steps": steps, **more})
    assert not problems
    return run_inline(plan(spec), tmp_path / "runs", run_id=run_id)


def rows_of(run: RunFolder, leaf: str = "default") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = pq.read_table(run.distiset / leaf).to_pylist()
    return found


def ways(run: RunFolder, leaf: str = "default") -> Iterator[tuple[dict[str, Any], Why, dict[str, StepOfRow]]]:
    """Each row of the result, why it is there, and that by step."""
    for index, row in enumerate(rows_of(run, leaf)):
        told = why(run, leaf, index)
        yield row, told, {step.step: step for step in told.steps}


def test_each_row_leads_to_its_prompt_its_replies_and_its_row_of_the_source(tmp_path: Path, url: str) -> None:
    steps = [
        load(5),
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": model(url)}},
        {"name": "cut", "use": "TruncateTextColumn", "after": "answer", "with": {"column": "generation", "max_length": 9}},
    ]
    done = run(tmp_path, steps)

    for index, (row, told, by_step) in enumerate(ways(done)):
        assert [step.step for step in told.steps] == ["load", "answer", "cut"]
        assert (told.row, by_step["load"].added) == (str(index), {"i": index, "instruction": f"question {index}"})
        [asked] = by_step["answer"].replies
        assert asked.chat[-1]["content"] == f"question {index}"
        assert asked.texts == [by_step["answer"].added["generation"]] == [f"m 0: question {index}"]
        assert (asked.model, asked.attempts, asked.problem, asked.is_copy) == ("m", 1, "", False)
        assert asked.cost
        assert (told.requests, told.cost) == (1, asked.cost)
        assert by_step["cut"].added == {"generation": row["generation"]}
        assert by_step["cut"].received == ["i", "instruction", "generation", "model_name"]


def test_rows_that_were_multiplied_in_branches_and_joined_lead_to_their_own_replies(tmp_path: Path, url: str) -> None:
    two = {"llm": model(url, "two"), "num_generations": 2}
    three = {"llm": model(url, "three"), "num_generations": 3}
    steps = [
        load(4),
        {"name": "two", "use": "TextGeneration", "after": "load", "with": two, "output_mappings": {"generation": "a"}},
        {"name": "more", "use": own("Twice"), "after": "two"},
        {"name": "three", "use": "TextGeneration", "after": "load", "with": three, "output_mappings": {"generation": "b"}},
        {"name": "one", "use": "CombineOutputs", "after": ["more", "three"]},
        {"name": "last", "use": "TextGeneration", "after": "one", "with": {"llm": model(url, "last")}},
    ]
    done = run(tmp_path, steps)

    assert len(rows_of(done)) == 4 * 2 * 2 * 3
    for row, _, by_step in ways(done):
        assert by_step["two"].added["a"] == row["a"]
        assert by_step["three"].added["b"] == row["b"]
        assert by_step["last"].replies[0].texts == [row["generation"]]
        assert row["a"] in by_step["two"].replies[0].texts
        assert (by_step["two"].siblings, by_step["more"].siblings, by_step["three"].siblings) == (2, 2, 3)
        assert by_step["one"].after == ["more", "three"]
        assert by_step["load"].added["i"] == row["i"]
        assert all(step.is_whole for step in by_step.values() if step.step != "load")


def test_rows_that_routing_sent_another_way_lead_back_along_it(tmp_path: Path) -> None:
    steps = [
        load(12),
        {"name": "a", "use": own("Add"), "after": "load", "with": {"column": "a", "sleep_s": 0.01}},
        {"name": "b", "use": own("Twice"), "after": "load"},
        {"name": "c", "use": own("Add"), "after": "load", "with": {"column": "c", "sleep_s": 0.01}},
        {"name": "all", "use": "CombineOutputs", "after": ["a", "b", "c"]},
        {"name": "end", "use": own("Add"), "after": "all", "with": {"column": "end"}},
    ]
    done = run(tmp_path, steps, routing={"load": {"use": "sample_n_steps", "with": {"n": 2}}})

    ways_taken = set()
    for row, told, by_step in ways(done):
        ways_taken.add(tuple(by_step["all"].after))
        assert by_step["end"].is_whole
        assert told.steps[-1].step == "end"
        assert ("a" in by_step, "c" in by_step) == (row["a"] is not None, row["c"] is not None)
        assert by_step["load"].added["i"] == row["i"]
    assert len(ways_taken) > 1


def test_a_step_over_all_rows_begins_anew_and_says_so(tmp_path: Path) -> None:
    steps = [
        load(7),
        {"name": "mix", "use": own("Shuffled"), "after": "load"},
        {"name": "more", "use": own("Twice"), "after": "mix"},
    ]
    done = run(tmp_path, steps)

    for row, told, by_step in ways(done):
        assert [step.step for step in told.steps] == ["mix", "more"]
        assert (by_step["mix"].kind, by_step["mix"].added["i"], by_step["mix"].is_whole) == ("all", row["i"], True)
        assert by_step["mix"].note == "made of all rows of 'load' at once"


def test_a_reply_that_had_to_be_corrected_is_shown_with_what_was_wrong(tmp_path: Path) -> None:
    good, bad = ({"answers": [{"rationale": "x", "rating": rating}, {"rationale": "y", "rating": 1}]} for rating in (5, 9))

    def reply(messages: Messages, choice: int, model: str) -> str:
        return json.dumps(good if any(message["role"] == "assistant" for message in messages) else bad)

    fake = FakeOpenAI(Behaviour(reply=reply))
    with running(fake) as url:
        data = [{"instruction": "q", "generations": ["a", "b"]}]
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {"name": "judge", "use": "UltraFeedback", "after": "load", "with": {"llm": model(url)}},
        ]
        done = run(tmp_path, steps)
        [row] = rows_of(done)
        told = why(done, "default", 0)

    assert row["ratings"] == [5, 1]
    first, second = told.steps[-1].replies
    assert (first.texts, first.is_repair, second.is_repair, second.problem) == ([json.dumps(bad)], False, True, "")
    assert "rating" in first.problem
    assert (told.requests, told.input_tokens) == (2, first.input_tokens + second.input_tokens)


def test_after_a_change_only_the_replies_to_the_prompt_as_it_is_count(tmp_path: Path, url: str, fake: FakeOpenAI) -> None:
    def steps(system: str, rows: int, temperature: float = 0.5) -> list[dict[str, Any]]:
        llm = model(url, generation_kwargs={"temperature": temperature})
        return [
            load(rows),
            {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm, "system_prompt": system}},
        ]

    run(tmp_path, steps("old", 3))
    run(tmp_path, steps("old", 3, 0.9))
    done = run(tmp_path, steps("new", 3))
    again = run(tmp_path, steps("new", 5))

    assert fake.stats.requests == 11
    for _, _, by_step in ways(again):
        [asked] = by_step["answer"].replies
        assert asked.chat[0]["content"] == "new"
    assert why(done, "default", 0).steps[-1].reused_from == "an earlier session"
    assert why(again, "default", 4).steps[-1].reused_from == ""


def test_a_rehearsal_is_asked_again_and_counts_nothing(tmp_path: Path) -> None:
    steps = [load(2), {"name": "answer", "use": "TextGeneration", "after": "load"}]
    done = run(tmp_path, steps)

    for row, told, by_step in ways(done):
        [asked] = by_step["answer"].replies
        assert (asked.texts, asked.is_free, asked.model) == ([row["generation"]], True, "rehearsal")
        assert (told.requests, told.cost) == (0, 0.0)


def test_siblings_in_quarantine_are_named_with_their_reason(tmp_path: Path) -> None:
    steps = [
        load(3),
        {"name": "tags", "use": own("Twice"), "after": "load"},
        {"name": "picky", "use": own("FailsSecond"), "after": "tags"},
    ]
    done = run(tmp_path, steps)

    for _, _, by_step in ways(done):
        [refused] = by_step["tags"].refused
        assert (refused.step, refused.code) == ("picky", "row-failed")
        assert "second" in refused.message


def test_several_leaves_each_have_their_ids(tmp_path: Path) -> None:
    steps = [
        load(3),
        {"name": "left", "use": own("Twice"), "after": "load"},
        {"name": "right", "use": own("Add"), "after": "load", "with": {"column": "r", "sleep_s": 0.01}},
    ]
    done = run(tmp_path, steps)

    for leaf in ("left", "right"):
        for row, _, by_step in ways(done, leaf):
            assert by_step["load"].added["i"] == row["i"]
            assert set(by_step) == {"load", leaf}


def test_rows_that_failed_leave_gaps_that_ids_jump_over(tmp_path: Path) -> None:
    steps = [load(6), {"name": "add", "use": own("Add"), "after": "load", "with": {"raise_at": [1, 4], "sleep_s": 0.001}}]
    done = run(tmp_path, steps)

    assert [told.row for _, told, _ in ways(done)] == ["0", "2", "3", "5"]
    assert RowIds(done.distiset, "default").places(4)[:, 0].tolist() == [0, 2, 3, 5]


def test_rows_and_parts_that_do_not_exist_are_refused_in_words(tmp_path: Path) -> None:
    done = run(tmp_path, [load(2), {"name": "add", "use": own("Add"), "after": "load"}])

    with pytest.raises(UnknownRow, match="no row 2"):
        why(done, "default", 2)
    with pytest.raises(UnknownRow, match="no row -1"):
        why(done, "default", -1)
    with pytest.raises(UnknownPart, match="no part"):
        why(done, "../x", 0)
    for path in (done.distiset / LINEAGE).iterdir():
        path.unlink()
    with pytest.raises(NoLineage, match="same --run-id"):
        why(done, "default", 0)


def test_a_row_that_was_retried_shows_the_reply_that_it_was_made_of_last(tmp_path: Path) -> None:
    replies = iter([json.dumps({"answers": []})] * 2 + [json.dumps({"answers": [{"rationale": "x", "rating": 2}]})] * 9)
    with running(FakeOpenAI(Behaviour(reply=lambda messages, choice, model: next(replies)))) as url:
        data = [{"instruction": "q", "generations": ["a"]}]
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {"name": "judge", "use": "UltraFeedback", "after": "load", "with": {"llm": model(url)}},
        ]
        first = run(tmp_path, steps)
        assert rows_of(first) == []
        quarantine.empty(first.quarantine)
        done = run(tmp_path, steps)

    [(row, told, by_step)] = ways(done)
    assert row["ratings"] == [2]
    assert [bool(one.problem) for one in by_step["judge"].replies] == [True, True, False]
    assert told.requests == 3


def test_a_worker_that_was_replaced_loses_no_way(tmp_path: Path) -> None:
    once = str(tmp_path / "killed")
    killing = {"column": "k", "sleep_s": 0.01, "kill_at": [5], "kill_once": once}
    steps = [load(9), {"name": "add", "use": own("Add"), "after": "load", "with": killing}]
    done = run(tmp_path, steps)

    assert Path(once).exists()
    assert [by_step["load"].added["i"] for _, _, by_step in ways(done)] == list(range(9))
    assert all(by_step["add"].is_whole for _, _, by_step in ways(done))


def test_a_run_on_the_replies_of_another_says_that_they_were_paid_for_elsewhere(tmp_path: Path, url: str) -> None:
    steps = [load(3), {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": model(url)}}]
    first = run(tmp_path, steps, "first")
    spec, _ = spec_from({"distilflow": 1, "name": "test", "steps": steps})
    options = RunOptions(journals=(first.path / "journal",))
    second = run_inline(plan(spec), tmp_path / "runs", run_id="second", options=options)
    third = run_inline(plan(spec), tmp_path / "runs", run_id="third", options=RunOptions(reuse=(first.path,)))

    for told in (why(second, "default", 1), why(third, "default", 1)):
        assert told.steps[-1].replies[0].texts == ["m 0: question 1"]
    assert why(second, "default", 1).requests == 0
    assert why(third, "default", 1).steps[-1].reused_from == "run first"


def test_equal_rows_of_the_source_keep_apart(tmp_path: Path, url: str) -> None:
    data = [{"instruction": "the same"}] * 4
    source = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}
    done = run(tmp_path, [source, {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": model(url)}}])

    asked = [by_step["answer"].replies for _, _, by_step in ways(done)]
    assert [len(replies) for replies in asked] == [1] * 4
    assert len({replies[0].at for replies in asked}) > 1
