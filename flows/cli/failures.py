"""Why rows failed in a run, or are missing, and what to do about that."""

from __future__ import annotations

import shlex
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from flows.cli.console import cell, tell
from flows.engine.journal import JOURNAL, NotInJournal
from flows.runs import RUNS, RunFolder, RunReport, command
from steps.errors import MAY_PASS
from steps.wording import counted

REASONS_SHOWN = 10


@dataclass(slots=True)
class Reason:
    """Why rows failed in a step."""

    step: str
    code: str
    message: str
    fix: str
    rows: int = 0


def rows_are(rows: int) -> str:
    """ "1 row is", "2 rows are"."""
    return f"{counted(rows, 'row')} {'is' if rows == 1 else 'are'}"


def reasons_of(folder: RunFolder) -> list[Reason]:
    """Why rows failed, the most frequent reason first. Messages name what was seen, so that of the first row stands for all."""
    found: dict[tuple[str, str], Reason] = {}
    for row in folder.quarantined():
        step, code, message, fix = (str(row.get(key) or "") for key in ("step", "code", "message", "fix"))
        found.setdefault((step, code), Reason(step, code, message, fix)).rows += 1
    return sorted(found.values(), key=lambda reason: -reason.rows)


def tell_shortfalls(report: RunReport) -> None:
    """What the run did not come to, though no row failed."""
    for shortfall in report.shortfalls:
        tell(f"Fewer rows: {shortfall}", style="yellow")
        tell(f"  Fix: {shortfall.fix}")


def tell_reasons(folder: RunFolder, reasons: Sequence[Reason], runs_dir: Path, most: int = REASONS_SHOWN) -> None:
    """The most frequent reasons, each with its first row's message and what to do."""
    for reason in reasons[:most]:
        example = "e.g. " if reason.rows > 1 else ""
        tell(f"  {reason.rows:,} × [{reason.code}] step {reason.step!r}: {example}{cell(reason.message)}")
        is_missing = reason.code == NotInJournal.code
        fix = f"ask for what is missing: {ask_command(folder, runs_dir)}" if is_missing else cell(reason.fix)
        if fix:
            tell(f"    Fix: {fix}")
    if len(reasons) > most:
        tell(f"  and {counted(len(reasons) - most, 'more reason')}")


def tell_again(folder: RunFolder, reasons: Sequence[Reason], runs_dir: Path) -> None:
    """How to try the rows again: as they are where that may help, else once what they failed of is mended."""
    asked = [reason for reason in reasons if reason.code != NotInJournal.code]
    if not asked:
        return
    makes_up = folder.report().is_rehearsal  # the same replies every time
    retry = command("retry", folder.run_id, runs_dir=runs_dir)
    if any(reason.code in MAY_PASS for reason in asked) and not makes_up:
        tell(f"  Try {'it' if sum(reason.rows for reason in asked) == 1 else 'them'} again: {retry}")
        return
    changed = command("run", "FILE", "--run-id", folder.run_id, runs_dir=runs_dir)
    tell(f"  Once it is mended in the pipeline: {changed}")
    tell(f"  Once it is mended elsewhere: {retry}")


def ask_command(folder: RunFolder, runs_dir: Path) -> str:
    """The command that runs the pipeline of a replay and asks for the replies that its journals lack."""
    options = folder.report().options
    words = ["distilflow", "run", str(runs_dir / folder.run_id / "pipeline.yaml")]
    for journal in options.journals:
        words += ["--journal", _name_of(journal, folder.path.parent)]
    words += ["--max-rows", str(options.max_rows)] if options.max_rows else []
    return shlex.join([*words, *(["--runs-dir", str(runs_dir)] if runs_dir != RUNS else [])])


def _name_of(journal: Path, store: Path) -> str:
    """The run that a journal belongs to, if it lies in the same runs folder; else its path."""
    run = journal.parent
    is_neighbour = journal.name == JOURNAL and run.parent.resolve() == store.resolve() and RunFolder(run).exists()
    return run.name if is_neighbour else str(journal)
