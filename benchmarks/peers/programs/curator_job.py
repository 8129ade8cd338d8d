"""Bespoke Curator: its limits per minute are out of the way, and it pauses for the shortest time it can after a 429."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

litellm = find_spec("litellm")
assert litellm is not None
assert litellm.origin is not None
# tiktoken would load the vocabulary from the network; litellm, which curator needs, brings it
os.environ["TIKTOKEN_CACHE_DIR"] = str(Path(litellm.origin).parent / "litellm_core_utils" / "tokenizers")

from bespokelabs import curator  # noqa: E402
from datasets import load_dataset  # noqa: E402

NO_LIMIT = 10**9


class Answers(curator.LLM):  # type: ignore[misc]
    def prompt(self, input: dict[str, Any]) -> str:
        return str(input["instruction"])

    def parse(self, input: dict[str, Any], response: str) -> dict[str, Any]:
        return {"id": input["id"], "generation": response}


def main(job: dict[str, Any]) -> None:
    rows = load_dataset("json", data_files=job["data"], split="train")
    llm = Answers(
        model_name=job["model"],
        backend="openai",
        backend_params={
            "base_url": job["url"],
            "api_key": "none",
            "max_requests_per_minute": NO_LIMIT,
            "max_tokens_per_minute": NO_LIMIT,
            "max_concurrent_requests": job["in_flight"],
            "max_retries": job["retries"],
            "seconds_to_pause_on_rate_limit": 1,
        },
    )
    response = llm(rows, working_dir=f"{job['work']}/cache")
    Path(job["output"]).mkdir(exist_ok=True)
    response.dataset.to_parquet(f"{job['output']}/rows.parquet")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
