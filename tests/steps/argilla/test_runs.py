"""Runs that push: odd rows, servers that go away, kills, rehearsals and previews."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flows.models import with_llm
from flows.plan import plan
from flows.runners.inline import preview
from flows.spec import spec_from
from steps.errors import RunError
from tests.fakes.argilla import FakeArgilla
from tests.fakes.argilla.place import Place
from tests.fakes.argilla.state import Refusal
from tests.fakes.serving import Restartable
from tests.flows.commands import Commands, kill, wait_for
from tests.flows.engine.running import run_steps

ROWS = 200
BATCH = 10


def pushing(url: str, key: str, rows: list[dict[str, Any]] | None = None, **parameters: Any) -> list[dict[str, Any]]:
    """A pipeline that pushes rows r0, r1, ..."""
    data = rows or [{"id": f"r{at}", "text": f"text {at}"} for at in range(ROWS)]
    told = {
        "dataset_name": "answers",
        "fields": {"text": "text"},
        "questions": {"q": {"labels": ["a", "b"]}},
        "record_id": "id",
    }
    push = {**told, "api_url": url, "api_key": key, **parameters}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "batch_size": BATCH, "with": {"data": data}},
        {"name": "push", "use": "ToArgilla", "after": "load", "batch_size": BATCH, "with": push},
    ]


@pytest.fixture(autouse=True)
def key_is_known(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KEY_OF_THE_TESTS", "owner.key")
    monkeypatch.setattr("steps.argilla.api.PAUSES_S", (0.0, 0.0))
    monkeypatch.setattr("steps.argilla.api.FIRST_PAUSES_S", (0.0,))


@pytest.fixture
def commands(tmp_path: Path) -> Commands:
    return Commands(tmp_path, KEY_OF_THE_TESTS="owner.key")


KEY = "${KEY_OF_THE_TESTS}"
NAMES = [f"r{at}" for at in range(ROWS)]


def puts(argilla: FakeArgilla) -> list[str]:
    """The ids that were sent, in order, as often as they were."""
    return [item["external_id"] for one in argilla.requests if one.path.endswith("/bulk") for item in one.body["items"]]


def test_rows_that_cannot_be_sent_stand_alone(fake: Place, tmp_path: Path) -> None:
    rows: list[dict[str, Any]] = [{"id": f"r{at}", "text": f"text {at}"} for at in range(20)]
    rows[3]["text"], rows[14]["id"] = ["a"], None

    result = run_steps(tmp_path, pushing(fake.url, KEY, rows))

    assert sorted(one["external_id"] for one in fake.records("answers")) == sorted(
        f"r{at}" for at in range(20) if at not in (3, 14)
    )
    assert len(result.only) == 18
    assert ["'text' holds a list" in one.message or "nothing in 'id'" in one.message for one in result.failures] == [True, True]


def test_a_row_that_argilla_does_not_take_stands_alone(argilla: FakeArgilla, fake: Place, tmp_path: Path) -> None:
    def refuse(seen: Any) -> Refusal | None:
        is_odd = seen.path.endswith("/bulk") and any(item["external_id"] == "r7" for item in seen.body["items"])
        return Refusal(422, "Record at position 0 is not valid because it is odd") if is_odd else None

    argilla.answer_with = refuse

    result = run_steps(tmp_path, pushing(fake.url, KEY))

    assert len(result.only) == ROWS - 1
    [failure] = result.failures
    assert "Argilla does not take this record: Record at position 0 is not valid because it is odd" in failure.message


def test_a_server_that_goes_away_ends_the_run_which_then_goes_on(argilla: FakeArgilla, tmp_path: Path) -> None:
    with Restartable(argilla) as server:
        argilla.answer_with = lambda seen: Refusal(503, "going down") if len(puts(argilla)) > ROWS // 2 else None
        with pytest.raises(RunError, match=r"Argilla at .* answers 503: going down") as caught:
            run_steps(tmp_path, pushing(server.url, KEY))
        assert "start it" in caught.value.fix
        server.stop()
        with pytest.raises(RunError, match="cannot be reached"):
            run_steps(tmp_path, pushing(server.url, KEY))
        kept = list(argilla.dataset("answers").records)
        argilla.requests.clear()
        argilla.answer_with = lambda seen: None
        server.start()

        result = run_steps(tmp_path, pushing(server.url, KEY))

    assert list(argilla.dataset("answers").records) == NAMES
    assert ROWS // 2 <= len(kept) < ROWS
    assert len(result.only) == ROWS
    assert result.failures == []
    assert len(puts(argilla)) < ROWS  # what had arrived and was recorded is not sent again


def test_a_run_that_was_killed_while_it_pushed_goes_on(argilla: FakeArgilla, fake: Place, commands: Commands) -> None:
    commands.write(pushing(fake.url, KEY))
    process = commands.start("run", "pipeline.yaml", "--run-id", "r", "--no-prefect")
    wait_for(lambda: len(puts(argilla)) > ROWS // 4)
    kill(process)
    process.communicate()
    commands.wait_until_gone()

    ended = commands("resume", "r", "--no-prefect")

    assert ended.code == 0, ended.err
    assert list(argilla.dataset("answers").records) == NAMES
    assert len(commands.rows()) == ROWS


def test_several_workers_make_one_data_set(fake: Place, tmp_path: Path) -> None:
    load, push = pushing(fake.url, KEY, metadata=["text"])

    run_steps(tmp_path, [load, {**push, "resources": {"replicas": 3}}], in_threads=False)

    assert sorted(one["external_id"] for one in fake.records("answers")) == sorted(NAMES)


def test_a_rehearsal_and_a_preview_send_nothing(argilla: FakeArgilla, fake: Place, tmp_path: Path) -> None:
    spec = spec_from({"distilflow": 1, "steps": pushing(fake.url, KEY)})[0]
    rehearsed = with_llm(spec, "rehearsal").to_dict()["steps"]

    result = run_steps(tmp_path / "rehearsal", rehearsed)
    shown = preview(plan(spec), 3, runs_dir=tmp_path)

    assert len(result.only) == ROWS
    assert len(shown.rows["push"]) == 3
    assert argilla.requests == []


def test_a_run_without_a_server_ends_before_anything_is_made(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="cannot be reached") as caught:
        run_steps(tmp_path, pushing("http://127.0.0.1:9", KEY))

    assert "correct `api_url` or $ARGILLA_API_URL" in caught.value.fix


def test_what_was_pushed_is_not_pushed_again(argilla: FakeArgilla, fake: Place, tmp_path: Path) -> None:
    run_steps(tmp_path, pushing(fake.url, KEY))
    sent = len(puts(argilla))

    run_steps(tmp_path, pushing(fake.url, KEY))

    assert len(puts(argilla)) == sent == ROWS


def test_annotations_are_read_anew_each_time(argilla: FakeArgilla, fake: Place, tmp_path: Path) -> None:
    run_steps(tmp_path / "push", pushing(fake.url, KEY))
    key = fake.add_user("ann")
    told = {"dataset_name": "answers", "api_url": fake.url, "api_key": KEY}
    load = [{"name": "load", "use": "LoadAnnotationsFromArgilla", "with": told}]
    seen = []
    for record in fake.records("answers")[:2]:
        fake.respond(key, record, q="a")
        seen.append([(row["item"], row["label"]) for row in run_steps(tmp_path / "load", load).only])

    assert seen == [[("r0", "a")], [("r0", "a"), ("r1", "a")]]
