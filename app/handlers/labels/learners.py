"""Strategies learned while the page goes on: one job for each project at a time."""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from app.handlers.apart import apart
from flows.labelling import LabelProject, LabelProjects
from flows.labelling.learning import learn_anew
from flows.labelling.rounds import open_round
from steps.errors import DistilflowError

log = logging.getLogger(__name__)


@dataclass
class Job:
    """A strategy that is being learned, or what came of it."""

    started_at: float
    is_over: bool = False
    problem: dict[str, str] | None = None
    version: int = 0
    is_new: bool = False

    def told(self) -> dict[str, Any]:
        return {
            "is_over": self.is_over,
            "problem": self.problem,
            "version": self.version,
            "is_new": self.is_new,
            "seconds": round(time.time() - self.started_at, 1),
        }


class Learners:
    """The jobs of all projects, the last one of each."""

    def __init__(self, projects: LabelProjects, *, is_public: bool = False) -> None:
        self._projects = projects
        self._is_public = is_public
        self._jobs: dict[str, Job] = {}
        self._lock = threading.Lock()

    def of(self, name: str) -> Job | None:
        """The last job of a project; None where none was begun since the server started."""
        return self._jobs.get(name)

    def start(self, name: str, *, opens_round: bool = False) -> Job:
        """Begin to learn, unless that goes on already. `opens_round`: open a round afterwards if none is.

        Raises:
            UnknownProject: There is no such project.
        """
        project = self._projects.get(name)
        with self._lock:
            job = self._jobs.get(name)
            if job is not None and not job.is_over:
                return job
            job = self._jobs[name] = Job(time.time())
        threading.Thread(target=self._work, args=(project, job, opens_round), name=f"learn-{name}", daemon=True).start()
        return job

    def _work(self, project: LabelProject, job: Job, opens_round: bool) -> None:
        try:
            if project.said.count and project.about.question.type != "text":  # texts have no label to settle
                learn = apart(learn_in, project.folder) if self._is_public else learn_in(project.folder)
                job.version, job.is_new = learn
            if opens_round and project.about.open_round is None:
                open_round(project, self._projects.gains(project.name))
        except DistilflowError as error:
            job.problem = {"what": error.message, "fix": error.fix}
        except Exception:
            log.exception("learning the labels of %r failed", project.name)
            job.problem = {"what": "something unexpected happened; it is in the server's log", "fix": "try again"}
        finally:
            job.is_over = True


def learn_in(folder: Path) -> tuple[int, bool]:
    """Learn anew, from a project read for this alone: whoever answers meanwhile does not wait."""
    project = LabelProject(folder)
    project.refresh()
    learned = learn_anew(project)
    return learned.strategy.version, learned.is_new
