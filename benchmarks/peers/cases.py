"""The cases: how many rows, against a server that behaves how."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import orjson

from benchmarks.openai_server import MODEL, Conduct, question

RETRIES = 10


@dataclass(frozen=True, slots=True)
class Case:
    """One job. `meets_faults`: requests fail; `is_killed`: the run is killed halfway and started again."""

    name: str
    title: str
    rows: int
    conduct: Conduct = Conduct()  # noqa: RUF009 - frozen
    in_flight: int = 256
    meets_faults: bool = False
    is_killed: bool = False
    takes_turns: bool = False
    """Its times are what counts, so it is repeated."""


START = Case("start", "start-up alone: 2 rows, 200 ms", 2, takes_turns=True)
CASES = (
    START,
    Case("rows-1000", "1000 rows, 200 ms, 256 at once", 1000, takes_turns=True),
    Case("rows-5000", "5000 rows, 200 ms, 256 at once", 5000, takes_turns=True),
    Case("limit", "600 rows, 60 requests/s, then 429 + Retry-After: 1", 600, Conduct(requests_per_s=60), meets_faults=True),
    Case("errors", "600 rows, 5 % of replies are 500", 600, Conduct(error_share=0.05), meets_faults=True),
    Case("kill", "2500 rows, kill -9 halfway, started again", 2500, is_killed=True),
    Case("straggler", "3000 rows, 1 in 50 takes 5 s, the rest 50 ms, 128 at once", 3000, Conduct(0.05, slow_every=50), 128),
)
SPEED = ("rows-1000", "rows-5000")
BY_NAME = {case.name: case for case in CASES}


@dataclass(frozen=True, slots=True)
class Job:
    """What a system is told: the rows (JSONL: id, instruction), whom to ask, where to keep its state and its result."""

    data: str
    rows: int
    url: str
    model: str
    in_flight: int
    retries: int
    meets_faults: bool
    resumes: bool
    work: str
    """Folder of whatever a second start of the same job can go on from."""
    output: str

    @classmethod
    def of(cls, case: Case, url: str, folder: Path) -> Job:
        data = folder / "rows.jsonl"
        lines = [orjson.dumps({"id": number, "instruction": question(number)}) + b"\n" for number in range(case.rows)]
        data.write_bytes(b"".join(lines))
        (folder / "work").mkdir()
        return cls(
            data=str(data),
            rows=case.rows,
            url=url,
            model=MODEL,
            in_flight=case.in_flight,
            retries=RETRIES,
            meets_faults=case.meets_faults,
            resumes=case.is_killed,
            work=str(folder / "work"),
            output=str(folder / "output"),
        )

    def save(self, path: Path) -> Path:
        path.write_bytes(orjson.dumps(asdict(self)))
        return path


def pipeline(job: Job) -> dict[str, Any]:
    """The same job as a pipeline of ours."""
    llm = {"use": "OpenAILLM", "model": job.model, "base_url": job.url, "max_concurrency": job.in_flight}
    load = {"name": "load", "use": "LoadDataFromFileSystem", "with": {"data_files": job.data}}
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": llm | {"max_retries": job.retries}}}
    return {"distilflow": 1, "name": "peers", "steps": [load, ask]}
