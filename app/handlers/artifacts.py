"""What steps left beside the rows of a run: listed, and file by file."""

from __future__ import annotations

from itertools import islice
from pathlib import Path
from typing import Any

from flows.card.markdown import one_line
from flows.distiset.artifacts import Artifact, artifacts_of
from flows.runs import RunFolder
from steps.errors import RunError

SHOWN = {".png": "image/png", ".jpg": "image/jpeg", ".jpeg": "image/jpeg", ".webp": "image/webp"}
"""Files that a browser may show, by the end of their name: images that hold no scripts. All others are for downloading."""
LARGEST_SHOWN = 32 * 2**20
FILES_LISTED = 50
METADATA_LISTED = 30
LONGEST_VALUE = 300


class UnknownArtifact(RunError):
    """A run has no such artifact, or no such file in it."""

    code = "unknown-artifact"


def count_artifacts(run: RunFolder) -> int:
    """How many artifacts lie beside the rows of a run."""
    return sum(map(len, artifacts_of(run.distiset).values()))


def list_artifacts(run: RunFolder) -> list[dict[str, Any]]:
    """The artifacts beside the rows of a run: what their steps say of them, and their files."""
    return [
        {"step": step, "name": name, **_told(artifact)}
        for step, named in artifacts_of(run.distiset).items()
        for name, artifact in named.items()
    ]


def _told(artifact: Artifact) -> dict[str, Any]:
    files = artifact.files()
    listed = [{"name": name, "size": path.stat().st_size, "is_image": _is_image(path)} for name, path in files.items()]
    listed.sort(key=lambda one: not one["is_image"])
    metadata = islice(artifact.metadata.items(), METADATA_LISTED)
    return {
        "metadata": [[one_line(name), one_line(value, LONGEST_VALUE)] for name, value in metadata],
        "problem": artifact.problem,
        "files": listed[:FILES_LISTED],
        "more": max(0, len(listed) - FILES_LISTED),
    }


def _is_image(path: Path) -> bool:
    return path.suffix.lower() in SHOWN and path.stat().st_size <= LARGEST_SHOWN


def find_file(run: RunFolder, step: str, name: str, file: str) -> tuple[Path, str | None]:
    """A file of an artifact, and what kind of image it is if a browser may show it. Only files that are listed are found.

    Raises:
        UnknownArtifact: There is none.
    """
    artifact = artifacts_of(run.distiset).get(step, {}).get(name)
    path = artifact.files().get(file) if artifact is not None else None
    if path is None:
        raise UnknownArtifact(
            f"run {run.run_id!r} has no file {file!r} in an artifact {name!r} of step {step!r}", "reload the page"
        )
    return path, SHOWN[path.suffix.lower()] if _is_image(path) else None
