"""The systems: what each needs, and how its user starts it."""

from __future__ import annotations

import os
import subprocess
import sys
from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from pathlib import Path

import orjson

from benchmarks.peers.cases import Case, Job, pipeline
from benchmarks.surroundings import DISTILABEL, OFFLINE, ROOT, python_with

VENVS = ROOT / "build" / "bench"
PROGRAMS = Path(__file__).parent / "programs"


class Unavailable(RuntimeError):
    """A system cannot be installed here; the message says why."""


@dataclass(frozen=True)
class System(ABC):
    """One way to do the job. `retries`: it can meet faults; `resumes`: a second start can go on from a first one."""

    name: str
    retries: bool = True
    resumes: bool = True

    def prepare(self) -> None:  # noqa: B027 - ours is here already
        """Install what it needs.

        Raises:
            Unavailable: That fails.
        """

    @abstractmethod
    def command(self, job: Job) -> list[str]:
        """What its user would type; the same command again goes on where the first one was cut off."""

    def environment(self, job: Job) -> dict[str, str]:
        return {**os.environ, **OFFLINE}

    def cannot(self, case: Case) -> str:
        """Why it has no part in a case; empty if it has."""
        if case.meets_faults and not self.retries:
            return "makes one attempt only"
        if case.is_killed and not self.resumes:
            return "keeps nothing before the end"
        return ""


@dataclass(frozen=True)
class Peer(System):
    """A program in `programs/`, in a virtual environment of its own."""

    packages: tuple[str, ...] = ()
    program: str = ""
    arguments: tuple[str, ...] = ()
    variables: dict[str, str] = field(default_factory=dict)
    venv: str = ""
    """Where that is not the name of the system."""

    def _python(self) -> Path:
        return python_with(self.packages, VENVS / (self.venv or self.name))

    def prepare(self) -> None:
        try:
            self._python()
        except subprocess.CalledProcessError as error:
            raise Unavailable(f"cannot be installed here: pip ended with {error.returncode}") from error

    def command(self, job: Job) -> list[str]:
        told = job.save(Path(job.work) / "job.json")
        return [str(self._python()), str(PROGRAMS / self.program), str(told), *self.arguments]

    def environment(self, job: Job) -> dict[str, str]:
        home = {"HOME": job.work, "HF_HOME": f"{job.work}/hf"}  # what they remember of earlier runs would be found there
        return {**super().environment(job), **self.variables, **home}


@dataclass(frozen=True)
class Ours(System):
    """`distilflow run`."""

    options: tuple[str, ...] = ()

    def command(self, job: Job) -> list[str]:
        file = Path(job.work) / "pipeline.json"
        file.write_bytes(orjson.dumps(pipeline(job)))
        where = ["--run-id", "bench", "--runs-dir", f"{job.work}/runs", "--output", job.output]
        return [sys.executable, "-m", "flows.cli", "run", str(file), *where, *self.options]

    def environment(self, job: Job) -> dict[str, str]:
        return {**super().environment(job), "PYTHONPATH": str(ROOT)}


DATATROVE = (
    # without its extra "inference", which brings vLLM and CUDA
    *("datatrove[io]==0.10.1", "aiofiles==25.1.0", "aiosqlite==0.22.1"),
    *("httpx==0.28.1", "orjson==3.13.0", "openai==3.51.0"),
)
SYSTEMS: tuple[System, ...] = (
    Peer("aiohttp", False, False, ("aiohttp==3.14.5", "orjson==3.13.0"), "bare_aiohttp.py"),
    Peer("openai", True, False, ("openai==3.51.0", "aiohttp==3.14.5"), "bare_openai.py"),
    Peer("distilabel", packages=DISTILABEL, program="distilabel_job.py", variables={"DISTILABEL_LOG_LEVEL": "WARNING"}),
    Peer(
        "data-designer",
        packages=("data-designer==0.9.6",),
        program="data_designer_job.py",
        variables={"NEMO_TELEMETRY_ENABLED": "false"},
    ),
    Peer(
        "curator",
        packages=("bespokelabs-curator==0.1.31",),
        program="curator_job.py",
        variables={"CURATOR_DISABLE_RICH_DISPLAY": "1", "TELEMETRY_ENABLED": "false", "LITELLM_LOCAL_MODEL_COST_MAP": "True"},
    ),
    Peer("datatrove", packages=DATATROVE, program="datatrove_job.py", venv="datatrove"),
    Peer("datatrove-local", False, packages=DATATROVE, program="datatrove_job.py", arguments=("local",), venv="datatrove"),
    Ours("prefect"),
    Ours("no-prefect", options=("--no-prefect",)),
)
IDEAL, PREFECT = "aiohttp", "prefect"
QUICK = ("aiohttp", "openai", "prefect", "no-prefect")
BY_NAME = {system.name: system for system in SYSTEMS}
