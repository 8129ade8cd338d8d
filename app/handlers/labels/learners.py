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
from flows.labelling.limits import Limits
from flows.labelling.rounds import open_round
from steps.errors import DistilflowError

log = logging.getLogger(__name__)
_Key = tuple[str, str, str]
"""Name and identity of a project: another one may get its name."""


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
        self._jobs: dict[_Key, Job] = {}
        self._lock = threading.Lock()

    def of(self, project: LabelProject) -> Job | None:
        """The last job of a project; None where none was begun since the server started."""
        return self._jobs.get((project.name, *project.identity))

    def start(self, name: str, *, opens_round: bool = False) -> Job:
        """Begin to learn, unless that goes on already. `opens_round`: open a round afterwards if none is.

        Raises:
            UnknownProject: There is no such project.
        """
        project = self._projects.get(name)
        identity = project.identity
        with self._lock:
            job = self._jobs.get((name, *identity))
            if job is not None and not job.is_over:
                return job
            for key in [key for key in self._jobs if key[0] == name]:  # of projects that had this name
                del self._jobs[key]
            job = self._jobs[name, *identity] = Job(time.time())
        told = (project, identity, job, opens_round)
        threading.Thread(target=self._work, args=told, name=f"learn-{name}", daemon=True).start()
        return job

    def _work(self, project: LabelProject, identity: tuple[str, str], job: Job, opens_round: bool) -> None:
        try:
            if project.said.count and project.about.question.type != "text":  # texts have no label to settle
                told = (project.folder, identity, project.limits)
                job.version, job.is_new = apart(learn_in, *told) if self._is_public else learn_in(*told)
            with project.writing():
                project.check_is(identity)
                if opens_round and project.about.open_round is None:
                    open_round(project, self._projects.gains(project.name))
        except DistilflowError as error:
            job.problem = {"what": error.message, "fix": error.fix}
        except Exception:
            log.exception("learning the labels of %r failed", project.name)
            job.problem = {"what": "something unexpected happened; it is in the server's log", "fix": "try again"}
        finally:
            job.is_over = True


def learn_in(folder: Path, identity: tuple[str, str], limits: Limits | None = None) -> tuple[int, bool]:
    """Learn anew, from a project read for this alone: whoever answers meanwhile does not wait."""
    project = LabelProject(folder, limits)
    project.refresh()
    project.check_is(identity)
    learned = learn_anew(project)
    return learned.strategy.version, learned.is_new
