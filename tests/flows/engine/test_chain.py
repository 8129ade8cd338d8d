"""Cheap steps fused into a chain: the express way, the careful way and a run that goes on give the same."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

import pytest

from flows.engine import chain, items
from flows.engine.live import NEWEST
from tests.flows.engine.running import Result, own, run_steps

EXACT = NEWEST + 1
"""A preview asks for more rows than a run shows: no express way there."""


def random_steps(rng: Random) -> list[dict[str, Any]]:
    steps: list[dict[str, Any]] = [{"name": "load", "use": own("Numbers"), "batch_size": 16, "with": {"rows": 40}}]
    for at in range(rng.randint(1, 5)):
        use, params = rng.choice(
            [
                ("Add", {"column": f"c{at}", "plus": at}),
                ("Add", {"column": f"c{at}", "raise_at": rng.sample(range(40), 3)}),
                ("Odd", {}),
                ("Twice", {}),
                ("SetOfTags", {}),
            ]
        )
        sizes = {"batch_size": rng.choice([1, 7, 50])}
        steps.append({"name": f"s{at}", "use": own(use), "after": steps[-1]["name"], "with": params, **sizes})
    return steps


def told(result: Result) -> tuple[Any, ...]:
    failures = sorted((f.step, f.id, f.key, f.code, str(f.row)) for f in result.failures)
    counts = {step: (count.taken, count.made, count.failed) for step, count in result.counts.items()}
    return result.only, failures, counts


@pytest.mark.parametrize("seed", range(25))
def test_the_express_way_and_the_careful_way_lead_to_the_same(tmp_path: Path, seed: int) -> None:
    steps = random_steps(Random(seed))

    express = run_steps(tmp_path / "express", steps)
    careful = run_steps(tmp_path / "careful", steps, newest=EXACT)

    assert told(express) == told(careful)


@pytest.mark.parametrize("worth_keeping_s", [0.0, 60.0], ids=["every-step-kept", "only-the-last-kept"])
@pytest.mark.parametrize("seed", range(25))
def test_a_run_that_goes_on_leads_to_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, seed: int, worth_keeping_s: float
) -> None:
    monkeypatch.setattr(chain, "WORTH_KEEPING_S", worth_keeping_s)
    rng = Random(seed)
    steps = random_steps(rng)
    whole = run_steps(tmp_path / "whole", steps)

    part = run_steps(tmp_path / "parts", steps, max_rows=rng.randint(1, 39))
    resumed = run_steps(tmp_path / "parts", steps)

    assert resumed.only == whole.only
    assert told(resumed)[2] == told(whole)[2]
    assert len(part.failures) + len(resumed.failures) == len(whole.failures)


def test_what_a_cheap_step_made_is_not_kept_and_what_a_costly_one_made_is(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(chain, "WORTH_KEEPING_S", 0.002)  # a busy machine makes nothing costly that is cheap
    steps: list[dict[str, Any]] = [
        {"name": "load", "use": own("Numbers")},
        {"name": "cheap", "use": own("SetOfTags"), "after": "load"},
        {"name": "costly", "use": own("Add"), "after": "cheap", "with": {"sleep_s": 0.5}},
        {"name": "last", "use": own("Counts"), "after": "costly"},
    ]
    run_steps(tmp_path, steps)

    kept = {folder.name.rpartition("-")[0] for folder in (tmp_path / "ledger").iterdir()}

    assert kept == {"costly", "last"}


def test_all_rows_of_a_frame_take_one_entry_in_the_result(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"name": "load", "use": own("Numbers"), "batch_size": 100, "with": {"rows": 1000}},
        {"name": "add", "use": own("Add"), "after": "load"},
    ]
    result = run_steps(tmp_path, steps)

    assert [row["i"] for row in result.only] == list(range(1000))
    assert (tmp_path / "shelves" / "add.shelf").stat().st_size < 2000


def test_equal_rows_are_told_apart_however_many_rows_there_are(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = Random(0)
    bodies = [str(rng.randrange(300)).encode() for _ in range(2000)]
    at_once = items.ContentKeys().keys(bodies)
    monkeypatch.setattr(items, "_NEWEST_KEYS", 50)  # nearly all of them are looked up in the sorted array

    found, batches = items.ContentKeys(), []
    while bodies:
        size = rng.randint(1, 40)
        batches += found.keys(bodies[:size])
        bodies = bodies[size:]

    assert batches == at_once
    assert len(set(at_once)) == 2000


def test_a_worker_that_dies_after_a_step_over_all_rows_loses_and_doubles_none(tmp_path: Path) -> None:
    steps: list[dict[str, Any]] = [
        {"name": "load", "use": own("Numbers"), "with": {"rows": 300}},
        {"name": "shuffle", "use": own("Shuffled"), "after": "load"},
        {
            "name": "add",
            "use": own("Add"),
            "after": "shuffle",
            "batch_size": 10,
            "with": {"kill_at": [150], "kill_once": str(tmp_path / "killed"), "sleep_s": 0.005},
        },
    ]
    result = run_steps(tmp_path / "run", steps, in_threads=False)

    assert (tmp_path / "killed").exists()
    assert sorted(row["i"] for row in result.only) == list(range(300))


def test_a_source_may_yield_the_same_dict_again_with_other_content(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [{"name": "load", "use": own("SameDict")}])

    assert [row["i"] for row in result.only] == list(range(100))
