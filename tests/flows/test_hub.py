"""Pushing a Distiset, to a Hub of our own, with the real clients."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml

from flows.distiset import write_distiset
from flows.engine.stages import keys_of
from flows.hub import PushFailed, check_repo_id
from tests.fakes.hub import FakeHub
from tests.fakes.serving import running
from tests.flows.results import leave, make_plan, make_report, make_shelf

ROOT = Path(__file__).parents[2]
DATA = "my-org/result"


@pytest.fixture(scope="module")
def hub() -> FakeHub:
    return FakeHub()


@pytest.fixture(scope="module")
def seen(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """What the program saw that pushes."""
    folder = tmp_path_factory.mktemp("run")
    (folder / "run.log").write_text("it ran\n")
    shelves = {
        leaf: make_shelf(folder, leaf, [{"n": at} for at in range(start, 9)]) for leaf, start in (("good", 1), ("other", 5))
    }
    plan = make_plan("good", "other")
    leave(folder, plan, "good", "plot", "drawn", {"type": "plot"})
    leave(folder, plan, "good", "rows.parquet", "no table")
    report = make_report(step_keys=keys_of(plan))
    write_distiset(folder / "distiset", plan, shelves, report, folder / "run.log")
    with running(hub) as url:
        done = subprocess.run(
            [sys.executable, "-W", "error::UserWarning", "-m", "tests.flows.hub_program", str(folder / "distiset")],
            cwd=ROOT,
            env=os.environ | hub.client_env(url) | {"HF_HOME": str(folder / "home")},
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_all_configurations_load_back(seen: dict[str, Any]) -> None:
    assert seen["rows"] == {"good": 1, "other": 5}


def test_everything_is_in_one_commit(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert seen["commits"] == ["First", "initial commit"]
    repo = hub.repo("dataset", DATA)
    [first] = [commit for commit in repo.commits.values() if commit.title == "First"]
    assert sorted(first.files) == [
        ".gitattributes",
        "README.md",
        "artifacts/good/plot/metadata.json",
        "artifacts/good/plot/text.txt",
        "artifacts/good/rows.parquet/metadata.json",
        "artifacts/good/rows.parquet/text.txt",
        "good/train-00000-of-00001.parquet",
        "other/train-00000-of-00001.parquet",
        "pipeline.yaml",
        "run.log",
    ]
    assert first.oid in seen["url"]
    assert f'load_dataset("{DATA}", "good")'.encode() in first.files["README.md"].content


def test_an_artifact_is_replaced_whole_and_others_stay(seen: dict[str, Any]) -> None:
    assert seen["artifacts"] == {
        "paths": [
            "artifacts/good/other/theirs.txt",
            "artifacts/good/plot/metadata.json",
            "artifacts/good/plot/text.txt",
            "artifacts/good/rows.parquet/metadata.json",
            "artifacts/good/rows.parquet/text.txt",
            "artifacts/notes.txt",
        ],
        "rows": {"good": 8, "other": 4},
        "configs": ["good", "other"],
    }


def test_a_second_push_replaces_its_own_leaf_and_keeps_the_others(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert seen["splits"] == {"train": 3, "test": 2}
    assert seen["kept"] == 4
    assert [path for path in hub.repo("dataset", DATA).paths() if path.startswith("good/")] == [
        "good/test-00000-of-00001.parquet",
        "good/train-00000-of-00001.parquet",
    ]


def test_a_card_that_is_not_generated_keeps_its_text(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert seen
    card = hub.repo("dataset", DATA).read("README.md").decode()

    assert "# demo" in card
    head = yaml.safe_load(card.split("---\n")[1])
    assert [config["config_name"] for config in head["configs"]] == ["good", "other"]


def test_a_pull_request_leaves_main_alone(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert seen["pr"].endswith("/discussions/1")
    assert hub.repo("dataset", DATA).pull_requests == 1


def test_a_branch_of_a_private_repository_of_ones_own(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert seen["draft"] == 2
    repo = hub.repo("dataset", "tester/own")
    assert (repo.is_private, repo.paths("main")) == (True, [".gitattributes"])


@pytest.mark.parametrize(
    ("attempt", "what", "fix"),
    [
        ("bad-token", "does not accept the token", "settings/tokens"),
        ("no-token-at-all", "the token that was given is none", "settings/tokens"),
        ("nobody", "no token was given", "hf auth login"),
        ("stranger", "may not write to 'stranger/data'", "a namespace"),
        ("name", "'my org/data' is no name", "user/name"),
        ("revision", "there is no 'my-org/result'", "the revision"),
        ("network", "http://127.0.0.1:9 cannot be reached", "check the network"),
    ],
)
def test_refusals_say_what_to_do_and_never_the_token(seen: dict[str, Any], attempt: str, what: str, fix: str) -> None:
    said = seen["refusals"][attempt]

    assert said.startswith("[push-failed] ")
    assert what in said
    assert fix in said.split("Fix: ")[1]
    assert "hf_secret" not in said


@pytest.mark.parametrize("repo_id", ["data", "me/data", "my-org/data.v1_2"])
def test_names_that_are_fine(repo_id: str) -> None:
    check_repo_id(repo_id)


@pytest.mark.parametrize("repo_id", ["", "a/b/c", "me/", "/data", "me/da ta", "me/a--b", "me/..", "me/x.git", "me/é", "me/x\n"])
def test_names_that_are_none(repo_id: str) -> None:
    with pytest.raises(PushFailed, match="is no name"):
        check_repo_id(repo_id)
