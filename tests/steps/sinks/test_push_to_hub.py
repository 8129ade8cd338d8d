from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from steps.sinks.push_to_hub import PushToHub
from tests.fakes.hub import FakeHub
from tests.fakes.serving import running

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture(scope="module")
def seen(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program saw that pushes."""
    with running(hub) as url:
        done = subprocess.run(
            [sys.executable, "-m", "tests.steps.sinks.push_program"],
            cwd=ROOT,
            env=os.environ | hub.client_env(url) | {"HF_HOME": str(tmp_path_factory.mktemp("home"))},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_rows_are_pushed_and_go_on(seen: dict[str, Any]) -> None:
    assert seen["rows"] == seen["back"]["train"] == [{"n": 1, "said": ["a"]}, {"n": 2, "said": []}]
    assert seen["back"]["test"] == [{"n": 1, "said": ["a"]}]


def test_a_new_data_set_is_private(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert hub.repo("dataset", "my-org/rows").is_private


@pytest.mark.usefixtures("seen")
def test_versions_are_tagged_by_the_strategy_of_their_labels(hub: FakeHub) -> None:
    refs = hub.repo("dataset", "my-org/settled").refs

    tags = [ref.removeprefix("refs/tags/") for ref in refs if ref.startswith("refs/tags/")]
    assert tags == ["learned-v1-1f0c9a2b", "learned-v2-1f0c9a2b"]
    assert refs["refs/tags/learned-v2-1f0c9a2b"] == refs["refs/heads/main"]


def test_no_rows_push_nothing(seen: dict[str, Any]) -> None:
    assert seen["none"] == []


def test_a_token_that_may_not_write_is_told_and_never_shown(seen: dict[str, Any]) -> None:
    assert "cannot be pushed to 'my-org/rows'" in seen["refusal"]
    assert "hf_wrong" not in seen["refusal"]


@pytest.mark.parametrize("repo_id", [None, "../secrets", "a/b/c"])
def test_only_names_of_the_hub_pass_the_check(repo_id: str | None) -> None:
    assert len(list(PushToHub(repo_id=repo_id).check())) == 1


def test_rows_pass_where_nothing_is_to_be_pushed() -> None:
    rows = [{"n": 1}]

    assert list(PushToHub(repo_id="no-such/place", push=False).process(rows)) == rows
