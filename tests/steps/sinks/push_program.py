"""Pushes rows to the Hub at $HF_ENDPOINT and prints what came of it: test_push_to_hub.py runs it.

A program of its own, because the clients read their environment when they are imported.
"""

from __future__ import annotations

import json
from typing import Any

from datasets import load_dataset

from steps.base import Row
from steps.errors import RunError
from steps.sinks import PushToHub


def refusal(step: PushToHub) -> str:
    try:
        list(step.process([{"n": 1}]))
    except RunError as error:
        return str(error)
    return "pushed"


def main() -> None:
    rows: list[Row] = [{"n": 1, "said": ["a"]}, {"n": 2, "said": []}]
    seen: dict[str, Any] = {"rows": list(PushToHub(repo_id="my-org/rows").process(rows))}
    seen["none"] = list(PushToHub(repo_id="my-org/none").process([]))
    PushToHub(repo_id="my-org/rows", split="test").process(rows[:1])
    seen["back"] = {split: list(part) for split, part in load_dataset("my-org/rows").items()}
    seen["refusal"] = refusal(PushToHub(repo_id="my-org/rows", token="hf_wrong"))
    for version in (1, 1, 2):
        settled = [{**row, "strategy": {"name": "learned", "version": version, "hash": "1f0c9a2b77aa00bb"}} for row in rows]
        list(PushToHub(repo_id="my-org/settled").process(settled))
    print(json.dumps(seen))


if __name__ == "__main__":
    main()
