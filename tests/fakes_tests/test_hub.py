"""The fake Hub, seen through `huggingface_hub` and `datasets` in a process of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import pytest

from tests.fakes.hub import FakeHub
from tests.fakes.serving import running

ROOT = Path(__file__).parents[2]
DATA = "my-org/my-data"


@pytest.fixture(scope="module")
def hub() -> FakeHub:
    """Return the Hub that `seen` fills."""
    return FakeHub()


@pytest.fixture(scope="module")
def seen(hub: FakeHub, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Any]:
    """Run the client program once and return what it saw."""
    home = {"HF_HOME": str(tmp_path_factory.mktemp("hf-home"))}
    with running(hub) as url:
        done = subprocess.run(
            [sys.executable, "-m", "tests.fakes_tests.hub_client"],
            cwd=ROOT,
            env=os.environ | hub.client_env(url) | home,
            capture_output=True,
            text=True,
            timeout=120,
        )
    assert done.returncode == 0, done.stderr
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def test_the_token_has_a_name_and_orgs(seen: dict[str, Any]) -> None:
    assert (seen["whoami"], seen["orgs"]) == ("tester", ["my-org"])


def test_two_configs_load_back(seen: dict[str, Any]) -> None:
    assert sorted(seen["configs"]) == ["default", "text_generation_0"]
    assert seen["splits"] == {"train": 100, "test": 1}
    assert seen["row"] == {"instruction": "q7", "generation": "text_generation_0 a7"}


def test_streaming_reads_without_a_download(seen: dict[str, Any]) -> None:
    assert seen["streamed"] == {"instruction": "q0", "generation": "default a0"}


def test_the_card_and_the_pipeline_are_in_the_repo(hub: FakeHub, seen: dict[str, Any]) -> None:
    repo = hub.repo("dataset", DATA)

    assert b"# My data" in repo.read("README.md")
    assert repo.read("pipeline.yaml").decode() == seen["pipeline"] == "pipeline:\n  name: x\n"
    assert seen["card_tags"] == ["synthetic"]
    assert seen["last_commit"] == "Upload artifacts/step/a.bin with huggingface_hub"


def test_binaries_and_parquet_go_through_lfs(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert "artifacts/step/a.bin" in seen["lfs_paths"]
    assert "pipeline.yaml" not in seen["lfs_paths"]
    assert sum(path.endswith(".parquet") for path in seen["lfs_paths"]) == 4
    assert sum(path.startswith("/_lfs/") for method, path in hub.requests if method == "PUT") == 5


def test_files_are_found_listed_and_read_in_ranges(seen: dict[str, Any]) -> None:
    assert seen["range"] == [44, 45, 46, 47]
    assert seen["snapshot"]
    assert {"README.md", "artifacts", "text_generation_0", "pipeline.yaml"} <= set(seen["top_level"])
    assert (seen["below"], seen["paths_info"]) == (["artifacts/step/a.bin"], ["artifacts"])
    assert seen["listed"] == [DATA]


def test_tags_branches_and_pull_requests(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert (seen["tags"], seen["branches"]) == (["v1"], ["main", "draft/two"])
    assert (seen["pull_requests"], seen["pr_number"]) == (["refs/pr/1"], 1)
    assert (seen["pr_has_file"], seen["main_has_file"]) == (True, False)
    assert seen["rows_at_tag"] == 100
    assert sorted(hub.repo("dataset", DATA).refs) == ["refs/heads/main", "refs/pr/1"]


@pytest.mark.parametrize(
    ("attempt", "error"),
    [
        ("bad_token_whoami", "HfHubHTTPError 401"),
        ("bad_token_create", "HfHubHTTPError 401"),
        ("bad_token_read", "HfHubHTTPError 401"),
        ("foreign_namespace", "HfHubHTTPError 403"),
        ("exists", "HfHubHTTPError 409"),
        ("private_to_strangers", "RepositoryNotFoundError 401"),
        ("missing_repo", "RepositoryNotFoundError 404"),
        ("missing_repo_load", "DatasetNotFoundError"),
        ("missing_revision", "RevisionNotFoundError 404"),
        ("missing_file", "RemoteEntryNotFoundError 404"),
        ("stale_parent", "HfHubHTTPError 412"),
        ("bad_card", "ValueError"),  # the client asks /api/validate-yaml first
        ("bad_card_unchecked", "BadRequestError 400"),
        ("deleted", "RepositoryNotFoundError 404"),
    ],
)
def test_refusals_are_the_clients_own_errors(seen: dict[str, Any], attempt: str, error: str) -> None:
    assert seen[attempt] == error


def test_requests_are_recorded(hub: FakeHub, seen: dict[str, Any]) -> None:
    assert seen
    methods = Counter(method for method, _ in hub.requests)
    assert {"GET", "HEAD", "POST", "PUT", "DELETE"} <= set(methods)
    assert ("POST", f"/api/datasets/{DATA}/commit/main") in hub.requests
