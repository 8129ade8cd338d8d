"""distilabel: a batch is asked at once and the next one after it, so batches are as large as requests may be in flight."""

import json
import sys
from pathlib import Path
from typing import Any

from distilabel.models import OpenAILLM
from distilabel.pipeline import Pipeline
from distilabel.steps import KeepColumns, LoadDataFromFileSystem
from distilabel.steps.tasks import TextGeneration


def main(job: dict[str, Any]) -> None:
    size = job["in_flight"]
    with Pipeline(name="peers", cache_dir=Path(job["work"]) / "cache") as pipeline:
        load = LoadDataFromFileSystem(name="load", data_files=job["data"], filetype="json", batch_size=size)
        llm = OpenAILLM(
            model=job["model"],
            base_url=job["url"],
            api_key="none",
            max_retries=job["retries"],
            generation_kwargs={"max_new_tokens": 512},
        )
        ask = TextGeneration(name="ask", llm=llm, input_batch_size=size, add_raw_output=False, add_raw_input=False)
        keep = KeepColumns(name="keep", columns=["id", "generation"], input_batch_size=size)
        load >> ask >> keep
    result = pipeline.run(use_cache=True)
    result.save_to_disk(job["output"], save_card=False, save_pipeline_config=False, save_pipeline_log=False)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
