"""A plan with two leaves, and what its run left on disk, made without an engine."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from flows.engine.codec import encode
from flows.engine.desk import OF_ANY_ROWS, Desk
from flows.engine.events import StepProgress
from flows.engine.ledger import SegmentWriter
from flows.engine.outcome import Collected, Failure
from flows.engine.quarantine import Quarantine
from flows.engine.shelf import Shelf
from flows.engine.stages import keys_of
from flows.plan import Plan, plan
from flows.pools import Pools
from flows.runs import RunReport
from flows.spec import PipelineSpec, StepSpec
from steps.artifacts import write_artifact

Rows = list[dict[str, Any]]


def make_plan(*leaves: str, **params: Any) -> Plan:
    """A source, and after it a step for each leaf."""
    load = StepSpec(name="load", use="LoadDataFromDicts", params={"data": [{"n": 1, "text": "a"}]})
    steps = [StepSpec(name=leaf, use="KeepColumns", after=["load"], params={"columns": ["text", "n"]}) for leaf in leaves]
    return plan(PipelineSpec(name="demo", steps=[load, *steps]), Pools(cpus=2))


def make_shelf(folder: Path, name: str, rows: Rows) -> Path:
    """The shelf of a step whose rows lie in a ledger."""
    writer = SegmentWriter(folder / "ledger" / f"{name}.seg")
    frames = writer.append([b"\0" * 16] * len(rows), list(map(encode, rows)), [1] * len(rows))
    shelf = Shelf(folder / "shelves" / f"{name}.shelf")
    for number, place in reversed(list(enumerate(place for frame in frames for place in frame.places()))):
        shelf.add(Collected(str(number), place, has_children=False))
    shelf.save()
    return shelf.path


def leave(run: Path, plan: Plan, step: str, name: str, text: str, metadata: dict[str, Any] | None = None) -> None:
    """Have a step leave an artifact in the folder of its run."""
    folder = Desk(run, "w", {}).artifacts(step, keys_of(plan)[step]) / OF_ANY_ROWS
    write_artifact(folder, name, lambda part: (part / "text.txt").write_text(text), metadata)


def make_report(**changes: Any) -> RunReport:
    steps = {"load": StepProgress(made=3), "good": StepProgress(taken=3, made=3)}
    return RunReport(run_id="r1", pipeline="demo", state="finished", steps=steps).model_copy(update=changes)


def quarantine(folder: Path, step: str, step_key: str, message: str, rows: int = 1) -> None:
    failures = [Failure(step, step_key, str(number), f"{number:032x}", "row-failed", message, row={}) for number in range(rows)]
    Quarantine(folder / "quarantine.jsonl").add(failures)
