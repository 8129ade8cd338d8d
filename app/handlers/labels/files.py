"""Files of a label project: rounds and segments, the onboarding set, a strategy."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from flows.labelling import LabelProject
from flows.labelling.exporting import EVERYTHING, Form, Segment, What, as_lines, export_bytes
from flows.labelling.onboarding import as_markdown, onboarding_set
from steps.errors import RunError

PageForm = Literal["md", "jsonl"]
KINDS = {
    "jsonl": "application/jsonl",
    "csv": "text/csv; charset=utf-8",
    "parquet": "application/vnd.apache.parquet",
    "md": "text/markdown; charset=utf-8",
    "json": "application/json",
}


@dataclass(frozen=True, slots=True)
class File:
    name: str
    content: bytes
    kind: str


def export(project: LabelProject, what: What, form: Form, segment: Segment | None) -> File:
    """Annotations or labels of a segment.

    Raises:
        RunError: There is nothing to export.
    """
    content = export_bytes(project, what, form, segment or EVERYTHING)
    rounds = "-".join(f"r{number}" for number in segment.rounds) if segment else ""
    part = "-".join(filter(None, (rounds, "part" if segment and (segment.annotators or segment.column) else "")))
    return File(f"{project.name}-{'-'.join(filter(None, (part, what)))}.{form}", content, KINDS[form])


def onboarding(project: LabelProject, form: PageForm) -> File:
    """The examples for new reviewers.

    Raises:
        RunError: There are none yet.
    """
    examples = onboarding_set(project)
    if not examples:
        raise RunError("there are no examples yet", "learn a strategy, or choose examples with the key O")
    content = as_markdown(project, examples).encode() if form == "md" else as_lines(one.row() for one in examples)
    return File(f"{project.name}-onboarding.{form}", content, KINDS[form])


def strategy(project: LabelProject, version: int) -> File:
    """A strategy as JSON, which `ConsolidateLabels` takes as `strategy_file`.

    Raises:
        UnknownVersion: There is none.
    """
    kept = project.versions.get(version)
    return File(f"{kept.tag}.json", project.versions.path(version).read_bytes(), KINDS["json"])
