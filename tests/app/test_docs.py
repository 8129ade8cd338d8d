from __future__ import annotations

from collections.abc import AsyncIterator

import httpx
import pytest
from fastapi import FastAPI

from app.api import add_routes
from app.context import AppContext
from app.handlers.docs import docs_of
from steps import registry

ALL = [name for kind in ("steps", *registry.MODELS) for name in registry.names(kind)]


@pytest.fixture
async def client(ctx: AppContext) -> AsyncIterator[httpx.AsyncClient]:
    server = FastAPI()
    add_routes(server, ctx)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(server), base_url="http://app") as found:
        yield found


@pytest.mark.parametrize("name", [name for name in ALL if name != "LoadDataFromHub"])  # which asks the Hub
def test_the_example_of_every_step_and_model_runs(name: str, tmp_path: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(str(tmp_path))

    example = docs_of(name)["example"]

    assert name in example
    exec(example, {})


def test_the_paper_is_named_apart_from_the_text() -> None:
    docs = docs_of("UltraFeedback")

    assert docs["papers"] == [
        {
            "title": "UltraFeedback: Boosting Language Models with High-quality Feedback",
            "url": "https://arxiv.org/abs/2310.01377",
        }
    ]
    assert "arxiv" not in docs["html"]
    assert "Example" not in docs["html"]
    [aspect] = [one for one in docs["parameters"] if one["name"] == "aspect"]
    assert aspect["default"] == '"overall-rating"'


def test_a_long_default_is_cut_and_can_be_read_whole() -> None:
    templates, rounds = (
        next(one for one in docs_of("EvolInstruct")["parameters"] if one["name"] == name)
        for name in ("mutation_templates", "num_evolutions")
    )

    assert len(templates["default"]) == 60
    assert templates["whole_default"].startswith(templates["default"].removesuffix("…"))
    assert (rounds["whole_default"], rounds["limits"], rounds["is_of_every_task"]) == ("", "1 or more", False)


def test_columns_that_are_only_used_where_they_are_there_are_told_apart() -> None:
    docs = docs_of("FormatTextGenerationDPO")

    assert docs["needs"] == ["instruction", "generations", "ratings"]
    assert docs["uses"] == ["system_prompt", "generation_models"]


async def test_documentation_is_read_by_name(client: httpx.AsyncClient) -> None:
    reply = await client.get("/api/catalogue/OpenAILLM")

    assert reply.status_code == 200
    assert (reply.json()["name"], reply.json()["group"]) == ("OpenAILLM", "models")


@pytest.mark.parametrize("name", ["Nothing", "os:system", "..%2F..%2Fetc%2Fpasswd", "%00", "a" * 200])
async def test_what_is_not_in_the_catalogue_is_not_found(client: httpx.AsyncClient, name: str) -> None:
    reply = await client.get(f"/api/catalogue/{name}")

    assert reply.status_code == 404
    assert "Traceback" not in reply.text


async def test_a_name_of_any_length_is_refused_at_once(client: httpx.AsyncClient) -> None:
    assert (await client.get(f"/api/catalogue/{'a' * 5000}")).status_code == 422
