"""The end of a run: rows from the ledger to Parquet, with the card and what belongs to it."""

from __future__ import annotations

import logging
import shutil
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from flows.card import Left, Reason, render_card
from flows.distiset.artifacts import Artifacts, problems_of, take_artifacts
from flows.distiset.folders import CARD, LOG, PIPELINE, REPORT, replaced_folder
from flows.engine.keys import step_keys
from flows.engine.shelf import ShelfRows
from flows.lineage.ids import write_ids
from flows.parquet import Column, describe_columns, file_name, write_rows
from flows.plan import Plan
from flows.runs import RunFolder, RunReport

log = logging.getLogger(__name__)


def write_distiset(folder: Path, plan: Plan, shelves: Mapping[str, Path], report: RunReport, log: Path) -> dict[str, int]:
    """Write the Distiset of a run; an earlier one in this folder is replaced as a whole. Returns rows by leaf.

    `shelves`: where the rows of each leaf step lie. `log`: the run's; rows in quarantine and artifacts lie beside it.

    Raises:
        NotADistiset: Something else lies in the folder.
        RowError: A column holds something that cannot be stored.
    """
    rows: dict[str, int] = {}
    columns: dict[str, list[Column]] = {}
    notes: list[str] = []
    with replaced_folder(folder) as part:
        leaves = {"default" if len(shelves) == 1 else step: step for step in shelves}
        shelved = {leaf: ShelfRows(shelves[step]) for leaf, step in leaves.items()}
        for leaf, step in leaves.items():
            told: list[str] = []
            sent = (plan.steps[step].sent or ()) if step in plan.steps else ()
            rows[leaf] = write_rows(shelved[leaf], part / leaf, columns=sent, warn=told.append)
            columns[leaf] = describe_columns(part / leaf / file_name())
            notes += [f"{leaf}: {sentence}" for sentence in told]
        write_ids(part, plan, shelved, leaves, log.parent)
        artifacts = take_artifacts(log.parent, plan, report, part)
        notes += problems_of(artifacts)
        final = _finished(report, rows)
        spec = plan.spec
        reasons = _reasons(RunFolder(log.parent).quarantined(), plan) if report.quarantined else []
        card = render_card(spec, final, columns, reasons=reasons, notes=notes, artifacts=_lines(artifacts))
        (part / CARD).write_text(card, encoding="utf-8")
        spec.save(part / PIPELINE)
        (part / REPORT).write_text(final.model_dump_json(indent=1), encoding="utf-8")
        _copy_log(log, part / LOG, notes)
    return rows


def _lines(artifacts: Artifacts) -> list[Left]:
    return [
        Left(step, name, list(artifact.files()), artifact.metadata)
        for step, named in artifacts.items()
        for name, artifact in named.items()
    ]


def _finished(report: RunReport, rows: dict[str, int]) -> RunReport:
    """The report as it will stand: while this is written, the run has not ended."""
    return report.model_copy(update={"rows": rows, "ended_at": report.ended_at or time.time()})


def _reasons(quarantined: Iterable[dict[str, Any]], plan: Plan) -> list[Reason]:
    """Why rows failed in the steps as they are now; what earlier versions of a step refused is in there too."""
    is_whole = len(plan.steps) == len(plan.spec.steps)
    keys = step_keys(plan) if is_whole else {}
    groups: dict[tuple[str, str], Reason] = {}
    for row in quarantined:
        step, code = str(row.get("step")), str(row.get("code"))
        if step in plan.steps and keys.get(step) in (None, row.get("step_key")):
            first = groups.get((step, code)) or Reason(step, code, str(row.get("message", "")), 0)
            groups[step, code] = first._replace(rows=first.rows + 1)
    return sorted(groups.values(), key=lambda reason: -reason.rows)


def _copy_log(source: Path, target: Path, notes: list[str]) -> None:
    if source.is_file():
        shutil.copyfile(source, target)
    with target.open("a", encoding="utf-8") as file:
        file.writelines(f"warning: {note}\n" for note in notes)
    for note in notes:
        log.warning(note)
