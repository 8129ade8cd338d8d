"""Batches at providers, killed at the worst moments: is anything handed in twice, or lost?

    python -m benchmarks.batches                                      # 5000 rows, four providers, seven moments
    python -m benchmarks.batches --kinds openai --moments created --rows 500

Rows go through a step with `batch: true` to a local server that speaks as the provider does (tests/fakes/providers/batches.py).
The process group gets SIGKILL at a moment, and the same command goes on. The server counts what was in batches that it made and
what it ran; a part of the rows is of a kind that the provider refuses, one by one: these, and only these, may be in quarantine.
"""

from __future__ import annotations

import argparse
import json
import os
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal, get_args

import pyarrow.parquet as pq

from benchmarks.groups import Group
from benchmarks.surroundings import OFFLINE, ROOT
from flows.engine.journal import JOURNAL, paid_in
from tests.fakes.providers import Prompt
from tests.fakes.providers.batches import KEY, FakeBatches, Kind
from tests.fakes.serving import running

Moment = Literal["upload", "create", "late", "created", "look", "download", "collect"]
MOMENTS: dict[Moment, str] = {
    "upload": "while it uploads",
    "create": "while it asks for the batch",
    "late": "the same, and the batch is made later",
    "created": "before it hears the id",
    "look": "while it looks",
    "download": "in the middle of the results",
    "collect": "while it keeps them",
}
ROWS = 5000
FAILING = 50
"""One row of so many is refused by the provider."""
PAUSE_S = 0.25
ENDS_WELL = (0, 3)
"""3: with rows in quarantine."""
HANG_S = 120.0
COLUMNS = (
    "provider",
    "killed",
    "handed in",
    "handed in twice",
    "run twice",
    "in the journal before",
    "after",
    "rows",
    "quarantined",
    "wrong",
)


@dataclass(frozen=True, slots=True)
class Killed:
    """One run that was killed, and how it went on."""

    kind: Kind
    moment: Moment
    failure: str
    handed_in: int
    """Requests in batches that the provider made."""
    handed_in_twice: int
    ran_twice: int
    before: int
    """Replies in the journal when it was killed."""
    journal: int
    rows: int
    quarantined: int
    wrong: int
    """Rows that have no reply, or that of another one, and rows in quarantine that did not fail."""
    again_s: float

    @property
    def is_right(self) -> bool:
        return not (self.failure or self.handed_in_twice or self.ran_twice or self.wrong)


def main() -> None:
    args = _parse_args()
    found: list[Killed] = []
    for kind in args.kinds:
        for moment in args.moments:
            if kind == "anthropic" and moment == "upload":  # it has no upload
                continue
            with tempfile.TemporaryDirectory(prefix="distilflow-batches-") as folder:
                found.append(kill(kind, moment, args.rows, Path(folder)))
            print(f"{kind:<10} {moment:<9} second start {found[-1].again_s:.1f} s", file=sys.stderr, flush=True)
            if args.json is not None:
                args.json.parent.mkdir(parents=True, exist_ok=True)
                args.json.write_text(json.dumps([asdict(one) for one in found], indent=1))
    print(table(found))
    if not all(one.is_right for one in found):
        sys.exit("not all went well; see the table")


def kill(kind: Kind, moment: Moment, rows: int, folder: Path) -> Killed:
    """Kill a run at a moment, go on, and count."""
    fake = FakeBatches(kind, hold=None if moment == "collect" else moment)
    with running(fake) as url:
        (folder / "pipeline.json").write_text(json.dumps(pipeline(kind, url, rows)))
        group = _start(folder)
        journal = folder / "runs" / "bench" / JOURNAL

        def is_due() -> bool:
            if moment == "collect":
                return any(path.stat().st_size for path in journal.glob("*.seg"))
            return fake.reached.is_set()

        failure = "" if group.wait_for(is_due, HANG_S) else f"never came to it: {group.said[-300:]}"
        group.signal(signal.SIGKILL)
        group.end()
        before = sum(1 for _ in paid_in(journal))
        if moment != "late":
            fake.go_on()
        begin = time.perf_counter()
        again = _start(folder)
        if moment == "late":
            again.wait_for(lambda: fake.listings > 0, HANG_S)
            fake.go_on()
        code = again.wait(HANG_S)
        again_s = time.perf_counter() - begin
        if code not in ENDS_WELL and not failure:
            failure = f"exit code {code}: {again.said[-300:]}"
        again.signal(signal.SIGKILL)
        again.end()
    return Killed(
        kind=kind,
        moment=moment,
        failure=failure,
        handed_in=fake.requests,
        handed_in_twice=sum(times - 1 for times in fake.handed_in.values()),
        ran_twice=sum(times - 1 for times in fake.ran.values()),
        before=before,
        journal=sum(1 for _ in paid_in(journal)),
        **_outcome(folder, rows),
        again_s=again_s,
    )


def pipeline(kind: Kind, url: str, rows: int) -> dict[str, Any]:
    data = [{"instruction": _prompt(number)} for number in range(rows)]
    common = {"api_key": "${BATCH_KEY}", "batch_pause": PAUSE_S}
    models = {
        "openai": {"use": "OpenAILLM", "model": "gpt-4o-mini", "base_url": f"{url}/v1"},
        "azure": {"use": "AzureOpenAILLM", "model": "some-model", "azure_endpoint": url, "api_version": "2024-10-21"},
        "anthropic": {"use": "AnthropicLLM", "model": "claude-haiku-4-5", "base_url": f"{url}/v1"},
        "mistral": {"use": "MistralLLM", "model": "mistral-small-latest", "base_url": f"{url}/v1"},
    }
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}}
    ask = {"name": "ask", "use": "TextGeneration", "after": "load", "with": {"llm": models[kind] | common, "batch": True}}
    return {"distilflow": 1, "name": "batches", "steps": [load, ask]}


def _prompt(number: int) -> str:
    return f"{Prompt.LONG} {number}" if number % FAILING == FAILING - 1 else f"question {number}"


def _start(folder: Path) -> Group:
    command = [sys.executable, "-m", "flows.cli", "run", "pipeline.json", "--run-id", "bench", "--no-prefect"]
    environment = {**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT), "BATCH_KEY": KEY}
    return Group(command, cwd=folder, env=environment, log=folder / "said.log")


def _outcome(folder: Path, rows: int) -> dict[str, int]:
    run = folder / "runs" / "bench"
    found = [row for path in (run / "distiset").glob("**/*.parquet") for row in pq.read_table(path).to_pylist()]
    kept = run / "quarantine.jsonl"
    failed = [json.loads(line) for line in kept.read_text().splitlines()] if kept.exists() else []
    right = {_prompt(number) for number in range(rows) if "question" in _prompt(number)}
    wrong = len(right ^ {row["instruction"] for row in found}) + abs(len(found) - len(right))
    wrong += sum(row["generation"] != f"reply 0 to: {row['instruction']}" for row in found)
    wrong += sum("too-long" not in str(one.get("code")) for one in failed) + abs(len(failed) - (rows - len(right)))
    return {"rows": len(found), "quarantined": len(failed), "wrong": wrong}


def table(found: Sequence[Killed]) -> str:
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for one in found:
        counts = (
            one.handed_in,
            one.handed_in_twice,
            one.ran_twice,
            one.before,
            one.journal,
            one.rows,
            one.quarantined,
            one.wrong,
        )
        told = f"; {one.failure}" if one.failure else ""
        lines.append(f"| {' | '.join(map(str, (one.kind, MOMENTS[one.moment], *counts)))}{told} |")
    return "\n".join(lines)


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--kinds", nargs="+", choices=get_args(Kind), default=list(get_args(Kind)))
    parser.add_argument("--moments", nargs="+", choices=list(MOMENTS), default=list(MOMENTS))
    parser.add_argument("--rows", type=int, default=ROWS)
    parser.add_argument("--json", type=Path, default=ROOT / "build" / "bench" / "batches.json")
    return parser.parse_args()


if __name__ == "__main__":
    main()
