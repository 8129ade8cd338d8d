"""Where steps work, and on what."""

from __future__ import annotations

import pytest

from flows.pools import Pools
from tests.flows.describing import LOAD, only, problems_of


@pytest.mark.parametrize(
    ("place", "code", "what"),
    [
        ("pool: procss", "unknown-pool", "there is no pool 'procss'. Did you mean 'process'?"),
        ("pool: async", "wrong-pool", "does not wait for a server"),
        ("pool: gpu, resources: {gpus: 3}", "no-such-resources", "asks for 3 GPU(s); this machine has 2"),
        ("pool: gpu, resources: {gpus: 1, replicas: 3}", "no-such-resources", "asks for 3 GPU(s)"),
        ("pool: gpu, resources: {replicas: 3}", "no-such-resources", "asks for 3 GPU(s)"),
        ("resources: {gpus: 1}", "no-such-resources", "only the pool gpu has devices"),
        ("resources: {cpus: 9}", "no-such-resources", "asks for 9 cores per replica; this machine has 4"),
        ("resources: {memory: 9000000000}", "no-such-resources", "asks for 9.0 GB; this machine has 8.0"),
        ("resources: {memory: 3000000000, replicas: 3}", "no-such-resources", "asks for 9.0 GB"),
    ],
)
def test_a_place_that_cannot_be_given(place: str, code: str, what: str) -> None:
    step = f"- {{name: s, use: KeepColumns, with: {{columns: [instruction]}}, after: load, {place}}}"

    assert what in only(problems_of(f"{LOAD}\n{step}"), code).what


def test_a_source_and_a_step_on_all_rows_have_no_replicas(own: dict[str, str]) -> None:
    text = LOAD[:-1] + ", resources: {replicas: 2}}" + f"\n- {{name: s, use: '{own['SortRows']}', after: load"

    found = problems_of(text + ", resources: {replicas: 2}}")

    assert [problem.what for problem in found] == [
        "2 replicas, but it makes all rows",
        "2 replicas, but it needs all rows at once",
    ]


def test_steps_that_ask_for_more_gpus_together_than_there_are_work_one_after_the_other() -> None:
    step = "\n- {name: %s, use: KeepColumns, with: {columns: [instruction]}, after: load, pool: gpu, resources: {gpus: %d}}"

    assert problems_of(LOAD + step % ("a", 2) + step % ("b", 1)) == []


def test_a_machine_without_a_gpu_says_so() -> None:
    text = LOAD + "\n- {name: s, use: KeepColumns, with: {columns: [instruction]}, after: load, pool: gpu}"

    problem = only(problems_of(text, Pools(cpus=1, memory=10**9)), "no-such-resources")

    assert (problem.what, "GPU" in problem.fix) == ("asks for 1 GPU(s); this machine has none", True)
