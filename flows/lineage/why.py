"""Why a row of a result is as it is: its way through the steps, put together from ledger, journal and quarantine."""

from __future__ import annotations

from collections.abc import Mapping
from functools import partial
from pathlib import Path
from typing import Any

from flows.distiset.parts import chosen, leaves_of
from flows.engine.codec import decode
from flows.engine.items import child_key
from flows.engine.quarantine import lines_in
from flows.lineage.ids import RowIds
from flows.lineage.model import Asked, Kind, Refused, StepOfRow, Why
from flows.lineage.path import Paths, Visit, leaf_step
from flows.lineage.records import Record, Records
from flows.lineage.replies import ask_again, replies_to
from flows.plan import Plan, examine
from flows.runs import RunFolder
from steps.base import GeneratorStep, GlobalStep, JoinStep, Row
from steps.errors import RunError
from steps.tasks.asking import AskingStep

MOST_SIBLINGS = 200
"""Rows made of the same row that are looked for in the quarantine."""
QUARANTINE_BYTES = 64 * 2**20
"""So much of the quarantine is looked through."""


_KINDS: tuple[tuple[type, Kind], ...] = (
    (GeneratorStep, "source"),
    (GlobalStep, "all"),
    (JoinStep, "join"),
    (AskingStep, "ask"),
)


class UnknownRow(RunError):
    """There is no such row in the result."""

    code = "unknown-row"


def why(run: RunFolder, leaf: str, index: int) -> Why:
    """The way of row `index` (from 0) of a leaf through the steps of its run: prompts, replies, and what they cost.

    Raises:
        NoLineage: Nothing was noted of where its rows came from.
        UnknownPart: The result has no such leaf.
        UnknownRow: The leaf has no such row.
        UnreadableRows: A file of it cannot be read.
    """
    report = run.report()
    total = chosen(run, leaves_of(run), leaf).count()
    if not 0 <= index < total:
        raise UnknownRow(f"{leaf!r} of run {run.run_id!r} has no row {index}", f"it has {total} rows, counted from 0")
    ids = RowIds(run.distiset, leaf)
    plan, _ = examine(run.spec())
    step = leaf_step(plan, leaf)
    if step is None:
        raise RunError(f"the pipeline of run {run.run_id!r} cannot be read here any more", "install the steps that it uses")
    row = ids.id_of(index)
    visits = Paths(plan, ids.root, ids.origin).to(step, row)
    cwd = Path(report.cwd) if report.cwd else None
    steps = _Looking(plan, Records(run, report), visits, cwd).steps(run)
    told = Why(run_id=run.run_id, leaf=leaf, index=index, row=row, steps=steps)
    return _added_up(told, [asked for one in steps for asked in one.replies])


def _added_up(told: Why, asked: list[Asked]) -> Why:
    sent = [one for one in asked if not one.is_free and not one.is_copy]
    told.requests = len(sent)
    told.input_tokens, told.output_tokens = sum(one.input_tokens for one in sent), sum(one.output_tokens for one in sent)
    costs = [one.cost for one in sent]
    told.cost = None if None in costs else sum(cost for cost in costs if cost is not None)
    return told


class _Looking:
    """Looks up what the steps on one way recorded, and puts together what they did not record."""

    def __init__(self, plan: Plan, records: Records, visits: list[Visit], cwd: Path | None) -> None:
        self._plan = plan
        self._records = records
        self._visits = visits
        self._cwd = cwd
        self._found: dict[str, Record | None] = {visit.step: records.of(visit) for visit in visits}
        self._rows = {visit.step: self._recorded(visit) for visit in visits}
        self._before = self._ancestors()
        for visit in visits:
            if self._rows[visit.step] is None:
                self._rows[visit.step] = self._pieced(visit)

    def steps(self, run: RunFolder) -> list[StepOfRow]:
        refused = _refused(run, self._visits, self._found)
        return [self._step(visit, refused.get(visit.step, [])) for visit in self._visits]

    # ---- rows
    def _recorded(self, visit: Visit) -> Row | None:
        record = self._found[visit.step]
        at = visit.at or 0
        return record.rows[at] if record is not None and at < len(record.rows) else None

    def _ancestors(self) -> dict[str, set[str]]:
        """Of each step those before it on the way, itself included."""
        before: dict[str, set[str]] = {}
        for visit in self._visits:
            before[visit.step] = {visit.step}.union(*(before[name] for name in visit.after))
        return before

    def _pieced(self, visit: Visit) -> Row | None:
        """The row as far as a later step has it: the columns that were made up to here, and not made again since."""
        mine = self._before[visit.step]
        for later in self._visits:
            row = self._rows[later.step]
            if row is None or self._found[later.step] is None or visit.step not in self._before[later.step]:
                continue
            begin = next(iter(self._visits)).step
            return {name: value for name, value in row.items() if later.planned.made_by.get(name, begin) in mine}
        return None

    def _received(self, visit: Visit) -> Row | None:
        rows = [self._rows[name] for name in visit.after]
        if not rows or any(row is None for row in rows):
            return None
        return {name: value for row in rows if row is not None for name, value in row.items()}

    # ---- steps
    def _step(self, visit: Visit, refused: list[Refused]) -> StepOfRow:
        planned, record, row = visit.planned, self._found[visit.step], self._rows[visit.step]
        received = self._received(visit)
        step = planned.step
        told = StepOfRow(
            step=visit.step,
            use=planned.spec.use,
            kind=_kind(step),
            row=visit.id,
            after=visit.after,
            received=list(received or planned.received or ()),
            added=(row or {}) if not visit.after else _added(planned.made_by, visit.step, received, row),
            is_whole=record is not None,
            reused_from=record.reused_from if record is not None else "",
            siblings=len(record.rows) if record is not None and visit.at is not None else 1,
            refused=refused,
        )
        if planned.asks is not None:
            step = planned.asks
            told.model = ", ".join(dict.fromkeys(llm.model_name for llm in step.answering_models().values()))
            told.replies = self._replies(step, visit, received, record)
        if isinstance(step, GlobalStep) and visit.begins and visit.after:
            told.note = f"the row of {visit.after[0]!r}, put among those of {' and '.join(map(repr, planned.after))}"
        elif isinstance(step, GlobalStep):
            told.note = f"made of all rows of {' and '.join(map(repr, planned.after))} at once"
        elif row is None:
            told.note = "not on record: it was cheaper to do again than to keep"
        return told

    def _replies(self, task: AskingStep, visit: Visit, received: Row | None, record: Record | None) -> list[Asked]:
        if visit.taken is None:
            return []
        found: list[Asked] = []
        journals = self._records.journals()
        if not task.is_free:
            found += replies_to(task, visit.step, visit.taken, received, journals)
        if received is not None and record is not None and any(llm.is_free for llm in task.answering_models().values()):
            found += ask_again(task, visit.step, visit.taken, received, record.rows, self._cwd, journals)
        return found


def _kind(step: Any) -> Kind:
    if isinstance(step, AskingStep) and not step.asks:
        return "step"
    return next((kind for base, kind in _KINDS if isinstance(step, base)), "step")


def _added(made_by: Mapping[str, str], step: str, received: Row | None, row: Row | None) -> Row:
    """The columns that a step made, or changed."""
    if row is None:
        return {}
    if received is None:
        return {name: value for name, value in row.items() if made_by.get(name, step) == step}
    return {name: value for name, value in row.items() if name not in received or received[name] != value}


def _refused(run: RunFolder, visits: list[Visit], found: Mapping[str, Record | None]) -> dict[str, list[Refused]]:
    """Rows in quarantine that come from the same rows, by the step that made them."""
    makers: dict[bytes, str] = {}
    for visit in visits:
        record = found[visit.step]
        if visit.at is not None and visit.taken is not None and record is not None:
            siblings = range(min(len(record.rows), MOST_SIBLINGS))
            makers |= {child_key(visit.taken, at).hex().encode(): visit.step for at in siblings}
    if not makers:
        return {}
    told: dict[str, list[Refused]] = {}
    for line in lines_in(run.quarantine, partial(_if_about, keys=makers), most=QUARANTINE_BYTES):
        about = Refused(
            step=str(line["step"]),
            row=str(line.get("id", "")),
            code=str(line.get("code", "")),
            message=str(line.get("message", "")),
            fix=str(line.get("fix", "")),
        )
        told.setdefault(makers[str(line["key"]).encode()], []).append(about)
    return told


def _if_about(line: bytes, keys: Mapping[bytes, str]) -> Any:
    """A line of the quarantine, read only where it is about one of these rows."""
    found = decode(line) if any(key in line for key in keys) else None
    return found if isinstance(found, dict) and str(found.get("key")).encode() in keys else None
