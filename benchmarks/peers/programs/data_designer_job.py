"""Data Designer: what it finished is kept by groups of rows, so where it is killed these are small; its metrics are off."""

import json
import sys
from pathlib import Path
from typing import Any

import data_designer.config as dd
from data_designer.interface import DataDesigner

DEFAULT, SMALL = (1000, 3), (100, 8)
"""Rows in a group, and groups at a time: large ones are faster, small ones lose less."""


def main(job: dict[str, Any]) -> None:
    provider = dd.ModelProvider(name="local", endpoint=job["url"], provider_type="openai", api_key="none")
    sampling = dd.ChatCompletionInferenceParams(max_parallel_requests=job["in_flight"])
    model = dd.ModelConfig(
        alias="m", model=job["model"], provider="local", inference_parameters=sampling, skip_health_check=True
    )
    config = dd.DataDesignerConfigBuilder(model_configs=[model])
    config.with_seed_dataset(dd.LocalFileSeedSource(path=job["data"]))
    config.add_column(dd.LLMTextColumnConfig(name="generation", model_alias="m", prompt="{{ instruction }}"))
    designer = DataDesigner(artifact_path=Path(job["output"]), model_providers=[provider])
    rows, groups = SMALL if job["resumes"] else DEFAULT
    designer.set_run_config(
        dd.RunConfig(
            buffer_size=rows,
            max_concurrent_row_groups=groups,
            otel_metrics_port=None,
            disable_early_shutdown=True,
            jinja_rendering_engine=dd.JinjaRenderingEngine.NATIVE,
        )
    )
    designer.create(config, num_records=job["rows"], dataset_name="result", resume=dd.ResumeMode.IF_POSSIBLE)


if __name__ == "__main__":
    main(json.loads(Path(sys.argv[1]).read_text()))
