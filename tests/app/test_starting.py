"""What a page asks before it opens a pipeline, over its routes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from typing import Any

import httpx
import pytest
from fastapi import FastAPI

from app.api import add_routes
from app.context import AppContext
from app.handlers.drafts import CannotEdit
from app.handlers.starting import drafting_model, drafting_models
from flows.spec import read_spec
from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running
from tests.flows.compat.distilabel_files import STEPS, load, pipeline, preference, step, text

OURS = "# mine\nname: ours\nsteps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{a: 1}]}}\n"
GOOD = "```yaml\nname: d\nsteps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{instruction: hi}]}}\n- {name: a, use: TextGeneration, after: load}\n```"  # noqa: E501


@pytest.fixture
async def client(ctx: AppContext) -> AsyncIterator[httpx.AsyncClient]:
    server = FastAPI()
    add_routes(server, ctx)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://app") as found:
        yield found


@pytest.fixture
def fake() -> FakeOpenAI:
    return FakeOpenAI(Behaviour(reply=GOOD))


@pytest.fixture
def url(fake: FakeOpenAI) -> Iterator[str]:
    with running(fake) as found:
        yield f"{found}/v1"


async def ask(client: httpx.AsyncClient, what: str, status: int = 200, **told: Any) -> Any:
    reply = await client.post(f"/api/start/{what}", json=told)
    assert reply.status_code == status, reply.text
    assert "Traceback" not in reply.text
    return reply.json()


async def test_an_import_is_told_before_it_is_opened(client: httpx.AsyncClient) -> None:
    ours = await ask(client, "import", text=OURS)
    assert (ours["text"], ours["understood"], ours["origin"]) == (OURS, "1 step", "")

    odd = step("odd", f"{STEPS}.tasks.odd", "NotThereYet")
    theirs = await ask(client, "import", text=text(pipeline([load(), odd], {"load": ["odd"]})))

    assert (theirs["origin"], theirs["unknown"]) == ("distilabel", ["NotThereYet"])
    assert theirs["understood"] == "2 steps, 1 unknown class: NotThereYet"
    assert [one["name"] for one in theirs["card"]["graph"]] == ["load", "odd"]


async def test_what_is_wrong_comes_with_what_to_do(client: httpx.AsyncClient) -> None:
    for broken in ("steps: [", "", "just words", "a: &a [*a]"):
        told = await ask(client, "import", 400, text=broken)
        assert told["error"]
        assert told["fix"]


async def test_only_the_page_itself_can_ask(client: httpx.AsyncClient) -> None:
    reply = await client.post("/api/start/draft", content='{"use": "OpenAILLM"}', headers={"content-type": "text/plain"})

    assert reply.status_code == 403


@pytest.mark.parametrize("source", ["https://evil.example/datasets/a/b", "http://127.0.0.1:1/datasets/a/b", "../etc"])
async def test_no_other_host_than_the_hub_is_asked(client: httpx.AsyncClient, source: str) -> None:
    for wanted in ("pipeline", "rows"):
        assert "Hub" in str(await ask(client, "hub", 400, source=source, wanted=wanted))


async def test_a_draft_is_checked_and_costed_and_saves_nothing(client: httpx.AsyncClient, ctx: AppContext, url: str) -> None:
    made = await ask(client, "draft", use="OpenAILLM", model="m", base_url=url, text="Some rows")

    spec, _ = read_spec(made["text"])
    assert spec.step("a").params["llm"] == {"use": "OpenAILLM", "model": "m", "base_url": url}
    assert (made["asked"], made["problems"]) == (1, [])
    assert made["used"].startswith("1 request, ")
    assert ctx.pipelines is not None
    assert ctx.pipelines.names() == []


async def test_a_key_that_is_missing_is_no_fault_of_the_draft(
    client: httpx.AsyncClient, url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    monkeypatch.delenv("OPENAI_BASE_URL", raising=False)

    told = await ask(client, "draft", 400, use="OpenAILLM", model="m", text="Some rows")
    quoted = await ask(client, "quote", use="OpenAILLM", model="gpt-4o-mini")

    assert "OPENAI_API_KEY" in told["error"]
    assert "OPENAI_API_KEY" in quoted["missing"]
    assert quoted["cost"].startswith("at most $0.")
    assert (await ask(client, "quote", use="OpenAILLM", model="m", base_url=url))["cost"] == "free"
    assert (await ask(client, "quote", use="OpenAILLM", model="who-knows"))["cost"] == "price unknown"


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"use": "os.system"}, "no model that can draft"),
        ({"use": "RehearsalLLM", "model": "m"}, "no model that can draft"),
        ({"use": "OpenAILLM", "model": " "}, "no model was named"),
        ({"use": "OpenAILLM", "model": "m", "base_url": "http://127.0.0.1:9/v1", "text": " "}, "description is empty"),
        ({"use": "OpenAILLM", "model": "m", "base_url": "ftp://x", "text": "x"}, "ftp"),
        ({"use": "OpenAILLM", "model": "m", "base_url": "http://u:secret@x/v1", "text": "x"}, "asked"),
        ({"use": "OpenAILLM", "model": "m", "text": "x", "sample": "{broken"}, "sample rows cannot be read"),
        ({"use": "OpenAILLM", "model": "m", "text": "x", "sample": "[1, 2]"}, "1 is no row: it has no columns"),
        ({"use": "OpenAILLM", "model": "m", "text": "x", "sample": '{"a": 1}' * 300_000}, "more than 2 MB"),
    ],
)
async def test_a_request_that_makes_no_sense_is_told(client: httpx.AsyncClient, told: dict[str, str], words: str) -> None:
    answer = await ask(client, "draft", 400, **told)

    assert words in answer["error"]
    assert "secret" not in str(answer)


async def test_a_model_that_gives_no_pipeline_is_told_with_what_it_used(
    client: httpx.AsyncClient, fake: FakeOpenAI, url: str
) -> None:
    fake.behaviour = Behaviour(reply="I would rather not.")
    told = await ask(client, "draft", 400, use="OpenAILLM", model="m", base_url=url, text="x")
    assert "after 4 questions (4 requests" in told["error"]
    assert "I would rather not." in told["error"]

    fake.behaviour = Behaviour(rules=[Rule("", Fault.UNAUTHORIZED)])
    told = await ask(client, "draft", 400, use="OpenAILLM", model="m", base_url=url, text="x")
    assert told["fix"]


async def test_a_public_server_sends_its_key_nowhere_else(ctx: AppContext, url: str, fake: FakeOpenAI) -> None:
    server = FastAPI()
    add_routes(server, AppContext(ctx.runs_dir, is_public=True))
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://app") as client:
        told = await ask(client, "draft", 400, use="OpenAILLM", model="m", base_url=url, text="x")
        assert (await client.get("/api/pipelines")).status_code == 404

    assert "its own provider only" in told["error"]
    assert fake.stats.by_status == {}


@pytest.mark.parametrize("use", ["OllamaLLM", "ClientvLLM", "LiteLLM"])
def test_a_public_server_asks_nothing_on_its_own_network_for_others(use: str) -> None:
    with pytest.raises(CannotEdit, match="on its own network"):
        drafting_model({"use": use, "model": "m"}, is_public=True)

    assert drafting_model({"use": use, "model": "m"}, is_public=False) == {"use": use, "model": "m"}


async def test_pipelines_are_listed_and_their_versions_told(client: httpx.AsyncClient, ctx: AppContext) -> None:
    assert (await client.get("/api/pipelines")).json() == []
    assert ctx.pipelines is not None
    kept = ctx.pipelines.write("ours", OURS, None)

    [entry] = (await client.get("/api/pipelines")).json()
    assert (entry["name"], entry["steps"]) == ("ours", 1)
    assert (await client.get("/api/pipelines/ours")).json() == {"name": "ours", "version": kept.version}
    assert (await client.get("/api/pipelines/none")).json()["version"] is None
    assert (await client.get("/api/pipelines/..%2F..%2Fetc")).status_code == 404


def test_models_that_make_replies_up_do_not_draft() -> None:
    names = [one["name"] for one in drafting_models()]

    assert "OpenAILLM" in names
    assert "RehearsalLLM" not in names
    assert "ReplayLLM" not in names


async def test_distilabels_pipelines_look_as_ours_do(client: httpx.AsyncClient) -> None:
    told = await ask(client, "import", text=text(preference()))

    assert told["card"]["tags"] == ["Fine-tuning"]
    assert told["text"].startswith("distilflow: 1")
