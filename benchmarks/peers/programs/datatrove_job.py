"""datatrove, as it asks a server elsewhere, or (with the argument "local") as it asks one on this machine.

It keeps finished rows only where checkpoints are asked for, so it is spared them where nothing is killed.
"""

import json
import sys
from pathlib import Path
from typing import Any

from datatrove.data import Document
from datatrove.executor import LocalPipelineExecutor
from datatrove.pipeline.inference.run_inference import InferenceConfig, InferenceRunner
from datatrove.pipeline.readers import JsonlReader
from datatrove.pipeline.writers import JsonlWriter


async def ask(document: Document, generate: Any) -> str:
    result = await generate({"messages": [{"role": "user", "content": document.text}]})
    return str(result.text)


def flat(_: Any, document: Document) -> dict[str, Any]:
    return {"id": int(document.id), "generation": document.metadata["rollout_results"][0]}


def main(job: dict[str, Any]) -> None:
    config = InferenceConfig(
        server_type="endpoint",
        endpoint_url=url(job),
        api_key="none",
        model_name_or_path=job["model"],
        max_concurrent_generations=job["in_flight"],
    )
    checkpoints = f"{job['work']}/checkpoints" if job["resumes"] else None
    name = "${rank}_chunk_${chunk_index}.jsonl" if checkpoints else "${rank}.jsonl"
    writer = JsonlWriter(job["output"], output_filename=name, compression=None, adapter=flat)
    data = Path(job["data"])
    reader = JsonlReader(str(data.parent), glob_pattern=data.name, text_key="instruction")
    runner = InferenceRunner(ask, config, writer, checkpoints_local_dir=checkpoints, records_per_chunk=100)
    LocalPipelineExecutor(pipeline=[reader, runner], logging_dir=f"{job['work']}/logs").run()


def url(job: dict[str, Any]) -> str:
    """What it makes of a server: elsewhere it uses the openai package and tries again, here a client of its own, once.

    127.1 is this machine too, but datatrove does not know that.
    """
    if sys.argv[2:] == ["local"]:
        return str(job["url"]).removesuffix("/v1")
    return str(job["url"]).replace("127.0.0.1", "127.1")


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
