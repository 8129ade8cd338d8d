"""Pipelines from files, from the Hub, and from what people paste."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from flows.hub_addresses import DataSet, hub_data_set
from flows.importing import read_source, understand
from steps.errors import DistilflowError, SpecError
from tests.fakes.hub import FakeHub
from tests.fakes.serving import running
from tests.flows.compat.distilabel_files import preference, text

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("source", "found"),
    [
        ("me/data", DataSet("me/data")),
        (" hf://datasets/me/data ", DataSet("me/data")),
        ("hf://datasets/me/data@v1", DataSet("me/data", "v1")),
        ("hf://datasets/me/data/pipeline.yaml", DataSet("me/data")),
        ("https://huggingface.co/datasets/me/data", DataSet("me/data")),
        ("https://huggingface.co/datasets/me/data/tree/v1", DataSet("me/data", "v1")),
        ("https://huggingface.co/datasets/me/data/blob/main/pipeline.yaml", DataSet("me/data", "main")),
        ("https://hf.co/datasets/me/data?row=3#x", DataSet("me/data")),
        ("http://hub.local/datasets/me/data", DataSet("me/data")),
    ],
)
def test_a_data_set_is_named_in_many_ways(monkeypatch: pytest.MonkeyPatch, source: str, found: DataSet) -> None:
    monkeypatch.setenv("HF_ENDPOINT", "http://hub.local")

    assert hub_data_set(source) == found


@pytest.mark.parametrize(
    "source",
    [
        "",
        "data",
        "../me/data",
        "me/../../etc",
        "me/data/other.yaml",
        "https://evil.example/datasets/me/data",
        "http://169.254.169.254/datasets/me/data",
        "http://localhost:8080/datasets/me/data",
        "https://huggingface.co.evil.example/datasets/me/data",
        "https://huggingface.co@evil.example/datasets/me/data",
        "https://huggingface.co/me/model",
        "file:///datasets/me/data",
        "http://[::1/datasets/a/b",
        "hf://models/me/data/x",
    ],
)
def test_what_is_no_data_set_of_the_hub_is_refused_before_anything_is_sent(
    monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    monkeypatch.delenv("HF_ENDPOINT", raising=False)

    with pytest.raises(DistilflowError) as caught:
        hub_data_set(source)

    assert caught.value.fix


def test_a_pipeline_of_ours_stays_as_it_is_and_a_file_is_read_as_ever(tmp_path: Path) -> None:
    ours = "# mine\nname: a\nsteps: []\n"
    (tmp_path / "a.yaml").write_text(ours)

    assert understand(read_source(str(tmp_path / "a.yaml"))).text == ours
    with pytest.raises(SpecError, match="no file"):
        read_source(str(tmp_path / "b.yaml"))


def test_one_of_distilabels_becomes_ours(tmp_path: Path) -> None:
    found = understand(text(preference()))

    assert found.is_theirs
    assert found.text.startswith("distilflow: 1\nname: theirs\n")


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program saw that reads from a Hub of our own."""
    hub = FakeHub()
    with running(hub) as url:
        done = subprocess.run(
            [sys.executable, "-m", "tests.flows.hub_reading_program"],
            cwd=ROOT,
            env=os.environ | hub.client_env(url) | {"HF_HOME": str(tmp_path_factory.mktemp("home"))},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_pipeline_of_a_data_set_is_read_ours_and_theirs(seen: dict[str, Any]) -> None:
    assert seen["ours"]
    assert seen["by_address"] is True
    assert seen["theirs"] == ["load", "a", "b", "group", "rate", "pairs"]


def test_the_first_rows_of_a_data_set_are_read(seen: dict[str, Any]) -> None:
    assert seen["params"] == {"repo_id": "my-org/ours"}
    assert seen["rows"] == [{"instruction": f"q{at}", "n": at} for at in range(5)]


@pytest.mark.parametrize(
    ("case", "words"),
    [
        ("none", "holds no pipeline.yaml"),
        ("nobody", "there is no data set 'my-org/nobody'"),
        ("large", "more than 10 MB"),
        ("revision", "no such revision"),
        ("no-rows", "my-org/none"),
        ("split", "nope"),
    ],
)
def test_what_the_hub_does_not_give_is_told(seen: dict[str, Any], case: str, words: str) -> None:
    assert words in seen["refusals"][case]
    assert not seen["refusals"][case].endswith(" / ")
