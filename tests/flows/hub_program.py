"""Pushes Distisets to the Hub at $HF_ENDPOINT and prints what came of it as one JSON line: tests/flows/test_hub.py runs it.

A program of its own, because the clients read their environment when they are imported.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Callable
from typing import Any

from datasets import Dataset, get_dataset_config_names, load_dataset
from huggingface_hub import HfApi

from flows.distiset import Distiset
from flows.hub import PushFailed

DATA = "my-org/result"
ARTIFACTS = "my-org/with-artifacts"


def main(folder: str) -> None:
    distiset = Distiset.load_from_disk(folder)
    seen: dict[str, Any] = {"url": distiset.push_to_hub(DATA, commit_message="First")}
    seen["rows"] = {leaf: load_dataset(DATA, leaf)["train"][0]["n"] for leaf in ("good", "other")}
    api = HfApi()
    seen["commits"] = [commit.title for commit in api.list_repo_commits(DATA, repo_type="dataset")]
    api.upload_file(path_or_fileobj=b"old", path_in_repo="good/train-00001-of-00002.parquet", repo_id=DATA, repo_type="dataset")
    only = Distiset({"good": Dataset.from_dict({"n": [1, 2, 3, 4, 5]})}).train_test_split(0.6, seed=1)
    only.push_to_hub(DATA, generate_card=False)
    seen["splits"] = {split: len(rows) for split, rows in load_dataset(DATA, "good").items()}
    seen["kept"] = len(load_dataset(DATA, "other")["train"])
    seen["pr"] = only.push_to_hub(DATA, create_pr=True)
    seen["branch"] = only.push_to_hub("own", private=True, revision="draft")
    seen["draft"] = len(load_dataset("tester/own", "good", revision="draft")["test"])
    seen["artifacts"] = pushed_twice(distiset, api)
    seen["refusals"] = refusals(distiset)
    print(json.dumps(seen))


def pushed_twice(distiset: Distiset, api: HfApi) -> dict[str, Any]:
    """What lies beside the rows after a second push, and whether they still load."""
    distiset.push_to_hub(ARTIFACTS)
    for path in ("artifacts/good/plot/old.txt", "artifacts/good/other/theirs.txt", "artifacts/notes.txt"):
        api.upload_file(path_or_fileobj=b"old", path_in_repo=path, repo_id=ARTIFACTS, repo_type="dataset")
    distiset.push_to_hub(ARTIFACTS)
    paths = sorted(path for path in api.list_repo_files(ARTIFACTS, repo_type="dataset") if path.startswith("artifacts/"))
    rows = {leaf: len(load_dataset(ARTIFACTS, leaf)["train"]) for leaf in ("good", "other")}
    return {"paths": paths, "rows": rows, "configs": get_dataset_config_names(ARTIFACTS)}


def refusals(distiset: Distiset) -> dict[str, str]:
    return {
        "bad-token": refusal(lambda: distiset.push_to_hub(DATA, token="hf_secret")),
        "no-token-at-all": refusal(lambda: distiset.push_to_hub(DATA, token="hf_secret \n x")),
        "stranger": refusal(lambda: distiset.push_to_hub("stranger/data")),
        "name": refusal(lambda: distiset.push_to_hub("my org/data")),
        "revision": refusal(lambda: distiset.push_to_hub(DATA, revision="refs/pr/99")),
        "network": refusal(lambda: with_variable("HF_ENDPOINT", "http://127.0.0.1:9", distiset)),
        "nobody": refusal(lambda: with_variable("HF_TOKEN", "", distiset)),
    }


def with_variable(name: str, value: str, distiset: Distiset) -> None:
    before, os.environ[name] = os.environ[name], value
    try:
        distiset.push_to_hub(DATA)
    finally:
        os.environ[name] = before


def refusal(call: Callable[[], object]) -> str:
    try:
        call()
    except PushFailed as error:
        return str(error)
    return "pushed"


if __name__ == "__main__":
    main(sys.argv[1])
