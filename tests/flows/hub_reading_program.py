"""Reads from the Hub at $HF_ENDPOINT and prints what came of it as one JSON line: tests/flows/test_importing.py runs it.

A program of its own, because the clients read their environment when they are imported.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from huggingface_hub import HfApi

from flows.hub_addresses import DataSet, hub_data_set
from flows.hub_reading import first_rows
from flows.importing import read_source, understand
from flows.spec import read_spec
from steps.errors import SpecError
from tests.flows.compat.distilabel_files import preference, text

OURS = "distilflow: 1\nname: ours\nsteps:\n- {name: load, use: LoadDataFromDicts, with: {data: [{a: 1}]}}\n"


def main() -> None:
    api = HfApi()
    address = api.endpoint
    api.create_repo("my-org/ours", repo_type="dataset")
    put(api, "my-org/ours", "pipeline.yaml", OURS)
    put(api, "my-org/ours", "train.jsonl", "".join(json.dumps({"instruction": f"q{at}", "n": at}) + "\n" for at in range(9)))
    api.create_repo("my-org/theirs", repo_type="dataset")
    put(api, "my-org/theirs", "pipeline.yaml", text(preference()))
    api.create_repo("my-org/none", repo_type="dataset")
    put(api, "my-org/none", "README.md", "# nothing")
    api.create_repo("my-org/large", repo_type="dataset")
    put(api, "my-org/large", "pipeline.yaml", "# " + "x" * 10_000_001)
    theirs = understand(read_source("hf://datasets/my-org/theirs"))
    params, rows = first_rows(hub_data_set(f"{address}/datasets/my-org/ours"))
    seen: dict[str, Any] = {
        "ours": understand(read_source("hf://datasets/my-org/ours")).text == OURS,
        "by_address": read_source(f"{address}/datasets/my-org/ours/raw/main/pipeline.yaml") == OURS,
        "theirs": read_spec(theirs.text)[0].names(),
        "params": params,
        "rows": rows,
        "refusals": {
            "none": refusal(lambda: read_source("hf://datasets/my-org/none")),
            "nobody": refusal(lambda: read_source("hf://datasets/my-org/nobody")),
            "large": refusal(lambda: read_source("hf://datasets/my-org/large")),
            "revision": refusal(lambda: read_source("hf://datasets/my-org/ours@nope")),
            "no-rows": refusal(lambda: first_rows(DataSet("my-org/none"))),
            "split": refusal(lambda: first_rows(DataSet("my-org/ours"), split="nope")),
        },
    }
    print(json.dumps(seen))


def put(api: HfApi, repo: str, path: str, content: str) -> None:
    api.upload_file(path_or_fileobj=content.encode(), path_in_repo=path, repo_id=repo, repo_type="dataset")


def refusal(act: Callable[[], Any]) -> str:
    try:
        act()
    except SpecError as error:
        return f"{error.message} / {error.fix}"
    return "none"


if __name__ == "__main__":
    main()
