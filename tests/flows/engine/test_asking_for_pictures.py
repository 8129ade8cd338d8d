"""Pictures from a server: asked for as replies are, and kept before anybody uses them."""

from __future__ import annotations

import base64
import shutil
import struct
import zlib
from pathlib import Path
from typing import Any

import pytest
from aiohttp import web

from flows.engine import gate
from steps.images import fetching
from tests.fakes.providers.painters import BAD_WORDS, FakeHubImages, FakeOpenAIImages, png
from tests.fakes.serving import running
from tests.flows.engine.running import Result, run_steps


@pytest.fixture(autouse=True)
def short_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gate, "FIRST_PAUSE_S", 0.01)
    monkeypatch.setattr(fetching, "PAUSE_S", 0.01)


def paint(folder: Path, url: str, prompts: list[str], step: dict[str, Any] | None = None, **model: Any) -> Result:
    made = {"use": "OpenAIImageGeneration", "model": "gpt-image-1", "base_url": f"{url}/v1", "max_retries": 2, **model}
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"prompt": prompt} for prompt in prompts]}},
        {
            "name": "paint",
            "use": "ImageGeneration",
            "after": "load",
            "with": {"image_generation_model": made, **(step or {})},
        },
    ]
    return run_steps(folder, steps)


def files_of(result: Result) -> list[bytes]:
    return [row["image"]["bytes"] for row in result.only]


@pytest.mark.parametrize(
    ("model", "kwargs", "fetched"),
    [("gpt-image-1", {"size": "1024x1024"}, 0), ("dall-e-2", {"style": None}, 0), ("dall-e-2", {"response_format": "url"}, 2)],
    ids=["new", "base64", "address"],
)
def test_every_prompt_gets_its_picture(tmp_path: Path, model: str, kwargs: dict[str, Any], fetched: int) -> None:
    server = FakeOpenAIImages()
    with running(server) as url:
        result = paint(tmp_path, url, ["a fox", "a river"], model=model, generation_kwargs=kwargs)

    assert files_of(result) == [png("a fox 0"), png("a river 0")]
    assert {row["model_name"] for row in result.only} == {model}
    assert (len(server.bodies), server.fetched) == (2, fetched)


def test_a_picture_that_is_on_disk_is_not_paid_for_again(tmp_path: Path) -> None:
    server = FakeOpenAIImages()
    with running(server) as url:
        paint(tmp_path, url, ["a fox", "a river"])
        shutil.rmtree(tmp_path / "ledger")
        result = paint(tmp_path, url, ["a fox", "a river", "rain"])

    assert files_of(result) == [png("a fox 0"), png("a river 0"), png("rain 0")]
    assert [body["prompt"] for body in server.bodies] == ["a fox", "a river", "rain"]


def test_a_store_that_stumbles_is_asked_again_and_the_server_is_not(tmp_path: Path) -> None:
    server = FakeOpenAIImages(lost=3)
    with running(server) as url:
        result = paint(tmp_path, url, ["a fox"], model="dall-e-2", generation_kwargs={"response_format": "url"})

    assert files_of(result) == [png("a fox 0")]
    assert (len(server.bodies), server.fetched) == (1, 4)


def test_a_picture_that_is_lost_costs_its_row_and_is_counted(tmp_path: Path) -> None:
    server = FakeOpenAIImages(lost=99)
    kwargs: dict[str, Any] = {"generation_kwargs": {"response_format": "url"}, "price": {"image": 0.02}}
    with running(server) as url:
        result = paint(tmp_path, url, ["a fox"], model="dall-e-2", **kwargs)

    [failure] = result.failures
    assert "cannot be fetched" in failure.message
    assert "b64_json" in failure.fix
    assert len(server.bodies) == 1
    assert result.counts["paint"].usage.cost == pytest.approx(0.02)


def test_pictures_have_a_price_by_tokens_or_by_the_piece(tmp_path: Path) -> None:
    with running(FakeOpenAIImages()) as url:
        by_tokens = paint(tmp_path / "a", url, ["a fox"], price={"input": 5, "output": 40})
        by_piece = paint(tmp_path / "b", url, ["a fox", "rain"], model="dall-e-2", price={"image": 0.04})

    assert by_tokens.counts["paint"].usage.cost == pytest.approx((7 * 5 + 1000 * 40) / 1e6)
    assert by_piece.counts["paint"].usage.cost == pytest.approx(0.08)


@pytest.mark.parametrize("model", ["gpt-image-1", "dall-e-3"])
def test_a_prompt_that_is_refused_costs_its_row(tmp_path: Path, model: str) -> None:
    with running(FakeOpenAIImages()) as url:
        result = paint(tmp_path, url, ["a fox", BAD_WORDS], model=model)

    assert [failure.code for failure in result.failures] == ["content-filtered"]
    assert files_of(result) == [png("a fox 0")]


@pytest.mark.parametrize(("model", "requests"), [("gpt-image-1", 1), ("dall-e-3", 3)])
def test_several_pictures_are_rows_of_their_own_or_a_list(tmp_path: Path, model: str, requests: int) -> None:
    server = FakeOpenAIImages()
    with running(server) as url:
        apart = paint(tmp_path / "a", url, ["a fox"], {"num_generations": 3}, model=model)
        sent = len(server.bodies)
        together = paint(tmp_path / "b", url, ["a fox"], {"num_generations": 3, "group_generations": True}, model=model)

    assert (len(apart.only), sent) == (3, requests)
    assert len(together.only[0]["image"]) == 3


def test_hugging_face_is_waited_for_and_gives_the_picture_itself(tmp_path: Path) -> None:
    server = FakeHubImages()
    with running(server) as url:
        model = {"use": "InferenceEndpointsImageGeneration", "base_url": f"{url}/models/acme/paint", "model": ""}
        result = paint(tmp_path, url, ["a fox"], {"num_generations": 2}, **model, generation_kwargs={"seed": 4})

    assert files_of(result) == [png("a fox 4"), png("a fox 5")]
    assert [path for path, _ in server.seen] == ["/models/acme/paint"] * 3
    assert server.seen[1][1] == {"inputs": "a fox", "parameters": {"seed": 4}}


def test_pictures_of_the_best_quality_that_are_paid_for_arrive_ten_at_a_time(tmp_path: Path) -> None:
    file = png("large") + b"\0" * 3 * 2**20
    encoded = base64.b64encode(file).decode()

    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"data": [{"b64_json": encoded}] * 10})

    app = web.Application()
    app.router.add_post("/v1/images/generations", answer)
    with running(app) as url:
        result = paint(tmp_path, url, ["a fox"], {"num_generations": 10})

    assert [len(found) for found in files_of(result)] == [len(file)] * 10


@pytest.mark.parametrize("side", [7_100, 13_000, 30_000])
def test_a_giant_is_not_unpacked_and_costs_its_row(tmp_path: Path, side: int) -> None:
    head = struct.pack(">IIBBBBB", side, side, 8, 2, 0, 0, 0)
    giant = b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(b"\0" * 9)) + chunk(b"IEND", b"")

    async def answer(request: web.Request) -> web.Response:
        file = giant if "giant" in (await request.json())["prompt"] else png("a fox")
        return web.json_response({"data": [{"b64_json": base64.b64encode(file).decode()}]})

    app = web.Application()
    app.router.add_post("/v1/images/generations", answer)
    with running(app) as url:
        result = paint(tmp_path / "a", url, ["a giant", "a fox"], {"image_format": "WEBP"})
        as_it_is = paint(tmp_path / "b", url, ["a giant"])

    [failure] = result.failures
    assert "pixels" in failure.message
    assert "image_format" in failure.fix
    assert len(result.only) == 1
    assert files_of(as_it_is) == [giant]


def chunk(name: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))


@pytest.mark.parametrize("entry", [{"b64_json": "\u00fc"}, {"url": "http://[::1"}])
def test_what_is_no_picture_is_told_in_words_and_what_it_cost_is_counted(tmp_path: Path, entry: dict[str, str]) -> None:
    async def answer(request: web.Request) -> web.Response:
        return web.json_response({"data": [entry], "usage": {"input_tokens": 5, "output_tokens": 5}})

    app = web.Application()
    app.router.add_post("/v1/images/generations", answer)
    with running(app) as url:
        result = paint(tmp_path, url, ["a fox"], max_retries=0)

    [failure] = result.failures
    assert failure.code != "row-failed"
    assert "image" in failure.message
    assert result.counts["paint"].usage.output_tokens == 5
