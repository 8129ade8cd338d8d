"""The flow: a run seen by Prefect, a deployment with its parameters, and cancelling it. All against a real server."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from flows.runners import prefect_server
from flows.runners.prefect_server import end_server, ensure_server
from flows.runs import RunFolder
from tests.flows.commands import ROOT, Commands, wait_for
from tests.flows.engine.running import own

pytestmark = [pytest.mark.prefect, pytest.mark.xdist_group("prefect")]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """Environment of a server of its own."""
    home = tmp_path_factory.mktemp("prefect")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("PREFECT_HOME", str(home))
        patch.delenv("PREFECT_API_URL", raising=False)
        url = ensure_server(home)
        yield {"PREFECT_HOME": str(home), "PREFECT_API_URL": url}
        end_server(home)
        for process in prefect_server._started:
            process.wait(20)


@pytest.fixture
def surroundings(server: dict[str, str]) -> dict[str, str]:
    return {"DISTILFLOW_HOME": str(ROOT), **server}


def prefect(commands: Commands, *arguments: str, timeout_s: float = 60) -> str:
    command = [sys.executable, "-m", "prefect", *arguments]
    ended = subprocess.run(command, cwd=ROOT, env=commands.environment, capture_output=True, text=True, timeout=timeout_s)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return ended.stdout


def ask_api(commands: Commands, question: Callable[[Any], Any], monkeypatch: pytest.MonkeyPatch) -> Any:
    for name in ("PREFECT_HOME", "PREFECT_API_URL"):
        monkeypatch.setenv(name, commands.environment[name])
    from prefect.client.orchestration import get_client

    async def go() -> Any:
        async with get_client() as client:
            return await question(client)

    return asyncio.run(go())


def slow_steps(rows: int) -> list[dict[str, Any]]:
    load = {"name": "load", "use": own("Numbers"), "with": {"rows": rows}, "batch_size": 5}
    add = {"name": "add", "use": own("Add"), "after": "load", "with": {"sleep_s": 0.1}}
    return [load, {**add, "batch_size": 5, "resources": {"replicas": 2}}]


def test_a_run_is_a_flow_run_with_a_task_run_per_replica(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    # the engine works before Prefect is imported, so a run of a few seconds may be over before anybody could show how far it is
    ended = commands("run", commands.write(slow_steps(1200)), "--run-id", "seen")

    assert ended.code == 0, ended.err
    assert len(commands.rows("seen")) == 1200
    flow_run = (commands.folder / "runs/seen/flow_run").read_text()

    async def look(client: Any) -> tuple[Any, list[Any], list[Any]]:
        run = await client.read_flow_run(flow_run)
        from prefect.client.schemas.filters import ArtifactFilter, FlowRunFilter, FlowRunFilterId

        mine = FlowRunFilter(id=FlowRunFilterId(any_=[run.id]))
        tasks = await client.read_task_runs(flow_run_filter=mine)
        return run, tasks, await client.read_artifacts(artifact_filter=ArtifactFilter(), flow_run_filter=mine)

    run, tasks, artifacts = ask_api(commands, look, monkeypatch)
    assert run.state.is_completed()
    assert "1200 rows" in run.state.message
    assert sorted(task.name for task in tasks) == ["add 0", "add 1", "load 0"]
    assert all(task.state.is_completed() for task in tasks)
    assert {artifact.type for artifact in artifacts} == {"progress", "table"}


def test_a_failed_run_fails_its_flow_run_and_says_why(commands: Commands) -> None:
    total = {"name": "t", "use": own("Total"), "after": "load", "with": {"fails": True}}

    ended = commands("run", commands.write([{"name": "load", "use": own("Numbers")}, total]), "--run-id", "bad")

    assert ended.code == 1
    assert "no total today" in ended.err
    assert "Traceback" not in ended.err


def test_a_deployment_takes_parameters_and_can_be_cancelled(commands: Commands, monkeypatch: pytest.MonkeyPatch) -> None:
    prefect(commands, "work-pool", "create", "distilflow", "--type", "process")
    prefect(commands, "--no-prompt", "deploy", "--all")
    worker = subprocess.Popen(
        [sys.executable, "-m", "prefect", "worker", "start", "--pool", "distilflow"],
        cwd=ROOT,
        env={**commands.environment, "PREFECT_WORKER_QUERY_SECONDS": "1"},
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    runs = commands.folder / "runs"
    try:
        deploy = ("deployment", "run", "distilflow/quickstart", "--param", f"runs_dir={runs}")
        prefect(commands, *deploy, "--param", "max_rows=5", "--param", "run_id=five")
        wait_for(lambda: (runs / "five/run.json").exists() and commands.report("five")["state"] == "finished", 60)
        assert len(commands.rows("five")) == 5

        slow = commands.folder / commands.write(slow_steps(5000))
        prefect(commands, *deploy, "--param", f"pipeline={slow}", "--param", "run_id=slow")
        slow_run = RunFolder(runs / "slow")
        wait_for(lambda: (runs / "slow/flow_run").exists() and slow_run.exists() and slow_run.report().state == "running", 60)
        wait_for(lambda: slow_run.newest_rows("add"))
        prefect(commands, "flow-run", "cancel", (runs / "slow/flow_run").read_text())
        wait_for(lambda: slow_run.report().state == "stopped", 60)
        flow_run = (runs / "slow/flow_run").read_text()

        def is_cancelled() -> bool:
            async def look(client: Any) -> Any:
                return await client.read_flow_run(flow_run)

            return bool(ask_api(commands, look, monkeypatch).state.is_cancelled())

        wait_for(is_cancelled, 60)
        assert 0 < len(commands.rows("slow")) < 5000
    finally:
        worker.terminate()
        worker.wait(30)


def test_a_flow_that_is_to_push_what_is_made_up_does_not_begin(tmp_path: Path) -> None:
    from flows.deployments import run_pipeline

    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"instruction": "x"}]}}
    steps = [load, {"name": "ask", "use": "TextGeneration", "after": "load"}]
    (tmp_path / "pipeline.yaml").write_text(json.dumps({"distilflow": 1, "name": "test", "steps": steps}))
    file, runs = str(tmp_path / "pipeline.yaml"), str(tmp_path / "runs")

    state = asyncio.run(run_pipeline.fn(pipeline=file, rehearse=True, runs_dir=runs, push="me/rows"))

    assert (state.is_failed(), "a rehearsal pushes nothing" in str(state.message)) == (True, True)
    assert not (tmp_path / "runs").exists()
