"""Steps that ask for vectors and for pictures, in whole runs: killed, resumed, looked at, and in the Distiset."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

import datasets
import pytest

from app.handlers import watching
from app.handlers.cells import rows_as_cells
from app.handlers.lineage import asked_view
from flows.cli.console import cell
from flows.distiset import Distiset
from flows.engine import live
from flows.engine.live import LiveRows, newest_rows
from flows.estimate import estimate
from flows.lineage.asked import asked
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import spec_from
from steps.cassettes import cassette
from steps.columns import EmbeddingGeneration
from steps.embeddings import ClientvLLMEmbeddings
from steps.images import InferenceEndpointsImageGeneration, OpenAIImageGeneration
from steps.tasks import ImageGeneration
from tests.fakes.providers import FakeProviders, vector_of
from tests.fakes.providers.painters import FakeHubImages, FakeOpenAIImages, png
from tests.fakes.serving import running
from tests.flows.commands import Commands, kill, wait_for

TEXTS = [f"text {number:03d} of many" for number in range(400)]


def test_a_killed_run_asks_only_for_the_vectors_that_it_has_not_got(commands: Commands) -> None:
    server = FakeProviders("vllm", delay_s=0.1)
    with running(server) as url:
        model = {
            "use": "ClientvLLMEmbeddings",
            "model": "m",
            "base_url": f"{url}/v1",
            "inputs_per_request": 10,
            "max_concurrency": 2,
        }
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": text} for text in TEXTS]}},
            {"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": {"embeddings": model}},
        ]
        process = commands.start("run", commands.write(steps), "--run-id", "r", "--no-prefect")
        wait_for(lambda: len(server.seen) >= 12)
        kill(process)
        process.communicate()
        commands.wait_until_gone()
        ended = commands("resume", "r", "--no-prefect")

    assert ended.code == 0, ended.err
    assert [row["embedding"] for row in commands.rows()] == [vector_of(text) for text in TEXTS]
    asked_for = Counter(text for one in server.seen for text in one.body["input"])
    assert set(asked_for) == set(TEXTS)
    assert sum(asked_for.values()) - len(TEXTS) <= 2 * 10  # what was under way


@pytest.fixture
def painted(tmp_path: Path) -> RunFolder:
    """A finished run with two pictures."""
    model = {"use": "OpenAIImageGeneration", "model": "gpt-image-1", "price": {"image": 0.01}}
    with running(FakeOpenAIImages()) as url:
        data = [{"prompt": "a fox"}, {"prompt": "rain"}]
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {
                "name": "paint",
                "use": "ImageGeneration",
                "after": "load",
                "with": {"image_generation_model": {**model, "base_url": f"{url}/v1"}},
            },
        ]
        return run_inline(plan(spec_from({"distilflow": 1, "name": "paint", "steps": steps})[0]), tmp_path / "runs", run_id="r")


def test_pictures_are_what_datasets_reads_as_images(painted: RunFolder) -> None:
    loaded = Distiset.load_from_disk(painted.distiset)["default"]["train"]

    assert isinstance(loaded.features["image"], datasets.Image)
    assert [image.size for image in loaded["image"]] == [(2, 2), (2, 2)]
    assert loaded.with_format(None).cast_column("image", datasets.Image(decode=False))[0]["image"]["bytes"] == png("a fox 0")


def test_pictures_are_shown_as_such_and_never_letter_by_letter(painted: RunFolder) -> None:
    rows = watching.newest_rows(painted, "paint")["rows"]
    [told, _] = asked(painted, "paint").items

    assert [row["image"]["kind"] for row in rows] == ["image", "image"]
    assert asked_view(told)["texts"][0]["kind"] == "image"
    assert cell(painted.newest_rows("paint")[0]["image"]) == f"[image: png, {len(png('a fox 0'))} bytes]"
    assert "base64" not in cell(told.texts[0])


def test_vectors_are_told_by_their_first_numbers(tmp_path: Path) -> None:
    with running(FakeProviders("vllm")) as url:
        model = {"use": "ClientvLLMEmbeddings", "model": "m", "base_url": f"{url}/v1"}
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": "a fox"}]}},
            {"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": {"embeddings": model}},
        ]
        folder = run_inline(plan(spec_from({"distilflow": 1, "name": "p", "steps": steps})[0]), tmp_path / "runs", run_id="r")

    [told] = asked(folder, "embed").items
    assert told.texts == [f"[{', '.join(f'{one:.4g}' for one in vector_of('a fox')[:4])}, ...] (8 numbers)"]


def test_of_large_rows_only_the_newest_are_written_for_those_who_watch(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live, "MOST_BYTES", 120)
    rows = LiveRows(tmp_path, "w")
    rows.show("s", [b'{"n": %d, "image": "%s"}' % (number, b"x" * 30) for number in range(9)])
    rows.flush()
    rows.show("t", [b'{"image": "%s"}' % (b"x" * 300)])
    rows.flush()

    assert [row["n"] for row in newest_rows(tmp_path, "s")] == [7, 8]
    assert len(newest_rows(tmp_path, "t")) == 1
    assert rows_as_cells(newest_rows(tmp_path, "t"))


def test_an_estimate_counts_the_requests_that_rows_share(tmp_path: Path) -> None:
    with running(FakeProviders("vllm")) as url:
        price = {"input": 1.0, "output": 0.0}
        model = {"use": "ClientvLLMEmbeddings", "model": "m", "base_url": f"{url}/v1", "inputs_per_request": 50, "price": price}
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"text": text} for text in TEXTS]}},
            {"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": {"embeddings": model}},
        ]
        planned = plan(spec_from({"distilflow": 1, "name": "p", "steps": steps})[0])
        found = estimate(planned, sample=10, runs_dir=tmp_path)

    assert found.requests.mean == pytest.approx(8)
    assert found.input_tokens.mean == pytest.approx(1600)
    assert found.cost.mean == pytest.approx(0.0016)


def test_vectors_and_pictures_are_replayed_without_their_servers(commands: Commands) -> None:
    with running(FakeProviders("vllm")) as vectors, running(FakeOpenAIImages()) as pictures:
        embed = {"use": "ClientvLLMEmbeddings", "model": "m", "base_url": f"{vectors}/v1"}
        paint = {"use": "OpenAIImageGeneration", "model": "gpt-image-1", "base_url": f"{pictures}/v1"}
        data = [{"text": text, "prompt": text} for text in TEXTS[:5]]
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {"name": "embed", "use": "EmbeddingGeneration", "after": "load", "with": {"embeddings": embed}},
            {"name": "paint", "use": "ImageGeneration", "after": "embed", "with": {"image_generation_model": paint}},
        ]
        ran = commands("run", commands.write(steps), "--run-id", "a", "--no-prefect")
    replayed = commands("replay", "a", "--run-id", "b", "--no-prefect")

    assert (ran.code, replayed.code) == (0, 0), ran.err + replayed.err
    assert commands.rows("a") == commands.rows("b")
    assert commands.rows("b")[0]["embedding"] == vector_of(TEXTS[0])


def test_vectors_and_pictures_are_recorded_and_answered_from_a_cassette(tmp_path: Path) -> None:
    rows = [{"text": text, "prompt": text} for text in TEXTS[:5]]
    tape = tmp_path / "tape.jsonl"
    with (
        running(FakeProviders("vllm")) as vectors,
        running(FakeOpenAIImages()) as pictures,
        running(FakeHubImages(loads=0)) as hub,
    ):
        embed = EmbeddingGeneration(embeddings=ClientvLLMEmbeddings(model="m", base_url=f"{vectors}/v1"))
        models = [
            OpenAIImageGeneration(model="gpt-image-1", base_url=f"{pictures}/v1"),
            InferenceEndpointsImageGeneration(base_url=f"{hub}/models/acme/paint"),
        ]
        with cassette(tape, "record"):
            embedded = embed.process(rows)
            painted = [ImageGeneration(image_generation_model=model).process(rows) for model in models]
    with cassette(tape):
        assert embed.process(rows) == embedded
        assert [ImageGeneration(image_generation_model=model).process(rows) for model in models] == painted

    assert [row["embedding"] for row in embedded] == [vector_of(text) for text in TEXTS[:5]]
