"""What was measured: kept as JSON, shown as Markdown tables."""

from __future__ import annotations

import json
import statistics
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from benchmarks.peers.cases import BY_NAME, SPEED, START, Case
from benchmarks.peers.running import Killed, Rows, Run, Seen
from benchmarks.peers.systems import IDEAL, SYSTEMS

SPEED_COLUMNS = (
    *("system", "runs", "wall s (min–max)", "rows/s", "of bare aiohttp", "CPU ms a row beyond start-up", "first request s"),
    *("peak PSS MB", "peak in flight", "others' CPU s"),
)
LIMIT_COLUMNS = ("system", "span s", "of ideal", "429s", "rows right")
ERROR_COLUMNS = ("system", "wall s", "500s", "requests beyond rows", "rows right")
KILL_COLUMNS = ("system", "sent", "answered", "sent again", "rows right", "lost", "doubled", "rerun s", "left over")
STRAGGLER_COLUMNS = ("system", "wall s", "first to last reply s", "rows/s", "of bare aiohttp", "peak in flight")


@dataclass
class Results:
    """All runs, in the order in which they were made; and the systems that could not be installed, with the reason."""

    runs: list[Run] = field(default_factory=list)
    killed: list[Killed] = field(default_factory=list)
    unavailable: dict[str, str] = field(default_factory=dict)

    def add(self, run: Run | Killed) -> None:
        if isinstance(run, Killed):
            self.killed.append(run)
        else:
            self.runs.append(run)

    def of(self, case: str, system: str) -> list[Run]:
        return [run for run in self.runs if (run.case, run.system) == (case, system)]

    def save(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps(asdict(self), indent=1))

    @classmethod
    def read(cls, path: Path) -> Results:
        found = json.loads(path.read_text())
        runs = [Run(**{**run, "rows": _rows(run), "seen": run["seen"] and Seen(**run["seen"])}) for run in found["runs"]]
        killed = [Killed(**{**run, "rows": _rows(run)}) for run in found["killed"]]
        return cls(runs, killed, found["unavailable"])


def _rows(run: dict[str, Any]) -> Rows | None:
    return Rows(**run["rows"]) if run["rows"] else None


def line(run: Run | Killed) -> str:
    """One run in a few words."""
    head = f"{run.case:<10} {run.system:<14}"
    if isinstance(run, Killed):
        told = f"sent {run.sent}, again {run.sent_again}, rerun {run.again_s:.1f} s"
    elif run.seen:
        told = (
            f"{run.wall_s:.2f} s, CPU {run.cpu_s:.1f} s, {run.seen.requests} requests, first after {run.first_request_s:.2f} s"
        )
    else:
        told = ""
    return f"{head} {told}{'; ' + run.failure if run.failure else ''}"


def tables(results: Results) -> str:
    """A table for each case that was run, with the medians of its runs."""
    parts = [_speed(results, case) for case in SPEED if _has(results, case)]
    if _has(results, "limit"):
        parts.append(_table(results, "limit", LIMIT_COLUMNS, _limit_cells))
    if _has(results, "errors"):
        parts.append(_table(results, "errors", ERROR_COLUMNS, _error_cells))
    if results.killed:
        parts.append(_killed(results))
    if _has(results, "straggler"):
        parts.append(_table(results, "straggler", STRAGGLER_COLUMNS, lambda runs: _straggler_cells(results, runs)))
    return "\n\n".join(parts)


def _has(results: Results, case: str) -> bool:
    return any(run.case == case for run in results.runs)


def _speed(results: Results, case: str) -> str:
    return _table(results, case, SPEED_COLUMNS, lambda runs: _speed_cells(results, runs))


def _speed_cells(results: Results, runs: list[Run]) -> list[str]:
    case = BY_NAME[runs[0].case]
    wall, walls = _median(runs, "wall_s"), [run.wall_s for run in runs]
    start = [run for run in results.of(START.name, runs[0].system) if not run.failure]
    return [
        str(len(runs)),
        f"{wall:.2f} ({min(walls):.2f}–{max(walls):.2f})",
        f"{case.rows / wall:,.0f}",
        _share(results, runs, lambda run: run.wall_s),
        _cpu_beyond(case, runs, start) if start else "",
        f"{_median(runs, 'first_request_s'):.2f}",
        f"{_median(runs, 'peak_pss_mb'):.0f}",
        f"{max(run.seen.peak_in_flight for run in runs if run.seen)}",
        f"{_median(runs, 'others_cpu_s'):.1f}",
    ]


def _cpu_beyond(case: Case, runs: list[Run], start: list[Run]) -> str:
    """Milliseconds a row, those of Prefect's server apart."""
    rows = (case.rows - START.rows) / 1000
    client, server = ((_median(runs, what) - _median(start, what)) / rows for what in ("cpu_s", "prefect_cpu_s"))
    return f"{client:.2f}" + (f" + {max(0.0, server):.2f} server" if _median(runs, "prefect_cpu_s") else "")


def _limit_cells(runs: list[Run]) -> list[str]:
    conduct, rows = BY_NAME["limit"].conduct, BY_NAME["limit"].rows
    rate = conduct.requests_per_s or 1.0
    ideal = (rows - rate) / rate + conduct.latency_s
    span = statistics.median(run.seen.span_s for run in runs if run.seen)
    refused = statistics.median(run.seen.refused for run in runs if run.seen)
    return [f"{span:.1f}", f"{span / ideal:.2f} ×", f"{refused:.0f}", _right(runs)]


def _error_cells(runs: list[Run]) -> list[str]:
    failed = statistics.median(run.seen.failed for run in runs if run.seen)
    again = statistics.median(run.seen.asked_again for run in runs if run.seen)
    return [f"{_median(runs, 'wall_s'):.1f}", f"{failed:.0f}", f"{again:.0f}", _right(runs)]


def _straggler_cells(results: Results, runs: list[Run]) -> list[str]:
    span = statistics.median(run.seen.reply_span_s for run in runs if run.seen)
    share = _share(results, runs, lambda run: run.seen.reply_span_s if run.seen else 0.0)
    peak = max(run.seen.peak_in_flight for run in runs if run.seen)
    return [f"{_median(runs, 'wall_s'):.1f}", f"{span:.2f}", f"{BY_NAME['straggler'].rows / span:,.0f}", share, str(peak)]


def _killed(results: Results) -> str:
    lines = [_title("kill"), *_head(KILL_COLUMNS)]
    for run in results.killed:
        if run.failure and not run.answered:
            lines.append(_line(run.system, [run.failure]))
            continue
        rows = run.rows or Rows(0, 0, 0, 0)
        told = f"{run.again_s:.1f}" if not run.failure else run.failure
        counts = [run.sent, run.answered, run.sent_again, rows.right, rows.lost, rows.doubled]
        lines.append(_line(run.system, [*map(str, counts), told, str(run.left_over)]))
    lines += [_line(name, [why]) for name, why in _left_out(results, "kill", {run.system for run in results.killed})]
    return "\n".join(lines)


# ---- parts of tables


def _table(results: Results, case: str, columns: Sequence[str], cells: Callable[[list[Run]], list[str]]) -> str:
    lines = [_title(case), *_head(columns)]
    shown = set()
    for system in SYSTEMS:
        runs = results.of(case, system.name)
        good = [run for run in runs if not run.failure]
        if good:
            lines.append(_line(system.name, cells(good)))
        lines += [_line(system.name, [f"failed: {run.failure}"]) for run in runs if run.failure]
        if runs:
            shown.add(system.name)
    lines += [_line(name, [why]) for name, why in _left_out(results, case, shown)]
    return "\n".join(lines)


def _left_out(results: Results, case: str, shown: set[str]) -> list[tuple[str, str]]:
    """Systems that took part elsewhere, or could not, with the reason."""
    absent = {run.system for run in results.runs} - shown
    reasons = [(system.name, system.cannot(BY_NAME[case])) for system in SYSTEMS if system.name in absent]
    return [*results.unavailable.items(), *((name, why) for name, why in reasons if why)]


def _title(case: str) -> str:
    return f"**{BY_NAME[case].title}**\n"


def _head(columns: Sequence[str]) -> list[str]:
    return [f"| {' | '.join(columns)} |", "|---" * len(columns) + "|"]


def _line(system: str, cells: list[str]) -> str:
    return f"| {' | '.join([system, *(cell.replace('|', ' ') for cell in cells)])} |"


def _median(runs: list[Run], what: str) -> float:
    return statistics.median(float(getattr(run, what)) for run in runs)


def _share(results: Results, runs: list[Run], seconds: Callable[[Run], float]) -> str:
    """Rows a second as a share of the ideal's in the same case."""
    ideal = [seconds(run) for run in results.of(runs[0].case, IDEAL) if not run.failure]
    return f"{statistics.median(ideal) / statistics.median(map(seconds, runs)):.2f}" if ideal else ""


def _right(runs: list[Run]) -> str:
    return ", ".join(sorted({str(run.rows.right) for run in runs if run.rows}))
