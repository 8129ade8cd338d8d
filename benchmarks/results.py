"""What `cheap_steps.py` measured: kept as JSON, shown as a table."""

from __future__ import annotations

import json
import statistics
from collections import defaultdict
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.measuring import Cost

COLUMNS = (
    *("rows", "batch", "system", "runs", "wall s (min–max)", "rows/s, whole process", "rows/s, the run"),
    *("CPU s", "others' CPU s", "peak PSS MB", "peak RSS MB", "× wall", "× CPU"),
)
SLOW_BATCHES = 1000
"""distilabel rewrites its state at every batch: with more batches than these it takes minutes, so it runs fewer times."""


@dataclass(frozen=True, slots=True)
class Case:
    """Rows and batch size of a job."""

    rows: int
    batch: int

    @property
    def is_slow(self) -> bool:
        return self.rows / self.batch >= SLOW_BATCHES


@dataclass(frozen=True, slots=True)
class Result:
    """One run of one system. `run_s`: without the start and the end of the process."""

    system: str
    case: Case
    cost: Cost
    run_s: float
    server_cpu_s: float
    digest: str


def save(path: Path, results: dict[Case, list[Result]]) -> None:
    """Every run of every case, as JSON."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps([asdict(result) for of_case in results.values() for result in of_case], indent=1))


def read(path: Path) -> dict[Case, list[Result]]:
    """What `save` wrote."""
    results: dict[Case, list[Result]] = defaultdict(list)
    for found in json.loads(path.read_text()):
        case = Case(**found["case"])
        results[case].append(Result(**{**found, "case": case, "cost": Cost(**found["cost"])}))
    return results


def table(results: dict[Case, list[Result]], systems: list[str]) -> str:
    """Medians as a Markdown table; `×` says how many times less than distilabel: wall time, and CPU with the server's."""
    lines = [f"| {' | '.join(COLUMNS)} |", "|---" * len(COLUMNS) + "|"]
    for case, of_case in results.items():
        by_system: dict[str, list[Result]] = defaultdict(list)
        for result in of_case:
            by_system[result.system].append(result)
        base = next((by_system[name] for name in systems if name.startswith("distilabel") and name in by_system), [])
        lines += [_row(case, name, by_system[name], base) if name in by_system else _left_out(case, name) for name in systems]
    return "\n".join(lines)


def _row(case: Case, system: str, results: list[Result], base: list[Result]) -> str:
    walls = [result.cost.wall_s for result in results]
    wall, run = _median(results, "wall_s"), _median(results, "run_s")
    cpu, server = _median(results, "cpu_s"), _median(results, "server_cpu_s")
    spent = f"{cpu:.1f}" + (f" + {server:.1f} server" if server else "")
    cells = [f"{case.rows:,}", case.batch, system, len(results), f"{wall:.1f} ({min(walls):.1f}–{max(walls):.1f})"]
    cells += [f"{case.rows / wall:,.0f}", f"{case.rows / run:,.0f}", spent, f"{_median(results, 'others_cpu_s'):.0f}"]
    cells += [f"{_median(results, 'peak_pss_mb'):.0f}", f"{_median(results, 'peak_rss_mb'):.0f}"]
    cells += [f"{_median(base, 'wall_s') / wall:.1f}", f"{_median(base, 'cpu_s') / (cpu + server):.1f}"] if base else ["", ""]
    return f"| {' | '.join(map(str, cells))} |"


def _median(results: list[Result], what: str) -> float:
    return statistics.median(float(getattr(r if hasattr(r, what) else r.cost, what)) for r in results)


def _left_out(case: Case, system: str) -> str:
    return f"| {case.rows:,} | {case.batch} | {system} | 0 | left out: takes minutes |{' |' * (len(COLUMNS) - 5)}"


def line(result: Result) -> str:
    """One run in a few words."""
    cost, case = result.cost, result.case
    return (
        f"{case.rows} rows, batch {case.batch}, {result.system}: {cost.wall_s:.2f} s ({result.run_s:.2f} s in the run), "
        f"CPU {cost.cpu_s:.1f} s, PSS {cost.peak_pss_mb:.0f} MB, RSS {cost.peak_rss_mb:.0f} MB; "
        f"others used {cost.others_cpu_s:.1f} CPU s"
    )
