"""How a step is said to stand, while a run goes on and after it."""

from __future__ import annotations

import pytest

from flows.cli.progress import Lines, standing
from flows.engine.events import Logged, StepProgress


@pytest.mark.parametrize(
    ("progress", "said", "said_after_the_run"),
    [
        (StepProgress(state="running", taken=17, made=17, total=60), "running, 17/60 rows", "stopped, 17 of 60 rows"),
        (
            StepProgress(state="running", taken=17, made=34, total=60),
            "running, 34 rows from 17/60",
            "stopped, 34 rows from 17 of 60",
        ),
        (StepProgress(state="running", taken=1, made=1), "running, 1 row", "stopped, 1 row"),
        (StepProgress(state="waiting", total=12), "waiting, 0/12 rows", "stopped, 0 of 12 rows"),
        (StepProgress(state="done", taken=60, made=1, total=60), "done, 1 row", "done, 1 row"),
    ],
    ids=["rows-known", "rows-multiplied", "rows-unknown", "not-begun", "done"],
)
def test_a_step_is_told_by_the_rows_it_made(progress: StepProgress, said: str, said_after_the_run: str) -> None:
    assert (standing(progress), standing(progress, is_over=True)) == (said, said_after_the_run)


def test_a_wait_of_hours_is_told_where_there_is_no_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    lines = Lines()
    lines.show(Logged(at=0.0, level="info", message="waiting for OpenAI: 3 of 5 requests are done"))
    lines.show(Logged(at=0.0, level="warning", message="a key is given up"))

    assert capsys.readouterr().err == "waiting for OpenAI: 3 of 5 requests are done\nwarning: a key is given up\n"
