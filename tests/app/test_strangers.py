"""What strangers may do on a server that is open to everybody."""

from __future__ import annotations

import os
import re
from dataclasses import replace
from pathlib import Path

import httpx
import pytest
from fastapi import FastAPI
from pydantic import BaseModel
from pydantic.fields import FieldInfo

from app.api import add_routes
from app.context import AppContext
from app.handlers.strangers import check_strangers, forget_keys
from app.known_hosts import KnownHosts
from flows.spec import read_spec
from steps import registry
from steps.components import LOCAL_FILES
from steps.errors import PlanError

ROOT = Path(__file__).parents[2]
PIPELINE = "name: x\nsteps:\n  - {name: load, use: LoadDataFromDicts, with: {data: [{instruction: a}]}}\n"


def check(text: str) -> None:
    check_strangers(read_spec(text)[0], ROOT / "examples")


def test_the_examples_may_be_run() -> None:
    for name in ("quickstart", "sft", "prometheus_offline", "routing"):
        check((ROOT / "examples" / f"{name}.yaml").read_text())


@pytest.mark.parametrize(
    ("step", "what"),
    [
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: /etc/shells}}", "/etc/shells"),
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: [examples/data/../../pyproject.toml]}}", "pyproject"),
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: {train: 's3://bucket/x'}}}", "s3://"),
        ("{name: a, use: LoadDataFromDisk, with: {dataset_path: /tmp/runs/x}}", "/tmp/runs"),
        ("{name: a, use: LoadDataFromDisk, with: {dataset_path: '~'}}", "'~'"),
        ("{name: a, use: PushToHub, after: load, with: {repo_id: acme/toys}}", "writes beyond this machine"),
        ("{name: a, use: TextGenerationToArgilla, after: load, with: {dataset_name: a}}", "writes beyond this machine"),
        ("{name: a, use: LoadAnnotationsFromArgilla, with: {api_url: 'http://10.0.0.1'}}", "asks Argilla"),
        ("{name: a, use: APIGenExecutionChecker, after: load, with: {libpath: examples/data/x.py}}", "runs programs"),
        ("{name: a, use: RewardModelScore, after: load, with: {model: acme/m, trust_remote_code: true}}", "runs programs"),
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: '~'}}", "'~'"),
        (
            "{name: a, use: JudgePanel, after: load, with: {question: {labels: [x]}, columns: [instruction], "
            "judges: [{name: rule, template: x}, {name: b, llm: {use: OpenAILLM, model: m}}]}}",
            "asks OpenAILLM",
        ),
        (
            "{name: a, use: JudgePanel, after: load, with: {question: {labels: [x]}, columns: [instruction], "
            "judges: [{name: b, llm: {use: ReplayLLM, path: /etc/shells}}]}}",
            "/etc/shells",
        ),
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: '*'}}", "'*'"),
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: '.gi*', filetype: csv}}", "'.gi*'"),
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: {train: [Dockerfile]}, filetype: csv}}", "Dockerfile"),
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: 'examples/data/*'}}", "examples/data/*"),
        ("{name: a, use: LoadDataFromFileSystem, with: {data_files: examples/data/nothing.jsonl}}", "nothing"),
        ("{name: a, use: TextGeneration, after: load, with: {llm: {use: ReplayLLM, path: '~', reply: a}}}", "'~'"),
        (
            "{name: a, use: TextGeneration, after: load, with: {llm: {use: OpenAILLM, model: m, base_url: 'http://x'}}}",
            "OpenAILLM",
        ),
        (
            "{name: a, use: TextGeneration, after: load, with: {llm: {use: ReplayLLM, path: /etc/passwd, reply: a}}}",
            "/etc/passwd",
        ),
    ],
)
def test_files_and_models_of_the_server_are_refused(step: str, what: str) -> None:
    with pytest.raises(PlanError) as refused:
        check(f"{PIPELINE}  - {step}\n")

    assert what in str(refused.value)


def test_every_parameter_that_names_files_says_so() -> None:
    named: dict[str, FieldInfo] = {}
    kinds: tuple[registry.Kind, ...] = ("steps", *registry.MODELS)
    for kind in kinds:
        for name in registry.names(kind):
            found = registry.resolve(name, kind)
            assert issubclass(found, BaseModel)
            fields = found.model_fields.items()
            named |= {f"{name}.{field}": told for field, told in fields if re.search(r"path|files$|folder|directory", field)}

    assert {name for name, field in named.items() if field.json_schema_extra == LOCAL_FILES} == set(named)
    assert len(named) >= 4


async def test_words_for_strangers_name_no_folder_of_the_machine(ctx: AppContext) -> None:
    server = FastAPI()
    add_routes(server, replace(ctx, is_public=True))
    (ctx.store.get("sample-1").path / "run.json").write_text("{")

    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://app") as client:
        told = await client.get("/api/runs/sample-1/data")

    assert "run.json cannot be read" in told.json()["error"]
    assert str(ctx.runs_dir.parent) not in told.text


async def test_a_run_is_told_without_the_folders_it_lies_in(client: httpx.AsyncClient, ctx: AppContext) -> None:
    told = await client.get("/api/runs/sample-1")

    assert str(ctx.runs_dir) not in told.text
    assert "cwd" not in told.json()["report"]


async def test_a_public_server_refuses_them_before_anything_is_tried(ctx: AppContext, tmp_path: Path) -> None:
    server = FastAPI()
    public = AppContext(tmp_path / "runs", is_public=True)
    add_routes(server, public)
    reading = "name: x\nsteps:\n  - {name: load, use: LoadDataFromFileSystem, with: {data_files: /etc/shells, filetype: csv}}\n"
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://app") as client:
        for path in ("preview", "estimate", "check", "staleness"):
            reply = await client.post(f"/api/{path}", json={"text": reading})
            assert reply.status_code == 400
            assert "'shells'" in reply.json()["error"]
    with pytest.raises(PlanError):
        public.launcher.start(read_spec(reading)[0])


def test_runs_of_a_public_server_are_known_to_those_who_started_them(tmp_path: Path) -> None:
    public = AppContext(tmp_path, is_public=True)

    run = public.store.new(None, "x" * 90, is_secret=True)

    assert len(run.run_id) == 100
    assert len(run.run_id.rpartition("-")[2]) == 32


@pytest.mark.parametrize("way", ["", "/why", "/data", "/events", "/compare/guessed"])
async def test_who_guesses_a_run_hears_of_no_other(ctx: AppContext, client: httpx.AsyncClient, way: str) -> None:
    told = await client.get(f"/api/runs/guessed{way}")

    assert (told.status_code, told.json()["code"]) == (404, "unknown-run")
    assert "sample-1" not in told.text
    assert str(ctx.runs_dir) not in told.text


def test_keys_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "environ", {"HF_TOKEN": "a", "OPENAI_API_KEY": "b", "AWS_SECRET_X": "c", "HOME": "/"})

    forget_keys()

    assert os.environ == {"HOME": "/"}


@pytest.mark.parametrize("host", ["127.0.0.1:7860", "localhost", "[::1]:7860", "10.0.0.3", "a.localhost:1", "LOCALHOST:80"])
def test_own_names_and_addresses_are_known(host: str) -> None:
    assert KnownHosts(FastAPI()).knows(host)


@pytest.mark.parametrize("host", ["evil.example:7860", "127.0.0.1.evil.example", "localhost.evil.example:80"])
def test_names_that_others_gave_this_address_are_not(host: str) -> None:
    assert not KnownHosts(FastAPI()).knows(host)
