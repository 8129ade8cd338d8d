"""The label projects in a folder."""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flows.labelling.about import About
from flows.labelling.disk import disk
from flows.labelling.limits import Limits
from flows.labelling.log import Log, keep_name
from flows.labelling.project import PROJECT, LabelProject
from flows.labelling.rounds import Gains
from flows.labelling.texts import spelled_out
from flows.runs import written_at
from steps.errors import DistilflowError
from steps.labels.questions import Question
from steps.wording import did_you_mean, listed

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.\-]{0,79}", re.ASCII)
RESERVED = frozenset({"runs", "of-run", "from-run", "look"})
"""Names that addresses of the place have where a project's name stands: see `app.api.labels`."""
DELETED = ".deleted"
KEPT_OPEN = 8
"""Projects whose annotations stay in memory; what was used longest ago is read again when it is asked for."""


class UnknownProject(DistilflowError):
    """There is no label project of this name."""

    code = "unknown-project"


class ProjectExists(DistilflowError):
    """Another label project has this name."""

    code = "name-taken"


class LabelProjects:
    """Label projects by name: a folder each.

    `is_for_strangers`: whoever knows a name may use the project, so names are not told, and what is deleted is gone.
    """

    def __init__(self, folder: Path, kept_open: int = KEPT_OPEN, *, is_for_strangers: bool = False) -> None:
        self.folder = folder
        self._is_for_strangers = is_for_strangers
        self._limits = Limits() if is_for_strangers else None
        self._kept_open = kept_open
        self._open: OrderedDict[str, tuple[LabelProject, Gains]] = OrderedDict()
        self._lock = threading.Lock()

    def names(self) -> list[str]:
        """All names, the newest first."""
        found = [path.parent for path in self.folder.glob(f"*/{PROJECT}") if _NAME.fullmatch(path.parent.name)]
        return [path.name for path in sorted(found, key=_changed_at, reverse=True)]

    def get(self, name: str) -> LabelProject:
        """A project by its name, with everything as it is on the disk now.

        Raises:
            UnknownProject: There is none.
        """
        return self._opened(name)[0]

    def gains(self, name: str) -> Gains:
        """What answers in a project would bring, as far as that was reckoned.

        Raises:
            UnknownProject: There is none.
        """
        return self._opened(name)[1]

    def create(
        self, name: str, question: Question, rows: Iterable[Mapping[str, Any]] = (), made_from: str = ""
    ) -> LabelProject:
        """A new project of these rows; all of it, or nothing.

        Raises:
            ProjectExists: There is one of this name.
            UnknownProject: No project can have this name.
            RowError: A row is wrong.
        """
        path = self._path(name)
        if name in RESERVED:
            raise UnknownProject(f"{name!r} cannot be a project's name: the app has a page of this name", "choose another name")
        part = self.folder / f".{name}.{secrets.token_hex(4)}.part"  # others may be making one of this name
        with self._lock:
            if path.exists():
                raise ProjectExists(f"there is a label project {name!r} already", "choose another name, or add the rows to it")
            now = datetime.now(UTC).isoformat(timespec="seconds")
            made_from = spelled_out(made_from)
            about = About(name=name, id=secrets.token_hex(8), question=question, made_from=made_from, created_at=now)
            try:
                with disk(f"label project {name!r} was not made"):
                    part.mkdir(parents=True)
                    about.save(part / PROJECT)
                    LabelProject(part, self._limits).add_rows(rows)
                    try:
                        part.rename(path)
                    except OSError:
                        if path.exists():
                            what = f"there is a label project {name!r} already"
                            raise ProjectExists(what, "choose another name") from None
                        raise
                    keep_name(path)
            except BaseException:
                _remove(part)
                raise
        return self.get(name)

    def delete(self, name: str) -> None:
        """Put a project away; what was deleted before under this name is gone then.

        Raises:
            UnknownProject: There is none.
        """
        path = self._path(name)
        with self._lock:
            self._check(path)
            self._open.pop(name, None)
            away = self.folder / (f".{name}.{secrets.token_hex(4)}.part" if self._is_for_strangers else f"{DELETED}/{name}")
            with disk(f"label project {name!r} was not deleted"), Log(path / "annotations.jsonl").writing():
                if not self._is_for_strangers:
                    away.parent.mkdir(exist_ok=True)
                    _remove(away)
                path.rename(away)
            if self._is_for_strangers:
                _remove(away)

    def restore(self, name: str) -> LabelProject:
        """Bring back what was deleted last under this name.

        Raises:
            UnknownProject: Nothing was.
            ProjectExists: There is a new one of this name.
        """
        path, away = self._path(name), self.folder / DELETED / name
        with self._lock:
            if not away.is_dir():
                raise UnknownProject(f"no deleted label project {name!r} is left", "")
            if path.exists():
                raise ProjectExists(f"there is a new label project {name!r} now", "rename one of them")
            with disk(f"label project {name!r} was not restored"):
                away.rename(path)
        return self.get(name)

    def free_name(self, stem: str) -> str:
        """A name like this that no project has: `dogs`, `dogs-2`."""
        stem = re.sub(r"[^A-Za-z0-9_.\-]+", "-", stem).strip("-._")[:70] or "labels"
        at, name = 1, stem
        while name in RESERVED or (self.folder / name).exists():
            at += 1
            name = f"{stem}-{at}"
        return name

    def made_from(self, source: str) -> str | None:
        """The newest project that was made from this, such as a run."""
        return next((name for name, about in self.abouts().items() if about.made_from == source), None)

    def abouts(self) -> dict[str, About]:
        """The settings of all projects whose settings can be read, by name, the newest first; nothing else of them is read."""
        found = {}
        for name in self.names():
            with suppress(DistilflowError):
                found[name] = About.load(self._path(name) / PROJECT)
        return found

    def _opened(self, name: str) -> tuple[LabelProject, Gains]:
        path = self._path(name)
        with self._lock:
            self._check(path)
            if name not in self._open:
                project = LabelProject(path, self._limits)
                self._open[name] = project, Gains(project)
                while len(self._open) > self._kept_open:
                    self._open.popitem(last=False)
            self._open.move_to_end(name)
            found = self._open[name]
        found[0].refresh()
        return found

    def _check(self, path: Path) -> None:
        if not (path / PROJECT).is_file():
            if self._is_for_strangers:
                raise UnknownProject(f"there is no label project {path.name!r}", "check its address")
            names = self.names()
            fix = f"there are: {listed(names)}" if names else "make one: distilflow labels import"
            raise UnknownProject(f"there is no label project {path.name!r}.{did_you_mean(path.name, names)}", fix)

    def _path(self, name: str) -> Path:
        """The folder of a project: always one right in ours.

        Raises:
            UnknownProject: No project can have this name.
        """
        if not _NAME.fullmatch(name):
            raise UnknownProject(
                f"{name[:80]!r} cannot be a project's name", "use letters, digits, '-', '_' and '.', at most 80"
            )
        return self.folder / name


def _changed_at(path: Path) -> float:
    return max(written_at(path / name) for name in (PROJECT, "annotations.jsonl"))


def _remove(path: Path) -> None:
    import shutil

    if path.exists():
        shutil.rmtree(path, ignore_errors=True)  # what is left is in nobody's way: its name is drawn, or it is put away
