"""The job of `cheap_steps.py` for distilabel. Runs in distilabel's own virtual environment, so it imports nothing of ours.

    python distilabel_cheap_steps.py DATA BATCH OUTPUT CACHE files|dicts

It prints the seconds from `run()` to the result on disk.
"""

import json
import sys
import time
from pathlib import Path

from distilabel.pipeline import Pipeline
from distilabel.steps import KeepColumns, LoadDataFromDicts, LoadDataFromFileSystem, MergeColumns, TruncateTextColumn


def main() -> None:
    data, size, output, cache, loader = sys.argv[1], int(sys.argv[2]), sys.argv[3], sys.argv[4], sys.argv[5]
    with Pipeline(name="cheap-steps", cache_dir=cache) as pipeline:
        if loader == "files":
            load = LoadDataFromFileSystem(name="load", data_files=data, filetype="json", batch_size=size)
        else:
            rows = [json.loads(line) for line in Path(data).read_text().splitlines()]
            load = LoadDataFromDicts(name="load", data=rows, batch_size=size)
        response = TruncateTextColumn(name="response", column="response", max_length=120, input_batch_size=size)
        labels = MergeColumns(name="labels", columns=["topic", "tags"], output_column="labels", input_batch_size=size)
        question = TruncateTextColumn(name="question", column="instruction", max_length=100, input_batch_size=size)
        keep = KeepColumns(name="keep", columns=["id", "instruction", "response", "labels"], input_batch_size=size)
        load >> response >> labels >> question >> keep
    started = time.perf_counter()
    result = pipeline.run(use_cache=False)
    result.save_to_disk(output, save_card=False, save_pipeline_config=False, save_pipeline_log=False)
    print(f"run_s {time.perf_counter() - started:.3f}")


if __name__ == "__main__":
    main()
