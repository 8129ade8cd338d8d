"""Uses the Hub at $HF_ENDPOINT with the real clients and prints what they saw as one JSON line.

A program of its own, because the clients read their environment when they are imported.
"""

from __future__ import annotations

import json
import warnings
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
from datasets import Dataset, DatasetDict, load_dataset
from huggingface_hub import (
    CommitOperationAdd,
    CommitOperationDelete,
    DatasetCard,
    HfApi,
    HfFileSystem,
    get_session,
    hf_hub_download,
    hf_raise_for_status,
    snapshot_download,
)
from huggingface_hub.utils._headers import build_hf_headers

DATA = "my-org/my-data"
PRIVATE = "tester/private-data"
BINARY = bytes(range(256)) * 40


def main() -> None:
    """Do everything in order: later parts read what earlier parts wrote."""
    warnings.simplefilter("ignore")
    datasets.disable_progress_bars()
    api = HfApi()
    seen = write(api) | read(api) | branch_and_review(api) | meet_refusals(api)
    print(json.dumps(seen))


def write(api: HfApi) -> dict[str, Any]:
    """Push two configs, a card, a pipeline file and a binary."""
    for config in ("default", "text_generation_0"):
        rows = [{"instruction": f"q{i}", "generation": f"{config} a{i}"} for i in range(100)]
        splits = DatasetDict({"train": Dataset.from_list(rows), "test": Dataset.from_list(rows[:1])})
        splits.push_to_hub(DATA, config_name=config, commit_message=f"Push {config}")
    card = DatasetCard.load(DATA)
    card.data.tags = ["synthetic"]
    card.text += "\n# My data\n"
    card.push_to_hub(DATA)
    for path, content in (("pipeline.yaml", b"pipeline:\n  name: x\n"), ("artifacts/step/a.bin", BINARY)):
        api.upload_file(path_or_fileobj=content, path_in_repo=path, repo_id=DATA, repo_type="dataset")
    return {"whoami": api.whoami()["name"], "orgs": [org["name"] for org in api.whoami()["orgs"]]}


def read(api: HfApi) -> dict[str, Any]:
    """Load the configs back, whole and streaming, and look around."""
    loaded = load_dataset(DATA, "text_generation_0")
    streamed = load_dataset(DATA, "default", split="train", streaming=True)
    info = api.dataset_info(DATA, files_metadata=True)
    with HfFileSystem().open(f"datasets/{DATA}/artifacts/step/a.bin", block_size=1000) as file:
        file.seek(300)
        piece = file.read(4)
    return {
        "splits": {name: len(split) for name, split in loaded.items()},
        "row": loaded["train"][7],
        "streamed": next(iter(streamed)),
        "configs": datasets.get_dataset_config_names(DATA),
        "card_tags": info.tags,
        "lfs_paths": sorted(file.rfilename for file in info.siblings or [] if file.lfs),
        "pipeline": Path(hf_hub_download(DATA, "pipeline.yaml", repo_type="dataset")).read_text(),
        "snapshot": (Path(snapshot_download(DATA, repo_type="dataset")) / "artifacts/step/a.bin").is_file(),
        "range": list(piece),
        "top_level": sorted(entry.path for entry in api.list_repo_tree(DATA, repo_type="dataset")),
        "below": [entry.path for entry in api.list_repo_tree(DATA, "artifacts/step", repo_type="dataset")],
        "paths_info": [e.path for e in api.get_paths_info(DATA, ["artifacts", "none"], repo_type="dataset")],
        "listed": [found.id for found in api.list_datasets(author="my-org")],
        "last_commit": api.list_repo_commits(DATA, repo_type="dataset")[0].title,
    }


def branch_and_review(api: HfApi) -> dict[str, Any]:
    """Make a tag, a branch, a deletion on it and a pull request."""
    api.create_tag(DATA, tag="v1", repo_type="dataset")
    api.create_branch(DATA, branch="draft/two", repo_type="dataset")
    api.create_commit(
        DATA,
        [CommitOperationDelete("artifacts/")],
        commit_message="Drop artifacts",
        repo_type="dataset",
        revision="draft/two",
    )
    request = api.create_commit(
        DATA,
        [CommitOperationAdd("x.txt", b"1")],
        commit_message="Propose x",
        repo_type="dataset",
        create_pr=True,
    )
    refs = api.list_repo_refs(DATA, repo_type="dataset", include_pull_requests=True)
    seen = {
        "tags": [tag.name for tag in refs.tags],
        "branches": [branch.name for branch in refs.branches],
        "pull_requests": [pull.ref for pull in refs.pull_requests or []],
        "pr_number": request.pr_num,
        "pr_has_file": api.file_exists(DATA, "x.txt", repo_type="dataset", revision="refs/pr/1"),
        "main_has_file": api.file_exists(DATA, "x.txt", repo_type="dataset"),
        "rows_at_tag": len(load_dataset(DATA, "default", revision="v1")["train"]),
    }
    api.delete_tag(DATA, tag="v1", repo_type="dataset")
    api.delete_branch(DATA, branch="draft/two", repo_type="dataset")
    return seen


def meet_refusals(api: HfApi) -> dict[str, Any]:
    """Do what the Hub refuses and collect the errors' names."""
    api.create_repo(PRIVATE, repo_type="dataset", private=True)
    api.create_repo(PRIVATE, repo_type="dataset", exist_ok=True)
    bad, nobody = HfApi(token="hf_bad"), HfApi(token=False)
    bad_card = CommitOperationAdd("README.md", b"---\ntags: [\n---\n")
    seen = {
        "bad_token_whoami": refusal(bad.whoami),
        "bad_token_create": refusal(lambda: bad.create_repo("x", repo_type="dataset")),
        "bad_token_read": refusal(lambda: bad.dataset_info(DATA)),
        "foreign_namespace": refusal(lambda: api.create_repo("stranger/x", repo_type="dataset")),
        "exists": refusal(lambda: api.create_repo(PRIVATE, repo_type="dataset")),
        "private_to_strangers": refusal(lambda: nobody.dataset_info(PRIVATE)),
        "missing_repo": refusal(lambda: api.dataset_info("my-org/none")),
        "missing_repo_load": refusal(lambda: load_dataset("my-org/none")),
        "missing_revision": refusal(lambda: api.dataset_info(DATA, revision="none")),
        "missing_file": refusal(lambda: hf_hub_download(DATA, "none.txt", repo_type="dataset")),
        "stale_parent": refusal(
            lambda: api.create_commit(
                DATA,
                [CommitOperationAdd("y.txt", b"1")],
                commit_message="Too late",
                repo_type="dataset",
                parent_commit=api.list_repo_commits(DATA, repo_type="dataset")[-1].commit_id,
            )
        ),
        "bad_card": refusal(
            lambda: api.create_commit(
                DATA,
                [bad_card],
                commit_message="Break",
                repo_type="dataset",
            )
        ),
        "bad_card_unchecked": refusal(lambda: commit_without_check(api, bad_card)),
    }
    api.delete_repo(PRIVATE, repo_type="dataset")
    return seen | {"deleted": refusal(lambda: api.dataset_info(PRIVATE))}


def commit_without_check(api: HfApi, card: CommitOperationAdd) -> None:
    """Send a card the way a client without the YAML check would: straight to the commit route."""
    lines = (
        {"key": "header", "value": {"summary": "Break", "description": ""}},
        {"key": "file", "value": {"path": "README.md", "content": card.b64content().decode()}},
    )
    response = get_session().post(
        f"{api.endpoint}/api/datasets/{DATA}/commit/main",
        content="\n".join(map(json.dumps, lines)).encode(),
        headers=build_hf_headers() | {"Content-Type": "application/x-ndjson"},
    )
    hf_raise_for_status(response, endpoint_name="commit")


def refusal(call: Callable[[], object]) -> str:
    """Return the error's class and, where a response caused it, its status."""
    try:
        call()
    except Exception as error:
        response = getattr(error, "response", None)
        return f"{type(error).__name__} {response.status_code}" if response else type(error).__name__
    return "allowed"


if __name__ == "__main__":
    main()
