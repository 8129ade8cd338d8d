"""Starting runs, each in a process of its own that outlives the page and the app."""

from __future__ import annotations

import os
import subprocess
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Annotated, Any

import orjson
from pydantic import BaseModel, Field

from flows.engine.options import RunOptions
from flows.processes import lives
from flows.runs import LAUNCHED_AT, RunFolder, RunStore, UnknownRun, write_whole
from flows.spec import PipelineSpec, load_spec
from steps.errors import DistilflowError, RunError

LAST = "last"
"""What `distilflow run --reuse` calls the earlier runs of the same pipeline."""
LOG = "process.log"
RECORD = "process.json"
LINES_SHOWN = 12
STARTING_S = 60.0
_Seconds = Annotated[float, Field(allow_inf_nan=False)]


class _Record(BaseModel):
    """What is kept of a process that was started for a run. Times are Unix seconds."""

    pid: Annotated[int, Field(gt=0, lt=2**31)]
    started_at: _Seconds
    log_start: Annotated[int, Field(ge=0, lt=2**62)] = 0
    """Where its words begin in the log."""
    exit_code: int = 0
    ended_at: _Seconds = 0.0


@contextmanager
def _in_words(what: str) -> Iterator[None]:
    """Tell what cannot be done on a full disk, without memory, or where nobody may write.

    Raises:
        RunError: It says so.
    """
    try:
        yield
    except OSError as error:
        fix = "check the free space of the disk, memory, and who may write to the runs folder"
        raise RunError(f"{what}: {error.strerror or error}", fix) from error


class Launcher:
    """Starts run processes and waits for their end, so that none is left as a zombie.

    What is known of a process lies in the run's folder: another app, or this one after a restart, reads it there.
    """

    def __init__(
        self,
        store: RunStore,
        command: Sequence[str],
        options: Sequence[str] = (),
        *,
        reuses: bool = False,
        allow: Callable[[PipelineSpec], None] = lambda spec: None,
        has_secret_ids: bool = False,
    ) -> None:
        """`reuses`: new runs take over what earlier runs of the same pipeline finished. `allow` refuses what must not run.
        `has_secret_ids`: who does not know the id of a run cannot guess it."""
        self._store = store
        self._command = tuple(command)
        self._options = tuple(options)
        self._new_options = ("--reuse", LAST) if reuses else ()
        self._allow = allow
        self._has_secret_ids = has_secret_ids
        self._writing = threading.Lock()
        self._going_on = threading.Lock()

    def start(self, spec: PipelineSpec, prefect_url: str | None = None) -> str:
        """Start a run of this pipeline; returns its id.

        Raises:
            RunError: The process could not be started.
            PlanError: It may not run here.
        """
        return self._start(spec, (), prefect_url, None)

    def again(self, run_id: str, prefect_url: str | None = None) -> str:
        """Start another run of the pipeline of this one, as and where it ran, within the same limits; returns its id.

        Raises:
            RunError: There is no such run, it is going on, it is a replay, or the process could not be started.
            PlanError: It may not run here.
        """
        run = find_run(self._store, run_id)
        if run.is_alive() or is_starting(run):
            raise RunError(f"run {run_id!r} is going on", "wait for it, or stop it first")
        report = run.report() if run.exists() else None
        asked, cwd = (report.options, report.cwd) if report else (RunOptions(), None)
        spec = spec_of(run)
        if spec is None:
            raise RunError(f"the pipeline of run {run_id!r} cannot be read", "open a pipeline in Build, and run that")
        if asked.is_replay:
            raise RunError(f"run {run_id!r} is a replay, and run anew it would ask models", f"type: distilflow replay {run_id}")
        limits = {"--max-rows": asked.max_rows, "--max-cost": asked.max_cost, "--max-tokens": asked.max_tokens}
        options = [word for flag, most in limits.items() if most is not None for word in (flag, str(most))]
        journals = [word for journal in asked.journals for word in ("--journal", str(journal))]
        if cwd is not None and not Path(cwd).is_dir():
            raise RunError(f"the folder that run {run_id!r} was started in is gone", "open its pipeline in Build, and run that")
        return self._start(spec, [*options, *journals], prefect_url, cwd)

    @_in_words("the run cannot be started")
    def _start(self, spec: PipelineSpec, options: Sequence[str], prefect_url: str | None, cwd: str | None) -> str:
        self._allow(spec)
        run = self._store.new(None, spec.name, is_secret=self._has_secret_ids)
        run.path.mkdir(parents=True, exist_ok=True)
        draft = run.path / "draft.yaml"
        spec.save(draft)
        self._launch(run, ["run", str(draft), "--run-id", run.run_id, *self._new_options, *options], prefect_url, cwd)
        return run.run_id

    @_in_words("the run cannot go on")
    def resume(self, run_id: str, prefect_url: str | None = None) -> None:
        """Go on with a run that was paused, stopped, failed or cut off.

        Raises:
            RunError: There is no such run, it is going on, or the process could not be started.
        """
        run = find_run(self._store, run_id)
        if run.is_alive() and run.is_asked_to_pause():
            run.request_resume()
            return
        self._go_on(run_id, "resume", prefect_url)

    @_in_words("its rows cannot be tried again")
    def retry(self, run_id: str, prefect_url: str | None = None, step: str = "", code: str = "") -> None:
        """Try the rows in quarantine again; with a step and a code only those that failed there for this reason.

        Raises:
            RunError: There is no such run, it is going on, or the process could not be started.
        """
        only = [f"{flag}={value}" for flag, value in (("--step", step), ("--reason", code)) if value]
        self._go_on(run_id, "retry", prefect_url, only)

    @_in_words("the run cannot be paused")
    def pause(self, run_id: str) -> None:
        """Ask a run to pause: nothing more is sent, and what is under way comes in and is kept.

        Raises:
            RunError: There is no such run, or it is not going on.
        """
        run = find_run(self._store, run_id)
        if not run.is_alive() and not is_starting(run):
            raise RunError(f"run {run_id!r} is not going on", "look at its result, or resume it")
        run.request_pause()

    @_in_words("the run cannot be stopped")
    def stop(self, run_id: str) -> None:
        """Ask a run to stop and keep its finished rows.

        Raises:
            RunError: There is no such run.
        """
        find_run(self._store, run_id).request_stop()

    def _go_on(self, run_id: str, command: str, prefect_url: str | None, options: Sequence[str] = ()) -> None:
        with self._going_on:  # of two at once the second finds the process of the first
            run = find_run(self._store, run_id)
            if run.is_alive() or is_starting(run):
                raise RunError(f"run {run_id!r} is going on", "wait for it, or stop it first")
            self._launch(run, [command, run_id, *options], prefect_url)

    def _launch(self, run: RunFolder, arguments: list[str], prefect_url: str | None, cwd: str | None = None) -> None:
        command = [*self._command, *arguments, "--runs-dir", str(self._store.folder), *self._options]
        environment = {**os.environ, LAUNCHED_AT: str(time.time()), **({"PREFECT_API_URL": prefect_url} if prefect_url else {})}
        before = (run.path / LOG).stat().st_size if (run.path / LOG).exists() else 0
        with (run.path / LOG).open("ab") as log:
            process = subprocess.Popen(
                command,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=environment,
                cwd=cwd,
                start_new_session=True,
            )
        record = {"pid": process.pid, "started_at": time.time(), "log_start": before}
        reaper = threading.Thread(target=self._reap, args=(process, run.path, record), name=f"reap-{run.run_id}", daemon=True)
        with self._writing:  # how it ends is noted after that it began
            reaper.start()
            try:
                write_whole(run.path / RECORD, orjson.dumps(record))
            except OSError:
                process.terminate()  # what nobody could find, and is told not to have begun, does not go on
                raise

    def _reap(self, process: subprocess.Popen[bytes], folder: Path, record: dict[str, Any]) -> None:
        code = process.wait()
        with self._writing:
            now = launched(RunFolder(folder))
            if now is not None and now["pid"] == process.pid:  # a retry may have begun before this one had quite ended
                with suppress(OSError):  # that it is gone can be seen all the same
                    write_whole(folder / RECORD, orjson.dumps({**record, "exit_code": code, "ended_at": time.time()}))


def find_run(store: RunStore, run_id: str) -> RunFolder:
    """A run that was started, whether or not its process has begun to work.

    Raises:
        UnknownRun: There is none of this id. It names no other run: on a public server their ids are secrets.
    """
    run = store.new(run_id)
    if not (run.path / RECORD).exists() and not run.exists():
        raise UnknownRun(f"there is no run {run_id!r}", "choose one in the list of runs, or start a new one")
    return run


def spec_of(run: RunFolder) -> PipelineSpec | None:
    """The pipeline of a run: as it ran, or as it was handed over."""
    for name in ("pipeline.yaml", "draft.yaml"):
        with suppress(DistilflowError):
            return load_spec(run.path / name)
    return None


def launched(run: RunFolder) -> dict[str, Any] | None:
    """What is known of the process that was last started for a run; None when it was started elsewhere, or cannot be read."""
    with suppress(OSError, ValueError):
        return _Record.model_validate_json((run.path / RECORD).read_bytes()).model_dump(exclude_unset=True)
    return None


def is_starting(run: RunFolder) -> bool:
    """Whether a process was started for this run that has not begun to work on it."""
    record = launched(run)
    if record is None or "exit_code" in record or not lives(record["pid"]):
        return False
    if time.time() - record["started_at"] > STARTING_S and not run.is_alive():
        return False
    return not run.exists() or run.report().started_at < record["started_at"]


def last_words(run: RunFolder) -> str:
    """The last lines that the run's process printed: why it ended, when it ended before the run began."""
    record = launched(run)
    try:
        with (run.path / LOG).open("rb") as log:
            log.seek(record.get("log_start", 0) if record else 0)
            text = log.read()[-20_000:].decode(errors="replace")
    except OSError:
        return ""
    lines = [line.rstrip() for line in text.splitlines() if line.strip()]
    return "\n".join(lines[-LINES_SHOWN:])
