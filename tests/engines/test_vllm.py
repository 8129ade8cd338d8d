"""vLLM with a tiny model, in a process of the run and as a server of the run: `make test-vllm`. Each start takes a minute."""

from __future__ import annotations

import asyncio
import json
import signal
from typing import Any

import psutil
import pytest

from steps.errors import ContextTooLong, RunError
from steps.llms import vLLM
from steps.llms.base import Request
from tests.engines.asking import LABELS, SCHEMA, ask, complete, journal_bytes, load, run_killed_once, says
from tests.flows.commands import Commands, wait_for

pytestmark = [
    pytest.mark.vllm,
    pytest.mark.xdist_group("vllm"),
    pytest.mark.filterwarnings("ignore"),  # of torch as it is imported, and of what vLLM leaves to the garbage collector
]
ROWS = 500
SMALL: dict[str, Any] = {
    "dtype": "float32",
    "max_model_len": 512,
    "extra_kwargs": {
        "enforce_eager": True,
        "max_num_seqs": 64,
        # random numbers like to write nothing but blanks, where the grammar of JSON allows them
        "structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True},
    },
}
START_S = 400


@pytest.fixture(autouse=True)
def vllm_is_there(monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("vllm", reason="make test-vllm installs it")
    monkeypatch.setenv("VLLM_CPU_KVCACHE_SPACE", "1")


def of(model: str, **params: Any) -> dict[str, Any]:
    return {"use": "vLLM", "model": model, **SMALL, **params}


def check_labels(commands: Commands) -> None:
    rows = commands.rows()
    assert [row["instruction"] for row in rows] == [f"Say something about {number}." for number in range(ROWS)]
    assert {json.loads(row["answer"])["label"] for row in rows} <= {"good", "bad"}


def test_500_rows_in_a_process_that_two_steps_share_and_a_kill_between(commands: Commands, folder_model: str) -> None:
    labels = of(folder_model, structured_output=LABELS, generation_kwargs={"max_new_tokens": 60})
    choices = of(folder_model, structured_output={"format": "choice", "schema": ["yes", "no"]})
    steps = [load(ROWS), ask(labels), ask(choices, "choose", "answer")]

    report = run_killed_once(commands, steps, 4000, START_S)

    check_labels(commands)
    assert {row["choose"] for row in commands.rows()} <= {"yes", "no"}
    assert report["quarantined"] == 0
    assert len(list((commands.folder / "runs/r/logs").iterdir())) == report["sessions"]


def server(commands: Commands) -> psutil.Process | None:
    """The server's own process: that which the keeper started."""
    for process in commands.processes():
        try:
            line = process.cmdline()
        except psutil.NoSuchProcess:
            continue
        if "vllm.entrypoints.openai.api_server" in line and not any(part.endswith("keeper.py") for part in line):
            return process
    return None


def test_500_rows_of_a_server_that_dies_in_between(commands: Commands, folder_model: str) -> None:
    labels = of(folder_model, serve=True, structured_output=LABELS, generation_kwargs={"max_new_tokens": 60})
    run = commands.folder / "runs/r"
    process = commands.start("run", commands.write([load(ROWS), ask(labels)]), "--run-id", "r", "--no-prefect")
    wait_for(lambda: process.poll() is not None or journal_bytes(run) > 4000, START_S)
    killed = server(commands)
    assert killed is not None
    killed.send_signal(signal.SIGKILL)

    out, err = process.communicate(timeout=START_S)

    assert process.returncode == 0, out + err
    check_labels(commands)
    assert "another one loads it again" in (run / "run.log").read_text()
    assert len([log for log in (run / "logs").iterdir() if "server" in log.name]) == 2


def test_users_turns_several_replies_schemas_and_rows_that_are_too_long_in_one_process(folder_model: str) -> None:
    sampling = {"max_new_tokens": 60, "min_tokens": 12}
    llm = vLLM(model=folder_model, magpie_pre_query_template="qwen2", generation_kwargs=sampling, **SMALL)
    chat = Request([{"role": "user", "content": "Tell me."}, {"role": "assistant", "content": "No."}], speaker="user")

    async def go() -> list[Any]:
        await llm.load()
        asked = [chat, says("one", n=3), says("Label it.", schema=SCHEMA), says("long " * 400)]
        try:
            return await asyncio.gather(*map(llm.complete, asked), return_exceptions=True)
        finally:
            await llm.unload()

    turn, several, labelled, refused = asyncio.run(go())

    assert turn.usage.input_tokens > 20
    assert len(set(several.texts)) == 3
    assert json.loads(labelled.texts[0])["label"] in ("good", "bad")
    assert isinstance(refused, ContextTooLong)
    assert "max_model_len" in refused.fix


def test_a_model_that_is_not_there_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")

    with pytest.raises(RunError, match="it is not there") as caught:
        complete(vLLM(model="/no/such/folder", **SMALL), says("?"))
    assert "check its name" in caught.value.fix

    with pytest.raises(RunError, match="it is not there") as caught:
        complete(vLLM(model="/no/such/folder", serve=True, **SMALL), says("?"))
    assert "its log" in caught.value.fix
