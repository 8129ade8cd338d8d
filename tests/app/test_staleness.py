"""What a draft says about the run that it would become."""

from __future__ import annotations

import sys
from pathlib import Path

import yaml

from app.context import AppContext
from app.handlers.launching import Launcher
from app.handlers.staleness import staleness
from flows.runs import RunStore
from flows.spec import load_spec
from tests.flows.commands import wait_for


def test_a_changed_step_and_those_after_it_are_stale(ctx: AppContext) -> None:
    text = (ctx.store.get("sample-1").path / "pipeline.yaml").read_text()
    same = staleness(text, ctx.store)
    assert (same["has_run"], set(same["steps"].values())) == (True, {"fresh"})
    assert same["summary"].startswith("Nothing has changed since run sample-1")

    pipeline = yaml.safe_load(text)
    pipeline["steps"][1]["with"]["llm"]["recorded_model"] = "another"
    changed = staleness(yaml.safe_dump(pipeline), ctx.store)
    assert changed["steps"] == {"load": "fresh", "answer": "stale", "chat": "stale"}


def test_what_cannot_be_planned_has_no_steps(ctx: AppContext) -> None:
    for text in ("", "steps: [", "distilflow: 1\nname: x\nsteps:\n- name: a\n  use: Nothing"):
        assert staleness(text, ctx.store)["steps"] == {}


def test_where_nothing_is_taken_over_nobody_is_told_of_earlier_runs(ctx: AppContext) -> None:
    text = (ctx.store.get("sample-1").path / "pipeline.yaml").read_text()
    for others in (AppContext(ctx.runs_dir, is_public=True), AppContext(ctx.runs_dir, reuses=False)):
        told = staleness(text, others.earlier_runs)
        assert (told["has_run"], told["steps"]) == (False, {})
        assert "sample-1" not in str(told)


def test_a_new_run_is_started_on_what_earlier_ones_finished(tmp_path: Path, ctx: AppContext) -> None:
    spec = load_spec(ctx.store.get("sample-1").path / "pipeline.yaml")
    told = tmp_path / "told"
    code = f"import sys; open({str(told)!r}, 'w').write(' '.join(sys.argv))"
    for reuses in (True, False):
        Launcher(RunStore(tmp_path / "new"), [sys.executable, "-c", code], reuses=reuses).start(spec)
        wait_for(lambda: told.exists() and "--runs-dir" in told.read_text())
        assert ("--reuse last" in told.read_text()) is reuses
        told.unlink()
