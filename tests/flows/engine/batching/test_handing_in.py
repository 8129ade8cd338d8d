"""Batches on their way to a provider, and those that it does not take."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest

from flows.engine.batching import gathering, handing_in
from flows.engine.engine import Engine
from steps.errors import AuthFailed, LLMError, RunError
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.providers.batches import KEY, FakeBatches, Kind
from tests.fakes.serving import running
from tests.flows.engine.batching.pipelines import each_filed_kind, each_kind, questions, steps, stopping
from tests.flows.engine.running import run_steps


@each_kind
def test_a_batch_that_was_never_made_is_made_after_all(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, failing_creates=1)
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(40)))
    assert len(result.only) == 40
    assert len(fake.made) == 1
    assert fake.listings >= 3


def test_a_provider_that_asks_for_a_year_is_asked_again_before(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handing_in, "LONGEST_WAIT_S", 0.1)
    fake = FakeBatches("openai", refused_creates=2)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(10)))
    assert len(result.only) == 10
    assert len(fake.made) == 1


def test_a_server_without_batches_is_told_with_what_to_do(tmp_path: Path) -> None:
    with running(FakeOpenAI()) as url, pytest.raises(RunError, match="has no batch endpoint") as told:
        run_steps(tmp_path, steps("openai", url, questions(3)))
    assert "leave `batch` out" in told.value.fix


def test_a_server_that_was_never_there_ends_the_run(tmp_path: Path) -> None:
    with running(FakeBatches("openai")) as url:
        pass  # nobody listens there any more
    with pytest.raises(LLMError, match="takes no batch") as told:
        run_steps(tmp_path, steps("openai", url, questions(5), max_retries=2))
    assert told.value.is_fatal


def test_a_bad_key_ends_the_run(tmp_path: Path) -> None:
    fake = FakeBatches("openai")
    with running(fake) as url, pytest.raises(Exception, match="refuses the key"):
        run_steps(tmp_path, steps("openai", url, questions(10), api_key="${BAD_KEY}"))
    assert not fake.made


def test_a_line_that_is_refused_fails_its_row_and_the_others_go_again(tmp_path: Path) -> None:
    fake = FakeBatches("openai")
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, [*questions(20), "please refuse this line"]))
    assert len(result.only) == 20
    [failure] = result.failures
    assert "missing_required_parameter" in failure.message
    assert set(fake.ran.values()) == {1}


def test_a_limit_of_what_may_lie_in_batches_makes_them_smaller(tmp_path: Path) -> None:
    fake = FakeBatches("openai", most_open=30)
    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(100)))
    assert len(result.only) == 100
    assert set(fake.ran.values()) == {1}
    assert any("in smaller batches" in text for _, text in result.said)


def test_a_paused_run_sends_no_batch(tmp_path: Path) -> None:
    fake = FakeBatches("openai")
    seen: list[int] = []

    async def pausing(engine: Engine) -> None:
        engine.pause()
        await asyncio.sleep(0.5)
        seen.append(len(fake.made))
        engine.go_on()

    with running(fake) as url:
        result = run_steps(tmp_path, steps("openai", url, questions(10)), during=pausing)
    assert seen == [0]
    assert len(result.only) == 10


@pytest.mark.parametrize(
    ("kind", "path", "said"),
    [
        ("openai", "/files", "not with a file"),
        ("openai", "/batches", "not with a batch"),
        ("anthropic", "/batches", "not with a batch"),
    ],
)
def test_a_page_instead_of_an_answer_is_told_as_what_it_is(kind: Kind, path: str, said: str, tmp_path: Path) -> None:
    fake = FakeBatches(kind, no_json=path)

    async def mend(engine: Engine) -> None:
        while not fake.pages:
            await asyncio.sleep(0.01)
        fake.no_json = ""

    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(5)), during=mend)
    [warning] = [text for level, text in result.said if level == "warning"]
    assert f"{said}: it is not JSON; it said 200: <html>Please sign in" in warning
    assert len(result.only) == 5
    assert len(fake.made) == 1


KEYS: dict[str, Any] = {"api_key": ["${BAD_KEY}", "${BATCH_KEY}"]}


@each_kind
def test_a_key_that_is_refused_leaves_its_batches_to_the_next_one(kind: Kind, tmp_path: Path) -> None:
    fake = FakeBatches(kind, keeps_going=False)
    with running(fake) as url:
        stopped = run_steps(tmp_path, steps(kind, url, questions(5), **KEYS), during=stopping(fake))
        fake.keeps_going = True
        result = run_steps(tmp_path, steps(kind, url, questions(5), **KEYS))
    [warning] = [text for level, text in stopped.said if "another one is used" in text]
    assert "refuses the key" in warning
    assert "$BAD_KEY" in warning
    assert len(result.only) == 5
    assert [one.key for one in fake.made] == [KEY]


@each_filed_kind
def test_a_key_that_may_make_no_batches_leaves_no_file_behind(
    kind: Kind, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("BAD_KEY", "a-key-for-reading")
    fake = FakeBatches(kind, reading_key="a-key-for-reading")
    with running(fake) as url:
        result = run_steps(tmp_path, steps(kind, url, questions(5), **KEYS))
    assert len(result.only) == 5
    assert [one.key for one in fake.made] == [KEY]
    assert fake.uploads == len(fake.deleted) == 2


def test_batches_that_leave_together_are_all_sent_with_the_next_key_or_none_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(gathering, "MOST_AT_ONCE", 5)
    monkeypatch.setenv("OTHER_BAD_KEY", "a-key-for-reading")
    fake = FakeBatches("mistral", reading_key="a-key-for-reading")
    with running(fake) as url:
        result = run_steps(tmp_path / "a", steps("mistral", url, questions(20), **KEYS))
        with pytest.raises(AuthFailed, match="refuses the key"):
            run_steps(tmp_path / "b", steps("mistral", url, questions(20), api_key=["${BAD_KEY}", "${OTHER_BAD_KEY}"]))
    assert len(result.only) == 20
    assert [one.key for one in fake.made] == [KEY] * 4
