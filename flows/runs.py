"""Runs on disk: a folder each, below the runs folder. What the engine writes there and everybody else reads.

runs/<run id>/
  pipeline.yaml      the pipeline as it ran            run.json       report: state, times, counts, models
  events.jsonl       what happened                     run.log        the same for people
  quarantine.jsonl   rows that failed, with reasons    live/          the newest rows of each step
  ledger/            finished work, by step            distiset/      the result (unless --output says elsewhere)
  first_rows.json    the first rows of the result      artifacts/     files that steps left beside the rows
"""

from __future__ import annotations

import contextlib
import fcntl
import os
import re
import secrets
import shlex
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, Field, ValidationError

from flows.engine.codec import decode, encode
from flows.engine.events import Event, RunState, StepProgress, read_event
from flows.engine.holding import PAUSE, is_paused, let_go
from flows.engine.live import newest_rows
from flows.engine.options import RunOptions
from flows.engine.quarantine import lines_in
from flows.engine.shortfalls import Shortfall
from flows.engine.tally import Tally
from flows.spec import PipelineSpec, load_spec
from steps.errors import RunError, SpecError

RUNS = Path("runs")
"""The runs folder where none is named."""
LAUNCHED_AT = "DISTILFLOW_LAUNCHED_AT"
"""Variable by which whoever starts a run in a process tells when that was, in Unix time."""
LOCK_ATTEMPTS = 5
"""Whoever asks whether a run is alive holds its lock for a moment."""
LONGEST_ID = 100
MOST_OF_A_PIPELINE = 20
"""Earlier runs of a pipeline whose finished rows a new one takes over."""
MOST_LOOKED_AT = 200
RUN_ID = re.compile(r"^[A-Za-z0-9][A-Za-z0-9_.\-]{0,99}")


def command(verb: str, run_id: str, *more: str, runs_dir: Path) -> str:
    """What to type about a run."""
    where = ["--runs-dir", str(runs_dir)] if runs_dir != RUNS else []
    return shlex.join(["distilflow", verb, run_id, *where, *more])


class UnknownRun(RunError):
    """There is no run of this id, or could not be."""

    code = "unknown-run"


class NotRunning(RunError):
    """What is asked of a run at work is asked of one that is not."""

    code = "not-running"


class NothingToRetry(RunError):
    """Rows in quarantine are to be tried again, and there are none."""

    code = "nothing-to-retry"


class UnreadableRun(RunError):
    """The report of a run cannot be read: a power cut took its end, or another release wrote it."""

    code = "unreadable-run"


class RunBusy(RunError):
    """Another process works on the run."""

    code = "run-busy"


class RunReport(BaseModel):
    """How a run stands or ended: what `run.json` holds and what the card tells. Times are Unix seconds."""

    run_id: str
    pipeline: str
    state: RunState = "starting"
    message: str = ""
    used_up: Literal["max_cost", "max_tokens"] | None = None
    """The budget that stopped it."""
    enough: float = 0.0
    """A budget to go on with then: USD or tokens."""
    started_at: float = Field(default_factory=time.time)
    ended_at: float | None = None
    paused_at: float | None = None
    """When the pause began that it is in."""
    paused_s: float = 0.0
    """Seconds that this session has been paused before."""
    sessions: int = 1
    """How often it was started: once, and once more for each resume or retry."""
    steps: dict[str, StepProgress] = Field(default_factory=dict)
    usage: Tally = Field(default_factory=Tally)
    """What all requests used, in all sessions, also those of steps that are no more."""
    models: dict[str, str] = Field(default_factory=dict)
    """Model by step, e.g. "gpt-4o-mini", "recorded", "rehearsal"."""
    is_rehearsal: bool = False
    played_cassette: bool = False
    """Whether a cassette answered for model servers, in any of its sessions."""
    rows: dict[str, int] = Field(default_factory=dict)
    """Rows in the result, by leaf."""
    quarantined: int = 0
    shortfalls: list[Shortfall] = Field(default_factory=list)
    """What it did not come to, though no row failed: fewer rows than a step wants, rows of a source that no other goes with."""
    options: RunOptions = Field(default_factory=RunOptions)
    cwd: str | None = None
    """Where it was started: relative paths of the pipeline count from there."""
    flow_run_id: str | None = None
    """The run in Prefect, when it has one."""
    versions: dict[str, str] = Field(default_factory=dict)
    step_keys: dict[str, str] = Field(default_factory=dict)
    """By which finished work of each step is found (`flows.engine.keys`)."""

    @property
    def is_whole(self) -> bool:
        """Whether it ended with every row that there could be."""
        return self.state == "finished" and not self.quarantined and not self.shortfalls

    @property
    def duration_s(self) -> float:
        """Seconds of this session, but those of pauses."""
        return (self.ended_at or self.paused_at or time.time()) - self.started_at - self.paused_s


class RunFolder:
    """The folder of one run."""

    def __init__(self, path: Path) -> None:
        self.path = path

    @property
    def run_id(self) -> str:
        return self.path.name

    @property
    def events(self) -> Path:
        return self.path / "events.jsonl"

    @property
    def log(self) -> Path:
        return self.path / "run.log"

    @property
    def quarantine(self) -> Path:
        return self.path / "quarantine.jsonl"

    @property
    def distiset(self) -> Path:
        return self.report().options.output or self.path / "distiset"

    def exists(self) -> bool:
        return (self.path / "run.json").is_file()

    # ---- what ran
    def spec(self) -> PipelineSpec:
        return load_spec(self.path / "pipeline.yaml")

    def report(self) -> RunReport:
        """The report as last written; of a run whose process died, "failed" instead of "running".

        Raises:
            UnreadableRun: It is torn.
        """
        report = self._read_report()
        if report.state in ("starting", "running", "paused", "finishing") and not self.is_alive():
            report.state = "failed"
            report.message = "the run was cut off; resume it to go on where it was"
        with contextlib.suppress(OSError, ValueError):
            report.flow_run_id = (self.path / "flow_run").read_text()
        return report

    def _read_report(self) -> RunReport:
        try:
            return RunReport.model_validate_json((self.path / "run.json").read_bytes())
        except ValidationError as error:
            said = error.errors()[0]
            where = ".".join(map(str, said["loc"]))
            again = ["distilflow", "run", str(self.path / "pipeline.yaml"), "--run-id", self.run_id]
            raise UnreadableRun(
                f"{self.path / 'run.json'} cannot be read ({f'{where}: ' if where else ''}{said['msg']})",
                "run the pipeline again under the same id, with the options it had (a replay with `distilflow replay`); "
                "what is finished is kept: " + shlex.join([*again, "--runs-dir", str(self.path.parent)]),
            ) from error

    def remember_flow_run(self, flow_run_id: str) -> None:
        """Note which run in Prefect this is; the report shows it."""
        self.path.mkdir(parents=True, exist_ok=True)
        write_whole(self.path / "flow_run", flow_run_id.encode())

    def save_report(self, report: RunReport) -> None:
        write_whole(self.path / "run.json", report.model_dump_json(indent=1).encode())

    # ---- what happens
    def read_events(self, start: int = 0) -> tuple[list[Event], int]:
        """Events written since byte `start`, and where to go on. A line that is still being written waits."""
        lines, after = self.event_lines(start)
        found = []
        for line in lines:
            with contextlib.suppress(ValueError):  # a line torn by a crash
                found.append(read_event(line))
        return found, after

    def event_lines(self, start: int = 0) -> tuple[list[bytes], int]:
        """The same, each as the line that it is: for who only passes them on."""
        try:
            with self.events.open("rb") as file:
                file.seek(start)
                data = file.read()
        except OSError:  # there are none yet, or they cannot be read: how the run stands is told all the same
            return [], start
        whole = data[: data.rfind(b"\n") + 1]
        return whole.splitlines(), start + len(whole)

    def newest_rows(self, step: str) -> list[dict[str, Any]]:
        """The newest 20 rows that a step made, oldest first."""
        return newest_rows(self.path, step)

    def maker_of(self, step: str) -> RunFolder:
        """The run whose newest rows of a step tell what this one has: itself, or the one that it took all of them over from."""
        if (self.path / "live" / f"{step}.json").exists() or not self.exists():
            return self
        report = self.report()
        if step not in report.steps or not report.steps[step].reused:
            return self
        for earlier in map(RunFolder, report.options.reuse):
            with contextlib.suppress(OSError, UnreadableRun):
                is_same = step in report.step_keys and earlier.report().step_keys.get(step) == report.step_keys[step]
                if is_same and (earlier.path / "live" / f"{step}.json").exists():
                    return earlier
        return self

    def save_first_rows(self, rows: dict[str, list[dict[str, Any]]]) -> None:
        """Keep the first rows of the result, by leaf."""
        write_whole(self.path / "first_rows.json", encode(rows))

    def first_rows(self, leaf: str) -> list[dict[str, Any]]:
        """The first rows of a leaf of the result; none before there is a result."""
        with contextlib.suppress(FileNotFoundError):
            found: list[dict[str, Any]] = decode((self.path / "first_rows.json").read_bytes()).get(leaf, [])
            return found
        return []

    def quarantined(self) -> Iterator[dict[str, Any]]:
        """Rows that failed: step, id, code, message, fix, attempts, reply and the row itself."""
        return lines_in(self.quarantine, decode)

    # ---- control
    def refuse_rehearsal(self) -> None:
        """Check that a rehearsal in this folder would not replace the result of a run that asked a model.

        Raises:
            SpecError: It would.
        """
        if not self.exists():
            return
        report = self.report()
        if report.usage.requests and not report.is_rehearsal:
            what = f"run {self.run_id!r} holds replies of a model ({report.usage.in_words()}), and a rehearsal makes replies up"
            raise SpecError(what, "rehearse under another run id, or leave it out to get a new one")

    def request_stop(self) -> None:
        """Ask the run to stop: it keeps finished rows and writes the Distiset of those."""
        (self.path / "stop").touch()

    def is_asked_to_stop(self, launched_at: float) -> bool:
        """Whether somebody asked since then (Unix time); what was meant for an earlier session does not count."""
        try:
            return (self.path / "stop").stat().st_mtime >= launched_at
        except FileNotFoundError:
            return False

    def request_pause(self) -> None:
        """Ask the run to pause: nothing new is sent or begun until it may go on, what is under way comes in and is kept."""
        (self.path / PAUSE).touch()

    def request_resume(self) -> None:
        """Let a paused run go on."""
        let_go(self.path)

    def is_asked_to_pause(self) -> bool:
        return is_paused(self.path)

    def forget_pause(self, launched_at: float) -> None:
        """Drop the request to pause that was meant for an earlier session, before this time."""
        with contextlib.suppress(FileNotFoundError):
            if (self.path / PAUSE).stat().st_mtime < launched_at:
                self.request_resume()

    def is_alive(self) -> bool:
        """Whether a process works on this run now."""
        try:
            with (self.path / "lock").open("rb") as file:
                fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
            return False
        except BlockingIOError:
            return True
        return False

    def busy(self) -> RunBusy:
        """The error of whoever wants the run while another process works on it."""
        fix = f"wait for it, or stop it first: distilflow stop {self.run_id}"
        return RunBusy(f"run {self.run_id!r} is being worked on by another process", fix)

    @contextlib.contextmanager
    def locked(self) -> Iterator[None]:
        """Hold the run: one process works on it at a time.

        Raises:
            RunBusy: Another one does.
        """
        self.path.mkdir(parents=True, exist_ok=True)
        with (self.path / "lock").open("wb") as file:
            for attempt in range(LOCK_ATTEMPTS):
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                    break
                except BlockingIOError:
                    if attempt + 1 == LOCK_ATTEMPTS:
                        raise self.busy() from None
                    time.sleep(0.02)
            yield


class RunStore:
    """All runs below a folder."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def get(self, run_id: str) -> RunFolder:
        """The run of this id.

        Raises:
            UnknownRun: The id could not be a folder's name, or there is no such run.
        """
        run = self.new(run_id)
        if not run.exists():
            known = ", ".join(other.run_id for other in self.all()[:5]) or "none"
            raise UnknownRun(f"there is no run {run_id!r} in {self.folder}", f"newest runs: {known}; or pass --runs-dir")
        return run

    def new(self, run_id: str | None = None, name: str = "run", *, is_secret: bool = False) -> RunFolder:
        """The folder for a run, existing or not; without an id a new one made of name and time, that nobody can guess if
        `is_secret`."""
        if run_id is None:
            stamp = datetime.now(UTC).strftime("%Y%m%d-%H%M%S")
            end = secrets.token_hex(16 if is_secret else 2)
            run_id = f"{name[: LONGEST_ID - len(stamp) - len(end) - 2]}-{stamp}-{end}"
        if not RUN_ID.fullmatch(run_id):
            raise UnknownRun(f"{run_id!r} cannot be a run id", "use letters, digits, '-', '_' and '.', at most 100")
        return RunFolder(self.folder / run_id)

    def all(self) -> list[RunFolder]:
        """Runs, newest first."""
        found = [RunFolder(path.parent) for path in self.folder.glob("*/run.json")]
        return sorted(found, key=lambda run: written_at(run.path / "run.json"), reverse=True)

    def of_pipeline(self, name: str) -> list[tuple[RunFolder, RunReport]]:
        """The runs of pipelines of this name, newest first: a new run can take over what they finished."""
        found: list[tuple[RunFolder, RunReport]] = []
        for run in self.all()[:MOST_LOOKED_AT]:
            with contextlib.suppress(OSError, UnreadableRun):
                report = run.report()
                if report.pipeline == name and report.step_keys:
                    found.append((run, report))
            if len(found) == MOST_OF_A_PIPELINE:
                break
        return found


def written_at(path: Path) -> float:
    """When a file or folder was last written, in Unix time; 0 when there is none any more."""
    try:
        return path.stat().st_mtime
    except OSError:
        return 0.0


def write_whole(path: Path, data: bytes) -> None:
    """Replace a file at once: readers see the old content or the new, never a part."""
    part = path.with_name(f"{path.name}.{os.getpid()}.part")
    part.write_bytes(data)
    part.replace(path)
