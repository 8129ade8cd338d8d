"""Pipelines by name: one YAML file each, in a folder that git, editors and `distilflow run` use too."""

from __future__ import annotations

import hashlib
import re
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from flows.runs import write_whole
from flows.spec import read_file, read_spec
from flows.spec.model import NAME
from steps.errors import DistilflowError, SpecError
from steps.wording import did_you_mean, listed

_NAME = re.compile(NAME.removesuffix(r"\z"), re.ASCII)  # Rust's way to say the end, which pydantic takes
DELETED = ".deleted"
"""Where deleted pipelines lie until another one of that name is deleted."""


class NoPipeline(DistilflowError):
    """There is no pipeline of this name."""

    code = "no-pipeline"


class NameTaken(DistilflowError):
    """Another pipeline has this name."""

    code = "name-taken"


class ChangedOnDisk(DistilflowError):
    """The file is not what was read: somebody else wrote it, or took it away."""

    code = "changed-on-disk"


@dataclass(frozen=True, slots=True)
class Kept:
    """A pipeline as it lies on disk. `version` stands for its content; `saved_at` is in seconds since 1970."""

    name: str
    text: str
    version: str
    saved_at: float


class Pipelines:
    """The pipelines in a folder. Files whose name no pipeline can have are left alone."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._writing = threading.Lock()

    def names(self) -> list[str]:
        """All names, the newest first."""
        found = [path for path in self.folder.glob("*.yaml") if is_name(path.stem) and path.is_file()]
        return [path.stem for path in sorted(found, key=_changed_at, reverse=True)]

    def entries(self) -> list[dict[str, Any]]:
        """What a list shows of each, the newest first."""
        return [_entry(self._path(name)) for name in self.names()]

    def read(self, name: str) -> Kept:
        """One pipeline.

        Raises:
            NoPipeline: There is none of this name.
            SpecError: Its file cannot be read.
        """
        path = self._path(name)
        if not path.is_file():
            raise self.unknown(name)
        text = read_file(path)
        return Kept(name, text, version_of(text), path.stat().st_mtime)

    def unknown(self, name: str) -> NoPipeline:
        """What to say of a name that nothing goes by."""
        names = self.names()
        fix = f"there are: {listed(names)}" if names else ""
        return NoPipeline(f"there is no pipeline {name[:80]!r}.{did_you_mean(name, names)}", fix)

    def write(self, name: str, text: str, version: str | None) -> Kept:
        """Replace the file at once, if it is still of this version; None for one that must be new.

        Raises:
            ChangedOnDisk: It is of another version.
            SpecError: It cannot be written.
        """
        path = self._path(name)
        with self._writing:
            present = self.version(name)
            if present != version:
                raise ChangedOnDisk(f"{path.name} was changed by somebody else", "load it, or keep yours")
            if present != version_of(text):
                try:
                    self.folder.mkdir(parents=True, exist_ok=True)
                    write_whole(path, text.encode("utf-8", "surrogatepass"))
                except OSError as error:
                    raise SpecError(f"{path} cannot be written: {error.strerror}", "check space and permissions") from error
        return Kept(name, text, version_of(text), _changed_at(path))

    def version(self, name: str) -> str | None:
        """What its content is now; None if there is no such file."""
        try:
            return version_of(read_file(self._path(name))) if self._path(name).is_file() else None
        except SpecError:
            return "unreadable"

    def move(self, name: str, new: str) -> None:
        """Give a pipeline another name.

        Raises:
            NameTaken: Another one has it.
            NoPipeline: There is none to be renamed.
        """
        with self._writing:
            if self._path(new).exists():
                raise NameTaken(f"there is a pipeline {new!r} already", "choose another name")
            if not self._path(name).is_file():
                raise self.unknown(name)
            self._path(name).rename(self._path(new))

    def delete(self, name: str) -> None:
        """Put a pipeline away; `restore` brings it back.

        Raises:
            NoPipeline: There is none of this name.
        """
        with self._writing:
            if not self._path(name).is_file():
                raise self.unknown(name)
            away = self.folder / DELETED
            away.mkdir(exist_ok=True)
            self._path(name).replace(away / f"{name}.yaml")

    def restore(self, name: str) -> Kept:
        """Bring back what was deleted last under this name.

        Raises:
            NoPipeline: Nothing was, or it is back already.
            NameTaken: There is a new one of this name.
        """
        away = self.folder / DELETED / self._path(name).name
        with self._writing:
            if not away.is_file():
                raise NoPipeline(f"no deleted pipeline {name!r} is left", "")
            if self._path(name).exists():
                raise NameTaken(f"there is a new pipeline {name!r} now", "rename it, then undo again")
            away.rename(self._path(name))
        return self.read(name)

    def free_name(self, stem: str) -> str:
        """A name like this that no pipeline has: `judge`, `judge_2`."""
        stem = stem if is_name(stem) else "pipeline"
        at, name = 1, stem
        while self._path(name).exists():
            at += 1
            name = f"{stem[:70]}_{at}"
        return name

    def _path(self, name: str) -> Path:
        """The file of a pipeline: always one right in the folder.

        Raises:
            NoPipeline: No pipeline can have this name.
        """
        if not is_name(name):
            raise NoPipeline(f"{name[:80]!r} cannot be a pipeline's name", "use letters, digits, '-' and '_', at most 80")
        return self.folder / f"{name}.yaml"


def is_name(name: str) -> bool:
    """Whether a pipeline, and so a file, can have this name."""
    return _NAME.fullmatch(name) is not None


def version_of(text: str) -> str:
    """What stands for this content."""
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=12).hexdigest()


def _changed_at(path: Path) -> float:
    try:
        return path.stat().st_mtime
    except FileNotFoundError:
        return 0.0


def _entry(path: Path) -> dict[str, Any]:
    entry: dict[str, Any] = {"name": path.stem, "saved_at": _changed_at(path), "steps": None, "about": ""}
    try:
        spec, _ = read_spec(read_file(path))
    except DistilflowError:
        return entry
    return {**entry, "steps": len(spec.steps), "about": spec.description or ""}
