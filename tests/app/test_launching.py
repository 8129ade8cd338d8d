from __future__ import annotations

import os
import signal
import sys
import threading
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from app.context import AppContext
from app.handlers import watching
from app.handlers.launching import Launcher, find_run, is_starting, launched, spec_of
from flows.runs import RunFolder, RunStore
from flows.spec import read_spec, spec_from
from steps.errors import RunError
from tests.flows.commands import wait_for

SPEC = read_spec("name: tiny\nsteps:\n- name: load\n  use: LoadDataFromDicts\n  with: {data: [{a: 1}]}")[0]


def launcher(tmp_path: Path, code: str) -> Launcher:
    return Launcher(RunStore(tmp_path), [sys.executable, "-c", code])


def test_a_run_is_started_in_a_session_of_its_own_with_its_pipeline_and_prefect(tmp_path: Path) -> None:
    code = "import os, sys; print(sys.argv[1:], os.getsid(0) == os.getpid(), os.environ['PREFECT_API_URL'])"

    run_id = launcher(tmp_path, code).start(SPEC, "http://127.0.0.1:4200/api")

    run = RunFolder(tmp_path / run_id)
    wait_for(lambda: "exit_code" in (launched(run) or {}))
    said = (run.path / "process.log").read_text()
    assert f"['run', '{run.path}/draft.yaml', '--run-id', '{run_id}', '--runs-dir', '{tmp_path}']" in said
    assert "True http://127.0.0.1:4200/api" in said
    assert spec_of(run) == SPEC


def test_a_process_that_dies_before_the_run_begins_is_a_failed_run_with_its_last_words(tmp_path: Path) -> None:
    run_id = launcher(tmp_path, "import sys; sys.exit('no pool can hold this')").start(SPEC)

    run = RunFolder(tmp_path / run_id)
    wait_for(lambda: "exit_code" in (launched(run) or {}))
    report = watching.report_of(run)
    assert (report.state, report.message) == ("failed", "no pool can hold this")
    assert [entry["state"] for entry in watching.list_runs(RunStore(tmp_path))] == ["failed"]


def test_a_process_that_has_not_come_far_yet_is_starting(tmp_path: Path) -> None:
    run_id = launcher(tmp_path, "import time; time.sleep(60)").start(SPEC)

    run = RunFolder(tmp_path / run_id)
    assert is_starting(run)
    assert watching.report_of(run).state == "starting"
    os.killpg(int((launched(run) or {})["pid"]), signal.SIGKILL)
    wait_for(lambda: not is_starting(run))
    assert watching.report_of(run).state == "failed"


def test_a_real_run_is_made_stopped_runs_are_resumed_and_the_quarantine_retried(ctx: AppContext) -> None:
    cut = {"name": "cut", "use": "TruncateTextColumn", "after": "load", "with": {"column": "a"}}
    load = {"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"a": "text"}, {"a": 1}]}}
    run_id = ctx.launcher.start(spec_from({"distilflow": 1, "name": "tiny", "steps": [load, cut]})[0])
    run = ctx.store.new(run_id)

    def ended() -> bool:
        return "exit_code" in (launched(run) or {})

    wait_for(lambda: watching.report_of(run).state == "finished")
    wait_for(ended)
    assert run.report().quarantined == 1  # a number is no text
    ctx.launcher.resume(run_id)
    wait_for(ended)
    assert run.report().sessions == 2
    ctx.launcher.retry(run_id)
    wait_for(ended)
    assert (run.report().sessions, run.report().quarantined) == (3, 1)


def test_what_is_going_on_is_not_started_twice(tmp_path: Path) -> None:
    started = launcher(tmp_path, "import time; time.sleep(60)")
    run_id = started.start(SPEC)
    run = RunFolder(tmp_path / run_id)
    try:
        with pytest.raises(RunError, match="is going on"):
            started.resume(run_id)
    finally:
        os.killpg(int((launched(run) or {})["pid"]), signal.SIGKILL)


def test_an_ended_run_is_run_again_as_it_ran_within_the_same_limits(ctx: AppContext) -> None:
    old = ctx.store.get("sample-1")
    report = old.report()
    options = report.options.changed({"max_rows": 2, "max_cost": 0.5, "max_tokens": 900, "output": "elsewhere"})
    old.save_report(report.model_copy(update={"options": options}))
    code = "import os, sys; print(sys.argv[1:], os.getcwd())"
    started = Launcher(ctx.store, [sys.executable, "-c", code], reuses=True)

    run = ctx.store.new(started.again("sample-1"))

    wait_for(lambda: "exit_code" in (launched(run) or {}))
    said = (run.path / "process.log").read_text()
    assert "'--reuse', 'last', '--max-rows', '2', '--max-cost', '0.5', '--max-tokens', '900'" in said
    assert "elsewhere" not in said  # the result of the earlier run stays
    assert said.rstrip().endswith(f" {report.cwd}")
    assert run.run_id != "sample-1"
    assert spec_of(run) == spec_of(old)
    old.save_report(report.model_copy(update={"cwd": str(ctx.runs_dir / "gone")}))
    with pytest.raises(RunError, match="is gone"):
        started.again("sample-1")
    with old.locked(), pytest.raises(RunError, match="going on"):
        started.again("sample-1")


def test_a_replay_is_not_run_again_with_models_that_cost_something(ctx: AppContext) -> None:
    old = ctx.store.get("sample-1")
    report = old.report()
    old.save_report(report.model_copy(update={"options": report.options.changed({"is_replay": True})}))

    assert watching.run_view(old)["can_run_again"] is False
    with pytest.raises(RunError, match="is a replay"):
        ctx.launcher.again("sample-1")


def test_rows_of_one_reason_are_tried_again(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    started = Launcher(ctx.store, [sys.executable, "-c", "import sys; print(sys.argv[1:])"])

    started.retry("sample-1", step="answer", code="not-recorded")

    wait_for(lambda: "exit_code" in (launched(run) or {}))
    said = (run.path / "process.log").read_text()
    assert "['retry', 'sample-1', '--step=answer', '--reason=not-recorded', " in said


def test_of_several_at_once_one_goes_on_with_a_run(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    started = Launcher(ctx.store, [sys.executable, "-c", "import time; time.sleep(60)"])

    def resume() -> bool:
        try:
            started.resume("sample-1")
        except RunError:
            return False
        return True

    with ThreadPoolExecutor(6) as threads:
        done = [one.result() for one in [threads.submit(resume) for _ in range(6)]]

    os.killpg(int((launched(run) or {})["pid"]), signal.SIGKILL)
    assert done.count(True) == 1


def test_the_end_of_a_process_does_not_hide_the_one_that_followed_it(tmp_path: Path) -> None:
    first = launcher(tmp_path, "import time; time.sleep(1)")
    run = RunFolder(tmp_path / first.start(SPEC))
    second = Launcher(RunStore(tmp_path), [sys.executable, "-c", "import time; time.sleep(60)"])
    second._launch(run, ["retry", run.run_id], None)
    pid = (launched(run) or {})["pid"]
    try:
        time.sleep(2)
        assert (launched(run) or {})["pid"] == pid
        assert is_starting(run)
    finally:
        os.killpg(int(pid), signal.SIGKILL)
    wait_for(lambda: "exit_code" in (launched(run) or {}))


@pytest.mark.parametrize("run_id", ["../../etc", "nope", ""])
def test_runs_that_are_none_are_refused(ctx: AppContext, run_id: str) -> None:
    with pytest.raises(RunError):
        ctx.launcher.stop(run_id)


def test_only_a_run_that_goes_on_can_pause(ctx: AppContext) -> None:
    with pytest.raises(RunError, match="not going on"):
        ctx.launcher.pause("sample-1")


def test_a_paused_run_goes_on_without_another_process(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    with run.locked():
        ctx.launcher.pause("sample-1")
        assert run.is_asked_to_pause()
        ctx.launcher.resume("sample-1")
        assert not run.is_asked_to_pause()
    assert launched(run) is None


@pytest.mark.parametrize(
    "record",
    [
        *("", "{}", "[]", "1", "null"),
        *('{"pid": "x", "started_at": 1}', '{"pid": -1, "started_at": 1}', '{"pid": 1e30, "started_at": 1}'),
        *('{"pid": 99999999999999999999, "started_at": 1}', '{"pid": 1, "started_at": "x"}', '{"pid": 1, "started_at": NaN}'),
    ],
)
def test_of_a_process_whose_record_is_none_nothing_is_known(ctx: AppContext, record: str) -> None:
    run = ctx.store.new("odd-1")
    run.path.mkdir()
    (run.path / "process.json").write_text(record)

    assert launched(run) is None
    told = {entry["id"]: entry["state"] for entry in watching.list_runs(ctx.store)}
    assert told == {"odd-1": "failed", "sample-1": "finished"}
    assert watching.run_view(find_run(ctx.store, "odd-1"))["report"]["state"] == "failed"


@pytest.mark.parametrize("name", ["process.json", "run.json"])
def test_a_folder_where_a_file_belongs_is_told_beside_the_other_runs(ctx: AppContext, name: str) -> None:
    (ctx.store.new("odd-1").path / name).mkdir(parents=True)

    told = {entry["id"]: entry["state"] for entry in watching.list_runs(ctx.store)}

    assert told == {"odd-1": "failed", "sample-1": "finished"}


def test_a_run_that_cannot_be_written_down_is_refused_in_words(tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("")

    with pytest.raises(RunError, match="the run cannot be started: Not a directory"):
        Launcher(RunStore(tmp_path / "runs"), [sys.executable, "-c", ""]).start(SPEC)


def test_a_process_that_nobody_could_find_again_does_not_go_on(tmp_path: Path, ctx: AppContext) -> None:
    mark = tmp_path / "went-on"
    code = f"import time; time.sleep(5); open({str(mark)!r}, 'w')"
    started = Launcher(ctx.store, [sys.executable, "-c", code])
    run = ctx.store.get("sample-1")
    (run.path / "process.json").unlink(missing_ok=True)
    (run.path / f"process.json.{os.getpid()}.part").mkdir()

    with pytest.raises(RunError, match="the run cannot go on: Is a directory"):
        started.resume("sample-1")

    wait_for(lambda: not [one for one in threading.enumerate() if one.name == "reap-sample-1"], 4)
    assert not mark.exists()
    assert launched(run) is None


def test_an_end_that_cannot_be_noted_is_seen_all_the_same(tmp_path: Path) -> None:
    run = RunFolder(tmp_path / launcher(tmp_path, "import time; time.sleep(2)").start(SPEC))
    (run.path / f"process.json.{os.getpid()}.part").mkdir()
    assert is_starting(run)

    wait_for(lambda: not [one for one in threading.enumerate() if one.name == f"reap-{run.run_id}"])

    assert watching.report_of(run).state == "failed"


def test_where_nothing_can_be_written_stop_and_pause_are_refused_in_words(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    (run.path / "stop").symlink_to("/nowhere/stop")
    (run.path / "pause").symlink_to("/nowhere/pause")

    with pytest.raises(RunError, match="cannot be stopped: No such file"):
        ctx.launcher.stop("sample-1")
    with run.locked(), pytest.raises(RunError, match="cannot be paused: No such file"):
        ctx.launcher.pause("sample-1")
