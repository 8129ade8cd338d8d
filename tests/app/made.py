"""Results that tests make of a table, without running a pipeline."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from flows.runs import RunFolder, RunReport

PART = "default / train"


def result_of(folder: Path, table: pa.Table, **settings: Any) -> RunFolder:
    """A finished run whose result is this table."""
    run = RunFolder(folder / "made-1")
    (run.path / "distiset" / "default").mkdir(parents=True, exist_ok=True)
    pq.write_table(table, run.path / "distiset" / "default" / "train-00000-of-00001.parquet", **settings)
    run.save_report(RunReport(run_id="made-1", pipeline="made", state="finished", rows={"default": table.num_rows}))
    return run
