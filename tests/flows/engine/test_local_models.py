"""Models that this machine computes: one process for all steps that share one, replaced when it dies, gone with the run."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path
from typing import Any

import psutil
import pytest

from flows.engine import model_pool
from flows.engine.engine import Engine
from flows.plan import plan
from flows.plan.grouping import by_devices
from flows.pools import Pools
from flows.spec import spec_from
from steps.errors import RunError
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.serving import running
from tests.flows.commands import Commands, kill, wait_for
from tests.flows.engine.running import Result, run_steps

ECHO = "tests.flows.engine.own_models:Echo"


def load(rows: int) -> dict[str, Any]:
    data = [{"instruction": f"q{number}"} for number in range(rows)]
    return {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}, "batch_size": 10}


def ask(name: str = "ask", after: str = "load", gpus: int | None = None, replicas: int = 1, **llm: Any) -> dict[str, Any]:
    return {
        "name": name,
        "use": "TextGeneration",
        "after": after,
        "with": {"llm": {"use": ECHO, **llm}},
        "output_mappings": {"generation": name, "model_name": f"{name}_model"},
        **(
            {"pool": "gpu", "resources": {"gpus": gpus, "replicas": replicas}}
            if gpus
            else {"resources": {"replicas": replicas}}
        ),
    }


def pids(result: Result, step: str = "ask") -> set[int]:
    return {int(row[step].split()[0]) for row in result.only}


def loaded(path: Path) -> int:
    return len(path.read_text().split()) if path.exists() else 0


def is_alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False


@pytest.mark.parametrize("in_threads", [False, True], ids=["run", "preview"])
def test_steps_that_share_a_model_load_it_once_and_sample_as_each_says(tmp_path: Path, in_threads: bool) -> None:
    loads = tmp_path / "loads"
    first = ask("a", gpus=1, loads=str(loads), generation_kwargs={"temperature": 0.1})
    second = ask("b", "a", gpus=1, loads=str(loads), generation_kwargs={"temperature": 0.9}, max_concurrency=3)

    result = run_steps(tmp_path / "run", [load(30), first, second], in_threads=in_threads, devices=("7",))

    assert loaded(loads) == 1
    assert pids(result, "a") == pids(result, "b") != {os.getpid()}
    assert all(row["a"].split(" ", 3)[1] == row["b"].split(" ", 3)[1] == "7" for row in result.only)
    assert all("0.1" in row["a"] and "0.9" in row["b"] for row in result.only)
    assert [row["a"].split()[-1] for row in result.only] == [f"q{number}" for number in range(30)]
    assert not any(is_alive(pid) for pid in pids(result, "a"))


def test_rows_of_many_batches_are_at_work_together(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [load(200), ask(max_concurrency=64, takes_s=0.05)], in_threads=False)

    assert max(int(row["ask"].split()[2]) for row in result.only) > 40  # a batch has 10 rows


def test_each_replica_has_its_own_process_and_device(tmp_path: Path) -> None:
    steps = [load(60), ask(gpus=1, replicas=2, takes_s=0.01, max_concurrency=4)]

    result = run_steps(tmp_path, steps, in_threads=False, devices=("0", "1"))

    seen = {tuple(row["ask"].split()[:2]) for row in result.only}
    assert sorted(device for _, device in seen) == ["0", "1"]


def test_two_models_on_one_gpu_take_turns(tmp_path: Path) -> None:
    steps = [load(30), ask("a", gpus=1, model="one"), ask("b", "a", gpus=1, model="two")]

    result = run_steps(tmp_path, steps, in_threads=False, devices=("0",))

    turns = [(step, state) for step, state in result.workers if step in "ab" and state in ("started", "ended")]
    assert turns == [("a", "started"), ("a", "ended"), ("b", "started"), ("b", "ended")]
    assert pids(result, "a") != pids(result, "b")


def planned(*steps: dict[str, Any], devices: tuple[str, ...] = ("0",)) -> Any:
    spec, problems = spec_from({"distilflow": 1, "steps": [load(1), *steps]})
    assert not problems
    return plan(spec, Pools(devices=devices))


def test_a_shared_model_needs_its_gpu_once() -> None:
    shared = planned(ask("a", gpus=1), ask("b", "a", gpus=1, max_concurrency=2))
    other = planned(ask("a", gpus=1), ask("b", "a", gpus=1, model="two"), ask("c", "b", gpus=1, model="two"))

    assert by_devices(shared) == ()
    assert by_devices(other) == (("a",), ("b", "c"))


def test_a_model_that_can_do_without_a_gpu_runs_on_a_machine_without_one() -> None:
    assert planned(ask(), devices=()).steps["ask"].pool == "process"
    assert planned(ask()).steps["ask"].pool == "gpu"


def test_a_process_that_dies_is_replaced_and_asked_again(tmp_path: Path) -> None:
    once, loads = tmp_path / "died", tmp_path / "loads"
    step = ask(dies_of="q17", dies_once=str(once), loads=str(loads), max_concurrency=8)

    result = run_steps(tmp_path / "run", [load(40), step], in_threads=False)

    assert [row["ask"].split()[-1] for row in result.only] == [f"q{number}" for number in range(40)]
    assert not result.failures
    assert loaded(loads) == 2
    assert any("died" in said and "another one" in said for _, said in result.said)


def test_a_process_that_dies_is_replaced_also_among_more_of_them_than_there_are_threads(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "cpu_count", lambda: 1)  # asyncio has 4 threads more
    step = ask(dies_of="q17", dies_once=str(tmp_path / "died"), replicas=6, takes_s=0.01, max_concurrency=2)

    result = run_steps(tmp_path / "run", [load(40), step], in_threads=False)

    assert len(result.only) == 40


def test_a_row_that_takes_every_process_down_goes_to_the_quarantine_alone(tmp_path: Path) -> None:
    result = run_steps(tmp_path, [load(40), ask(dies_of="q17", max_concurrency=8)], in_threads=False)

    assert [failure.row["instruction"] for failure in result.failures] == ["q17"]
    assert "every process" in result.failures[0].message
    assert len(result.only) == 39


def test_an_engine_that_is_gone_for_good_is_started_anew(tmp_path: Path) -> None:
    loads = tmp_path / "loads"

    result = run_steps(tmp_path / "run", [load(40), ask(gone_after=30, loads=str(loads), max_concurrency=4)], in_threads=False)

    assert len(result.only) == 40
    assert loaded(loads) == 2


@pytest.mark.parametrize(
    ("fails", "said", "fix"),
    [
        ("CUDA out of memory. Tried to allocate 20 GiB", "does not fit into memory", "lower max_model_len"),
        ("You are trying to access a gated repo.", "its repository is gated", "HF_TOKEN"),
        ("x/y is not a local folder and is not a valid model identifier", "it is not there", "check its name"),
        ("something new", "something new", "see logs/"),
        ("dies", "died while it loaded", "see logs/"),
    ],
    ids=["memory", "gated", "missing", "unknown", "dies"],
)
def test_a_model_that_cannot_be_loaded_ends_the_run_with_what_to_do(tmp_path: Path, fails: str, said: str, fix: str) -> None:
    with pytest.raises(RunError, match=said) as caught:
        run_steps(tmp_path, [load(4), ask(fails=fails)], in_threads=False)

    assert fix in caught.value.fix
    assert "step 'ask'" in caught.value.message


def test_other_steps_go_on_while_a_process_takes_its_time_to_end(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(model_pool, "LAST_WORDS_S", 2.0)
    gaps: list[float] = []

    async def watch(engine: Engine) -> None:
        while True:
            begin = time.monotonic()
            await asyncio.sleep(0.01)
            gaps.append(time.monotonic() - begin)

    with pytest.raises(RunError):
        run_steps(tmp_path, [load(1), ask(fails="no such file", lingers_s=30.0)], in_threads=False, during=watch)

    assert sum(gaps) > 2.0
    assert max(gaps) < 1.0


def test_a_run_can_be_stopped_while_a_model_loads(tmp_path: Path) -> None:
    loads = tmp_path / "loads"

    async def stop_soon(engine: Engine) -> None:
        while not loaded(loads):
            await asyncio.sleep(0.05)
        engine.stop()

    result = run_steps(tmp_path / "run", [load(4), ask(loads=str(loads), loads_s=600)], in_threads=False, during=stop_soon)

    assert result.engine.is_stopped
    assert not any(is_alive(int(pid)) for pid in loads.read_text().split())


def test_outside_of_a_run_a_model_is_loaded_right_there() -> None:
    from steps.tasks import TextGeneration
    from tests.flows.engine.own_models import Echo

    rows = TextGeneration(llm=Echo()).process([{"instruction": "here"}])

    assert rows[0]["generation"].startswith(f"{os.getpid()} ")


def test_a_rehearsal_loads_nothing(commands: Commands) -> None:
    none = {**ask(gpus=1), "with": {"llm": {"use": "tests.flows.engine.own_models:NotToBeLoaded"}}}

    ended = commands("run", commands.write([load(3), none]), "--rehearse", "--no-prefect", "--run-id", "r")

    assert ended.code == 0, ended.err
    assert len(commands.rows()) == 3


def test_no_process_outlives_an_engine_that_is_killed_and_the_run_goes_on(commands: Commands) -> None:
    steps = [load(60), ask(takes_s=0.05, max_concurrency=2, loads=str(commands.folder / "loads"))]
    process = commands.start("run", commands.write(steps), "--run-id", "r", "--no-prefect")
    wait_for(lambda: loaded(commands.folder / "loads"))
    time.sleep(0.5)
    kill(process)
    process.communicate()
    commands.wait_until_gone()

    ended = commands("resume", "r", "--no-prefect")

    assert ended.code == 0, ended.err
    assert len(commands.rows()) == 60
    assert loaded(commands.folder / "loads") == 2


@pytest.mark.skipif(not hasattr(os, "SCHED_BATCH"), reason="Linux only")
def test_the_engine_interrupts_none_who_computes_and_those_interrupt_it(commands: Commands) -> None:
    steps = [load(60), ask(takes_s=0.05, max_concurrency=2, loads=str(commands.folder / "loads"))]
    process = commands.start("run", commands.write(steps), "--run-id", "r", "--no-prefect")
    wait_for(lambda: loaded(commands.folder / "loads"))

    model = psutil.Process(int((commands.folder / "loads").read_text()))
    engine = next(one for one in model.parents() if any(part.endswith("engine_process") for part in one.cmdline()))
    policies = [os.sched_getscheduler(one.pid) for one in (engine, model)]
    process.communicate()

    assert policies == [os.SCHED_BATCH, os.SCHED_OTHER]


def test_plan_says_before_the_run_who_shares_and_who_takes_turns(commands: Commands) -> None:
    commands.environment["DISTILFLOW_GPUS"] = "0"
    steps = [load(3), ask("a", gpus=1), ask("b", "a", gpus=1), ask("c", "b", gpus=1, model="other")]

    ended = commands("plan", commands.write(steps))

    assert ended.code == 0, ended.err
    assert "'a', 'b' share a model: it is loaded once" in " ".join(ended.out.split())
    assert "One after the other: a, b; c" in " ".join(ended.out.split())


@pytest.mark.prefect
@pytest.mark.xdist_group("prefect")
def test_prefect_gives_out_the_gpu_once_for_steps_that_share_a_model(commands: Commands) -> None:
    commands.environment["DISTILFLOW_GPUS"] = "5"
    steps = [load(12), ask("a", gpus=1), ask("b", "a", gpus=1), ask("c", "b", gpus=1, model="other")]

    ended = commands("run", commands.write(steps), "--run-id", "r", timeout_s=180)

    assert ended.code == 0, ended.err
    assert {row["c"].split()[1] for row in commands.rows()} == {"5"}


# ---- models that ask others
def mixture(aggregator: dict[str, Any], *proposers: dict[str, Any], gpus: int | None = None) -> dict[str, Any]:
    llm = {"use": "MixtureOfAgentsLLM", "aggregator_llm": aggregator, "proposers_llms": list(proposers)}
    step = {"name": "mix", "use": "TextGeneration", "after": "load", "with": {"llm": llm}}
    place = {"pool": "gpu", "resources": {"gpus": gpus}} if gpus else {}
    return {**step, **place, "output_mappings": {"generation": "mix"}}


@pytest.mark.parametrize("gpus", [None, 1])
@pytest.mark.parametrize("in_threads", [False, True], ids=["run", "preview"])
def test_members_of_a_mixture_share_what_is_loaded_and_sample_as_each_says(
    tmp_path: Path, in_threads: bool, gpus: int | None
) -> None:
    loads = tmp_path / "loads"
    own = {"use": ECHO, "loads": str(loads)}
    drafting = [{**own, "generation_kwargs": {"temperature": warm}} for warm in (0.1, 0.9)]
    steps, devices = [load(8), mixture(own, *drafting, gpus=gpus)], ("7",) if gpus else ()
    result = run_steps(tmp_path / "run", steps, in_threads=in_threads, devices=devices)

    assert loaded(loads) == 1
    assert pids(result, "mix") != {os.getpid()}
    assert all(row["mix"].split()[1] == ("7" if gpus else "-") for row in result.only)
    assert [row["mix"].split()[-1] for row in result.only] == [f"q{number}" for number in range(8)]


def test_a_mixture_of_models_here_and_on_a_server_needs_no_device_where_there_is_none(tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    with running(FakeOpenAI()) as url:
        served = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1"}
        own = {"use": ECHO, "loads": str(loads), "generation_kwargs": {"temperature": 0.1}}
        result = run_steps(
            tmp_path / "run", [load(4), mixture({"use": ECHO, "loads": str(loads)}, own, served)], in_threads=False
        )

    assert loaded(loads) == 1
    assert len(result.only) == 4


def test_a_mixture_shares_its_model_with_a_step_that_asks_it_alone(tmp_path: Path) -> None:
    loads = tmp_path / "loads"
    own = {"use": ECHO, "loads": str(loads)}
    alone = ask("alone", "mix", loads=str(loads))
    result = run_steps(tmp_path / "run", [load(4), mixture(own, own), alone], in_threads=False)

    assert loaded(loads) == 1
    assert pids(result, "alone") == pids(result, "mix")
