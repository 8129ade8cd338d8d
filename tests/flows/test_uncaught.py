"""What a script shows of an error that nobody catches."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

from flows.pipeline import Pipeline
from steps.columns import KeepColumns
from steps.errors import PlanError
from steps.sources import LoadDataFromDicts

ROOT = Path(__file__).parents[2]
WRONG = """
from flows import Pipeline
from steps.columns import KeepColumns
from steps.sources import LoadDataFromDicts

with Pipeline("wrong") as pipeline:
    LoadDataFromDicts(name="load", data=[{"text": "hi"}]) >> KeepColumns(name="keep", columns=["texts"])
"""
RUN = "pipeline.run(runs_dir='runs')\n"
SAID = "[missing-column] step 'keep'"


def script(folder: Path, text: str, *options: str, stdin: str = "") -> subprocess.CompletedProcess[str]:
    (folder / "mine.py").write_text(text)
    command = [sys.executable, *options, "mine.py"]
    env = {"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "HOME": str(folder)}
    return subprocess.run(command, cwd=folder, env=env, input=stdin, capture_output=True, text=True, check=False)


def test_a_wrong_plan_ends_a_script_with_words_alone(tmp_path: Path) -> None:
    ended = script(tmp_path, WRONG + RUN)

    assert ended.returncode == 1
    assert ended.stderr.startswith(SAID)
    assert "Traceback" not in ended.stderr
    assert "mine.py, line 8" in ended.stderr.splitlines()[-1]


def test_a_file_that_is_no_pipeline_is_told_in_words_too(tmp_path: Path) -> None:
    ended = script(tmp_path, "from flows import Pipeline\nPipeline.from_file('none.yaml')\n")

    assert (ended.returncode, "[bad-spec]" in ended.stderr, "Traceback" in ended.stderr) == (1, True, False)


def test_it_can_be_caught_as_ever(tmp_path: Path) -> None:
    with Pipeline("wrong") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"text": "hi"}])
        load >> KeepColumns(name="keep", columns=["texts"])

    with pytest.raises(PlanError, match="texts"):
        pipeline.run(runs_dir=tmp_path)


def test_at_the_prompt_it_is_told_in_words_and_can_be_looked_into(tmp_path: Path) -> None:
    ended = script(tmp_path, WRONG, "-i", stdin=f"{RUN}import sys; print(type(sys.last_value).__name__)\n")

    assert SAID in ended.stderr
    assert "Traceback" not in ended.stderr
    assert "PlanError" in ended.stdout


@pytest.mark.parametrize(
    ("text", "options"),
    [
        (WRONG + RUN, ("-X", "dev", "-W", "ignore")),
        (WRONG + "1 / 0\n", ()),
        ("import sys\nsys.excepthook = lambda *_: sys.stderr.write('Traceback of mine')\n" + WRONG + RUN, ()),
    ],
    ids=["asked for", "an error of the script", "a hook of the script"],
)
def test_all_else_is_shown_as_ever(tmp_path: Path, text: str, options: tuple[str, ...]) -> None:
    assert "Traceback" in script(tmp_path, text, *options).stderr


def test_a_notebook_shows_the_words_alone() -> None:
    with Pipeline("wrong") as pipeline:
        load = LoadDataFromDicts(name="load", data=[{"text": "hi"}])
        load >> KeepColumns(name="keep", columns=["texts"])

    with pytest.raises(PlanError) as caught:
        pipeline.plan()

    assert "\n".join(caught.value._render_traceback_()) == str(caught.value)
