"""What the app works with: folders, the run store, the processes it started, and where Prefect listens."""

from __future__ import annotations

import os
import sys
from dataclasses import dataclass, field
from pathlib import Path

from app.handlers.labels.learners import Learners
from app.handlers.labels.making import Making
from app.handlers.launching import Launcher, find_run
from app.handlers.opening import Shelf
from app.handlers.pipelines import Pipelines
from app.handlers.strangers import check_strangers
from flows.labelling import LabelProjects
from flows.runs import RunFolder, RunStore
from flows.spec import PipelineSpec
from steps.errors import RunError
from steps.shipped import EXAMPLES

COMMAND = (sys.executable, "-m", "flows.cli")


def _is_open_to_all() -> bool:
    """Whether strangers may come: on a Space, unless its owner says that it is private."""
    return bool(os.environ.get("SPACE_ID")) and not os.environ.get("DISTILFLOW_PRIVATE")


def _web_address(text: str) -> str:
    return text if text.startswith(("https://", "http://")) else ""


@dataclass(slots=True)
class AppContext:
    """One per server.

    `prefect_url` is None until a Prefect server is known: pages work without it, and a run then finds one itself.
    `command` starts a run; tests put their own in its place. With `no_prefect` Prefect does not show the runs.
    `pipelines_dir`: where pipelines are kept by name; beside the runs folder if not given. On a public server each browser
    keeps its own.
    `labels_dir`: where label projects are kept, each in a folder; beside the runs folder if not given. On a public server
    nobody can guess their names, and each browser remembers its own.
    `reuses`: whether a new run takes over what earlier runs of the same pipeline finished; not where they are other people's.
    `docs_url`: where the help dialog finds the documentation; from $DISTILFLOW_DOCS_URL, and empty for no link.
    """

    runs_dir: Path
    examples_dir: Path = EXAMPLES
    prefect_url: str | None = None
    is_public: bool = field(default_factory=_is_open_to_all)
    command: tuple[str, ...] = COMMAND
    no_prefect: bool = False
    pipelines_dir: Path | None = None
    labels_dir: Path | None = None
    reuses: bool = True
    docs_url: str = field(default_factory=lambda: _web_address(os.environ.get("DISTILFLOW_DOCS_URL", "")))
    launcher: Launcher = field(init=False)
    pipelines: Pipelines | None = field(init=False)
    labels: LabelProjects = field(init=False)
    learners: Learners = field(init=False)
    making: Making = field(init=False)

    def __post_init__(self) -> None:
        self.runs_dir = self.runs_dir.resolve()
        self.pipelines_dir = (self.pipelines_dir or self.runs_dir.parent / "pipelines").resolve()
        self.pipelines = None if self.is_public else Pipelines(self.pipelines_dir)
        self.labels_dir = (self.labels_dir or self.runs_dir.parent / "labels").resolve()
        self.labels = LabelProjects(self.labels_dir, is_for_strangers=self.is_public)
        self.learners = Learners(self.labels, is_public=self.is_public)
        self.making = Making(self.labels, self.learners, is_public=self.is_public)
        self.reuses = self.reuses and not self.is_public
        options = ("--no-prefect",) if self.no_prefect else ()
        self.launcher = Launcher(
            self.store, self.command, options, reuses=self.reuses, allow=self.allow, has_secret_ids=self.is_public
        )

    @property
    def shelf(self) -> Shelf:
        return Shelf(self.pipelines, self.examples_dir)

    def allow(self, spec: PipelineSpec) -> None:
        """Refuse what nobody may run here.

        Raises:
            PlanError: It names the steps.
        """
        if self.is_public:
            check_strangers(spec, self.examples_dir)

    @property
    def earlier_runs(self) -> RunStore | None:
        """The runs that a new one takes over from; None where it does not, and nobody is told of them either."""
        return self.store if self.reuses else None

    @property
    def store(self) -> RunStore:
        return RunStore(self.runs_dir)

    def started(self, run_id: str) -> RunFolder:
        """A run, whether or not its process has begun to work.

        Raises:
            UnknownRun: There is none of this id.
        """
        return find_run(self.store, run_id)

    def begun(self, run_id: str) -> RunFolder:
        """A run that has a report.

        Raises:
            RunError: There is none of this id, or it has not begun to work.
        """
        run = self.started(run_id)
        if not run.exists():
            raise RunError(f"run {run_id!r} has not begun to work", "wait a moment; if nothing comes, look at its log")
        return run
