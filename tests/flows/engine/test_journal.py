"""Replies are on disk before they are used, and never asked for twice."""

from __future__ import annotations

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections import Counter
from dataclasses import asdict
from pathlib import Path
from typing import Any

import orjson
import pytest

from flows.engine import quarantine
from flows.engine.engine import Engine
from flows.engine.journal import Entry, Journal, entries_in, tally_of
from flows.engine.ledger import SegmentWriter
from flows.engine.tally import Tally
from flows.journals import share
from flows.usage import read_usage
from steps.errors import RunError
from steps.llms.base import Completion, Usage
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Messages, Rule
from tests.fakes.serving import running
from tests.flows.engine.running import Result, run_steps

KEYS = [bytes([number]) * 16 for number in range(200)]


def entry(text: str, step: str = "answer") -> Entry:
    completion = Completion([text], "m", Usage(3, 2), ["stop"])
    return Entry(step, "0", "m", [{"role": "user", "content": "?"}], 1, None, completion, 1.0, 0.5, 1, 0.25)


async def written(folder: Path, count: int, writer: str = "a") -> Journal:
    journal = Journal(folder, writer)
    await journal.open()
    await asyncio.gather(*(journal.keep(KEYS[number], entry(f"reply {number}")) for number in range(count)))
    return journal


async def found(folder: Path) -> list[str | None]:
    journal = Journal(folder, "later")
    await journal.open()
    completions = [journal.get(key) for key in KEYS]
    await journal.close()
    return [completion.texts[0] if completion else None for completion in completions]


def test_what_was_kept_is_found_by_the_next_session(tmp_path: Path) -> None:
    async def go() -> list[str | None]:
        journal = await written(tmp_path, 50)
        texts = await found(tmp_path)  # while the first one is still open
        await journal.close()
        return texts

    assert asyncio.run(go())[:51] == [*(f"reply {number}" for number in range(50)), None]


def test_replies_that_arrive_together_are_written_together(tmp_path: Path) -> None:
    asyncio.run(_closed(tmp_path, 200))

    (path,) = tmp_path.glob("*.seg")
    assert path.stat().st_size < 200 * 100  # in one frame their likeness is compressed
    assert len(list(entries_in([tmp_path]))) == 200


async def _closed(folder: Path, count: int, writer: str = "a") -> None:
    await (await written(folder, count, writer)).close()


def test_a_full_disk_is_told_and_no_reply_is_used(tmp_path: Path) -> None:
    async def go() -> None:
        journal = Journal(tmp_path / "a file", "a")
        await journal.open()
        (tmp_path / "a file").write_text("in the way")
        try:
            await journal.keep(KEYS[0], entry("lost"))
        finally:
            await journal.close()

    with pytest.raises(RunError, match="cannot be written"):
        asyncio.run(go())


def test_what_each_reply_used_is_found_again(tmp_path: Path) -> None:
    asyncio.run(_closed(tmp_path, 10))

    used = [tally_of(entry) for entry in entries_in([tmp_path])]
    assert used == [Tally(1, 3, 2, seconds=0.5, known_cost=0.25)] * 10


def test_what_earlier_sessions_paid_for_is_told_once_and_copies_are_not(tmp_path: Path) -> None:
    async def reopened(folder: Path, *others: Path) -> list[str]:
        told: list[str] = []
        journal = Journal(folder, f"later-{len(list(folder.glob('*')))}", others)
        await journal.open(lambda entry: told.append(entry["completion"]["texts"][0]))
        assert all(journal.get(key) for key in KEYS[:10])
        await journal.close()
        return told

    asyncio.run(_closed(tmp_path / "paid", 10))

    assert asyncio.run(reopened(tmp_path / "paid")) == [f"reply {number}" for number in range(10)]
    assert asyncio.run(reopened(tmp_path / "copying", tmp_path / "paid")) == []
    assert asyncio.run(reopened(tmp_path / "copying")) == []  # alone: the copies suffice


def test_a_journal_that_is_deleted_meanwhile_is_not_missed(tmp_path: Path) -> None:
    async def go() -> list[Completion | None]:
        journal = Journal(tmp_path / "mine", "a", [tmp_path / "other"])
        await journal.open()
        for path in (tmp_path / "other").glob("*"):
            path.unlink()
        found = [journal.get(key) for key in KEYS[:2]]
        await journal.close()
        return found

    asyncio.run(_closed(tmp_path / "other", 2))

    assert asyncio.run(go()) == [None, None]


@pytest.mark.parametrize(
    "odd",
    [
        {"completion": {"texts": ["yes"]}},
        {"completion": {"texts": "yes", "model_name": "m", "usage": {}, "finish_reasons": []}},
        {"completion": {"texts": ["yes"], "model_name": "m", "usage": {"tokens": 3}, "finish_reasons": []}},
        {"seconds": None},
        {"completion": "yes"},
    ],
)
def test_a_reply_of_another_journal_that_cannot_be_read_is_not_copied(tmp_path: Path, odd: dict[str, Any]) -> None:
    good = orjson.loads(entry("good").to_json())
    (tmp_path / "other").mkdir()
    other = SegmentWriter(tmp_path / "other" / "x.seg")
    other.append(KEYS[:3], [orjson.dumps(body) for body in ({**good, **odd}, {**good, **odd}, good)], [1] * 3)
    other.close()
    warned: list[str] = []

    async def go() -> list[Completion | None]:
        journal = Journal(tmp_path / "mine", "a", [tmp_path / "other"])
        await journal.open(warn=warned.append)
        found = [journal.get(key) for key in KEYS[:3]]
        await journal.close()
        return found

    found = asyncio.run(go())

    assert found[:2] == [None, None]
    assert found[2] is not None
    assert [str(other.path) in text for text in warned] == [True]
    assert [copy["completion"]["texts"] for copy in entries_in([tmp_path / "mine"])] == [["good"]]


# ---- in a run


def pipeline(url: str, rows: int = 12, **llm: Any) -> list[dict[str, Any]]:
    data = [{"instruction": f"question {i:02d}"} for i in range(rows)]
    model = {"use": "OpenAILLM", "model": "fake-model", "base_url": f"{url}/v1", "max_retries": 0, **llm}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": model}},
    ]


def test_a_run_without_its_ledger_is_answered_by_its_journal(tmp_path: Path) -> None:
    fake = FakeOpenAI()
    with running(fake) as url:
        first = run_steps(tmp_path, pipeline(url))
        for path in (tmp_path / "ledger").glob("*/*.seg"):
            path.unlink()
        again = run_steps(tmp_path, pipeline(url))

    assert fake.stats.requests == 12
    assert again.only == first.only


def test_tokens_of_all_sessions_count(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply="two words", rules=[Rule("question 03", Fault.CONTEXT_LENGTH)]))
    with running(fake) as url:
        first = run_steps(tmp_path, pipeline(url))
        fake.behaviour = Behaviour(reply="two words")
        quarantine.empty(tmp_path / "quarantine.jsonl")
        again = run_steps(tmp_path, pipeline(url))

    assert first.counts["answer"].usage.output_tokens == 22
    assert again.counts["answer"].usage.output_tokens == 24


def used_by(result: Result, folder: Path) -> Tally:
    """What was used, as the run counts it; what its journal says must be the same."""
    total = read_usage(folder / "journal", "step").total()
    used = result.engine.used
    assert asdict(used) == pytest.approx(asdict(total))  # they are added up in another order
    return total


def test_replies_without_a_text_are_paid_for_and_answer_nothing(tmp_path: Path) -> None:
    price = {"input": 1.0, "output": 2.0}
    fake = FakeOpenAI(Behaviour(reply="", reasoning_tokens=5))
    with running(fake) as url:
        steps = pipeline(url, 3, max_retries=6, price=price)
        first = run_steps(tmp_path, steps)
        used_first = used_by(first, tmp_path)
        fake.behaviour = Behaviour(reply="two words")
        resumed = run_steps(tmp_path, steps)
        used_resumed = used_by(resumed, tmp_path)
        quarantine.empty(tmp_path / "quarantine.jsonl")
        retried = run_steps(tmp_path, steps)
        used_retried = used_by(retried, tmp_path)

    assert [(failure.code, failure.attempts) for failure in first.failures] == [("empty-reply", 2)] * 3
    assert (used_first.requests, used_first.output_tokens) == (6, 30)
    assert used_first.known_cost == pytest.approx((used_first.input_tokens * 1 + 30 * 2) / 1e6)
    assert used_first.seconds > 0
    assert used_resumed == used_first
    assert (used_retried.requests, used_retried.output_tokens) == (9, 36)
    assert [row["generation"] for row in retried.only] == ["two words"] * 3
    assert share(tmp_path / "journal", tmp_path / "replies.jsonl") == 3


def test_an_empty_reply_is_asked_for_once_more(tmp_path: Path) -> None:
    asked: Counter[str] = Counter()

    def reply(messages: Messages, choice: int, model: str) -> str:
        asked[str(messages)] += 1
        return "" if asked[str(messages)] == 1 else "here it is"

    fake = FakeOpenAI(Behaviour(reply=reply))
    with running(fake) as url:
        result = run_steps(tmp_path / "twice", pipeline(url, 3, max_retries=6))
        asked.clear()
        once = run_steps(tmp_path / "once", pipeline(url, 3, max_retries=0))

    assert [row["generation"] for row in result.only] == ["here it is"] * 3
    assert used_by(result, tmp_path / "twice").requests == 6
    assert [failure.attempts for failure in once.failures] == [1, 1, 1]


def test_equal_questions_get_answers_of_their_own_also_when_a_run_goes_on(tmp_path: Path) -> None:
    answers = iter(range(1000))
    fake = FakeOpenAI(Behaviour(reply=lambda messages, choice, model: f"answer {next(answers)}"))

    def steps(url: str) -> list[dict[str, Any]]:
        load, first = pipeline(url)
        load["with"]["data"] = [{"instruction": "the same"}] * 5
        return [load, first, {**first, "name": "second"}]

    with running(fake) as url:
        first = run_steps(tmp_path, steps(url))
        for path in (tmp_path / "ledger").glob("*/*.seg"):
            path.unlink()
        again = run_steps(tmp_path, steps(url))

    texts = [row["generation"] for rows in first.rows.values() for row in rows]
    assert len(set(texts)) == 10
    assert again.rows == first.rows
    assert fake.stats.requests == 10


def test_a_reply_that_was_no_good_is_asked_for_again_by_a_retry_alone(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(reply="no rating"))

    def run(url: str) -> Result:
        load, judge = pipeline(url, 3)
        load["with"]["data"] = [{"instruction": f"{i}", "generations": ["a", "b"]} for i in range(3)]
        judge |= {"use": "UltraFeedback"}
        return run_steps(tmp_path, [load, judge])

    with running(fake) as url:
        first = run(url)
        resumed = run(url)
        asked = fake.stats.requests
        quarantine.empty(tmp_path / "quarantine.jsonl")
        retried = run(url)

    assert [len(result.failures) for result in (first, resumed, retried)] == [3, 0, 3]
    assert asked == 6  # each of three rows, and its repair
    assert fake.stats.requests == 12


def test_free_models_leave_no_journal(tmp_path: Path) -> None:
    load, answer = pipeline("http://nowhere")
    answer["with"]["llm"] = {"use": "RehearsalLLM"}

    run_steps(tmp_path, [load, answer])

    assert not list((tmp_path / "journal").glob("*"))


def test_a_killed_engine_asks_again_only_what_was_in_flight(tmp_path: Path) -> None:
    fake = FakeOpenAI(Behaviour(latency_s=0.1))
    with running(fake) as url:
        program = (
            "import sys; from pathlib import Path; from tests.flows.engine.test_journal import pipeline, run_steps\n"
            "run_steps(Path(sys.argv[1]), pipeline(sys.argv[2], 60, max_concurrency=4))"
        )
        process = subprocess.Popen([sys.executable, "-c", program, str(tmp_path), url])
        while fake.stats.by_status[200] < 23 and process.poll() is None:
            os.sched_yield()
        process.send_signal(signal.SIGKILL)
        process.wait()
        result = run_steps(tmp_path, pipeline(url, 60))

    assert len(result.only) == 60
    assert 60 <= fake.stats.requests <= 64


def test_the_engine_uses_no_reply_that_is_not_durable(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While the disk is slow, the slots of the replies that wait for it stay taken."""

    def slow(self: SegmentWriter) -> None:
        time.sleep(0.3)  # a slow disk is what this is about

    monkeypatch.setattr(SegmentWriter, "sync", slow)
    fake = FakeOpenAI()
    seen: list[tuple[int, int]] = []

    async def watch(engine: Engine) -> None:
        while engine.counts["answer"].made < 8:
            seen.append((fake.stats.requests, engine.counts["answer"].made))
            await asyncio.sleep(0.01)

    with running(fake) as url:
        run_steps(tmp_path, pipeline(url, 8, max_concurrency=2), during=watch)

    assert max(asked - made for asked, made in seen) <= 2
