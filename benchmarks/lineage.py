"""How long `why` takes in a run of many rows, each of which asked a model and got a frame of its own: the worst there is.

    python -m benchmarks.lineage --rows 1000000

The run itself is real but small; its ledger, journal and result are then written anew with as many rows, through the engine's
own writers. `first` is the first row that a process asks for after the end of the run, with nothing noted beside the files;
`new process` the first row of the next process; `next` any row after that.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from statistics import median

import pyarrow as pa
import pyarrow.parquet as pq

from flows.engine.codec import encode
from flows.engine.items import ContentKeys
from flows.engine.journal import Asker, Entry
from flows.engine.keys import identity_of
from flows.engine.ledger import SegmentWriter, step_folder
from flows.lineage.ids import LINEAGE
from flows.lineage.why import why
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.runs import RunFolder
from flows.spec import spec_from
from steps.llms.base import Completion, Request, Usage
from tests.fakes.openai_server import FakeOpenAI
from tests.fakes.serving import running

TEXT = "All work and no play makes a dull boy. " * 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--look", type=Path, help="only look at one row of this run")
    args = parser.parse_args()
    if args.look:
        print(f"{timed(RunFolder(args.look), args.rows // 3):.3f}")
        return
    with tempfile.TemporaryDirectory(prefix="distilflow-bench-") as name:
        run = make(Path(name), args.rows)
        first = timed(run, args.rows // 2)
        command = [sys.executable, "-m", "benchmarks.lineage", "--look", str(run.path), "--rows", str(args.rows)]
        other = float(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
        after = [timed(run, at) for at in range(0, args.rows, max(1, args.rows // 20))]
        size = sum(path.stat().st_size for path in run.path.rglob("*.keys.npz")) / args.rows
        lineage = sum(path.stat().st_size for path in (run.distiset / LINEAGE).iterdir()) / args.rows
    print(f"{args.rows:,} rows: first {first:.2f} s, new process {other:.2f} s")
    print(f"next {median(after):.3f} s, at most {max(after):.3f} s")
    print(f"on disk: {lineage:.1f} bytes a row with the result, {size:.1f} bytes a row beside ledger and journal")


def timed(run: RunFolder, index: int) -> float:
    begin = time.perf_counter()
    told = why(run, "default", index)
    seconds = time.perf_counter() - begin
    assert told.steps[0].added["instruction"] == f"question {index}"
    assert told.steps[1].replies[0].texts == [f"{index} {TEXT}"]
    return seconds


def make(folder: Path, rows: int) -> RunFolder:
    """A run of two steps, as if it had taken so many rows."""
    data = [{"instruction": "question 0"}]
    with running(FakeOpenAI()) as url:
        llm = {"use": "OpenAILLM", "model": "m", "base_url": f"{url}/v1", "price": {"input": 1, "output": 1}}
        steps = [
            {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
            {"name": "answer", "use": "TextGeneration", "after": "load", "with": {"llm": llm}},
        ]
        spec, _ = spec_from({"distilflow": 1, "name": "bench", "steps": steps})
        planned = plan(spec)
        run = run_inline(planned, folder, run_id="bench")
    identity = identity_of(planned.llms["answer"][""])
    task = planned.steps["answer"].step
    for name in ("ledger", "journal"):
        shutil.rmtree(run.path / name)
    ledger = SegmentWriter(step_folder(run.path / "ledger", "answer", run.report().step_keys["answer"]) / "a.seg")
    journal = SegmentWriter(run.path / "journal" / "a.seg")
    keys, content = [], ContentKeys()
    template = Entry("answer", "", "m", [], 1, None, Completion([], "m", Usage(9, 99)), 0.0, 0.5, 1, 1e-5)
    with pq.ParquetWriter(next(run.distiset.glob("*/*.parquet")), pa.schema([("instruction", pa.string())])) as file:
        for number in range(rows):
            row = {"instruction": f"question {number}"}
            [key] = content.keys([encode(row)])
            keys.append(key)
            reply = f"{number} {TEXT}"
            ledger.append([key], [encode({**row, "generation": reply, "model_name": "m"})], [1])
            chat = task.format_input(row)  # type: ignore[attr-defined] # it is a task
            completion = Completion([reply], "m", Usage(9, 99))
            entry = replace(template, row=str(number), chat=chat, completion=completion, at=float(number))
            journal.append([Asker(identity, "answer", key).key(Request(chat), 0)], [entry.to_json()], [1])
        file.write_table(pa.table({"instruction": [f"question {number}" for number in range(rows)]}))
    ledger.close()
    journal.close()
    (run.distiset / LINEAGE / "load.keys").write_bytes(b"".join(keys))
    return run


if __name__ == "__main__":
    main()
