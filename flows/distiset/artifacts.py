"""Artifacts: files that steps left beside their rows. A Distiset has them in `artifacts/<step>/<name>/`, with metadata."""

from __future__ import annotations

import logging
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any, NamedTuple

import orjson

from flows.engine.ledger import step_folder
from flows.engine.stages import ALL_OF, ROWS_OF
from flows.plan import Plan
from flows.runs import RunReport
from steps.artifacts import ARTIFACTS, METADATA, MOST_METADATA, artifacts_in
from steps.base import BaseStep, GeneratorStep, GlobalStep
from steps.errors import DistilflowError
from steps.tasks.base import Task

log = logging.getLogger(__name__)


class Artifact(NamedTuple):
    """Files that a step left: the folder they lie in, and what the step says of them."""

    path: Path
    metadata: dict[str, Any]
    problem: str = ""
    """Why there is no metadata; empty when there is."""

    def files(self) -> dict[str, Path]:
        """Its files by their place in it, in order; without metadata.json, and without links, which may lead anywhere."""
        found = (Path(folder) / name for folder, _, names in os.walk(self.path) for name in names)
        named = {path.relative_to(self.path).as_posix(): path for path in found if not path.is_symlink()}
        return {name: named[name] for name in sorted(named) if name != METADATA}


Artifacts = dict[str, dict[str, Artifact]]
"""By step and name."""


def artifacts_of(folder: Path) -> Artifacts:
    """The artifacts in the folder of a Distiset; links are left out."""
    found: Artifacts = {}
    for step in _folders(folder / ARTIFACTS):
        if named := {path.name: _read(path) for path in _folders(step)}:
            found[step.name] = named
    return found


def _folders(folder: Path) -> list[Path]:
    if folder.is_symlink() or not folder.is_dir():
        return []
    return sorted(path for path in folder.iterdir() if path.is_dir() and not path.is_symlink() and path.name[0] != ".")


def _read(path: Path) -> Artifact:
    try:
        with (path / METADATA).open("rb") as file:
            said = file.read(MOST_METADATA + 1)
        if len(said) > MOST_METADATA:
            return Artifact(path, {}, f"its {METADATA} has more than {MOST_METADATA:,} bytes")
        metadata = orjson.loads(said)
    except FileNotFoundError:
        return Artifact(path, {}, f"it has no {METADATA}")
    except (OSError, ValueError) as error:
        return Artifact(path, {}, f"its {METADATA} cannot be read ({error})")
    if not isinstance(metadata, dict):
        return Artifact(path, {}, f"its {METADATA} holds no mapping")
    return Artifact(path, metadata)


def problems_of(artifacts: Artifacts) -> Iterator[str]:
    """What is wrong with some of them, one sentence each."""
    for step, named in artifacts.items():
        for name, artifact in named.items():
            if artifact.problem:
                yield f"artifact {name!r} of step {step!r}: {artifact.problem}"


def copy_artifacts(artifacts: Mapping[str, Mapping[str, Artifact]], folder: Path) -> None:
    """Copy artifacts into the folder of a Distiset.

    Raises:
        DistilflowError: One of them is gone.
    """
    for step, named in artifacts.items():
        for name, artifact in named.items():
            if not artifact.path.is_dir():
                what = f"the artifact {name!r} of step {step!r} is gone: there is no folder {artifact.path}"
                raise DistilflowError(what, "load the Distiset again, from where its artifacts lie")
            shutil.copytree(artifact.path, folder / ARTIFACTS / step / name, symlinks=True)


# ---- from a run


def take_artifacts(run: Path, plan: Plan, report: RunReport, folder: Path) -> Artifacts:
    """Put the artifacts of a run's steps, as these are now, into the folder of its Distiset; returns them as they lie there.

    What a step did not save because its rows were taken over from another run is taken over from there too. Files are links
    to those of the run where that can be: nobody writes into either, and they may be large.
    """
    for part in (run / ARTIFACTS).glob("*/*/*/.*"):  # nobody writes any more: what is left, a killed worker left
        shutil.rmtree(part, ignore_errors=True)
    found: Artifacts = {}
    for name, planned in plan.steps.items():
        for artifact, path in _saved(name, planned.step, run, report).items():
            target = folder / ARTIFACTS / name / artifact
            shutil.copytree(path, target, symlinks=True, copy_function=_link)
            found.setdefault(name, {})[artifact] = _read(target)
    return found


def _saved(name: str, step: BaseStep, run: Path, report: RunReport) -> dict[str, Path]:
    """The artifacts of a step, by name: where the run, or one whose rows it took over, has them."""
    progress = report.steps.get(name)
    if progress is None or not (progress.taken or progress.made):  # what lies there is of rows that the result has not
        return {}
    found: dict[str, Path] = {}
    is_found_by_row = isinstance(step, Task) or not isinstance(step, (GeneratorStep, GlobalStep))
    if progress.reused and is_found_by_row:
        for other in reversed(report.options.reuse):
            found |= _of_step(other, name, report)
    for hidden in (name + ROWS_OF, name + ALL_OF, name):
        found |= _of_step(run, hidden, report)
    return found


def _of_step(run: Path, name: str, report: RunReport) -> dict[str, Path]:
    found: dict[str, Path] = {}
    if (key := report.step_keys.get(name)) is not None:
        for rows in sorted(step_folder(run / ARTIFACTS, name, key).glob("*")):
            found |= artifacts_in(rows)
    return found


def _link(source: str, target: str) -> None:
    with suppress(OSError):  # another disk, or one that knows no links
        os.link(source, target, follow_symlinks=False)
        return
    shutil.copy2(source, target, follow_symlinks=False)
