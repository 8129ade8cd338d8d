"""A disk that is full, or closed: in words, nothing half is left, and what was there is as it was."""

from __future__ import annotations

import os
import resource
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flows.labelling import LabelProject, LabelProjects
from flows.labelling.learning import learn_anew
from flows.labelling.rounds import close_round, open_round
from steps.errors import RunError
from steps.labels.questions import Question
from tests.flows.labelling.crowds import crowd

ROOT = Path(__file__).parents[3]


def export(project: LabelProject, path: Path, what: str = "labels", most: int = 0) -> subprocess.CompletedProcess[str]:
    """The command, in a process that may write no file longer than `most`."""

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (most, most))

    told = ["labels", "export", "answers", "--what", what, "--output", str(path), "--labels-dir", str(project.folder.parent)]
    command = [sys.executable, "-m", "flows.cli", *told]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, preexec_fn=limit if most else None, check=False)


@contextmanager
def full(most: int = 10) -> Iterator[None]:
    """No file may get longer than this."""
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    handler = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (most, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
        signal.signal(signal.SIGXFSZ, handler)


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


@pytest.fixture
def open_project(projects: LabelProjects, project: LabelProject) -> LabelProject:
    open_round(project, projects.gains("answers"))
    return project


MORE = [{"item": f"new{at}", "annotator": "a", "label": "wrong"} for at in range(99)]
ACTS: dict[str, Callable[[LabelProject], object]] = {
    "answer": lambda project: project.answer("q1", "wrong", "zoe"),
    "add rows": lambda project: project.add_rows(
        [{"item": f"new{at}", "annotator": "a", "label": "wrong"} for at in range(99)]
    ),
    "close": close_round,
    "settings": lambda project: project.change(lambda about: about.model_copy(update={"topic": "topic"})),
    "learn": learn_anew,
}


@pytest.mark.parametrize("name", [*ACTS, "add some rows"])
def test_what_cannot_be_kept_is_told_and_changes_nothing(open_project: LabelProject, name: str) -> None:
    if name == "learn":
        open_project.answer("q1", "wrong", "zoe")
    before = files_in(open_project.folder)
    most = len(before["annotations.jsonl"]) + 300 if name == "add some rows" else 10
    name = name.replace(" some", "")
    with full(most), pytest.raises(RunError, match=r"not kept|cannot be") as told:
        ACTS[name](open_project)

    assert "make room" in told.value.fix
    assert files_in(open_project.folder) == before
    ACTS[name](open_project)
    assert not list(open_project.folder.rglob("*.part"))


def test_a_project_that_does_not_fit_is_not_made(tmp_path: Path) -> None:
    projects = LabelProjects(tmp_path / "labels")
    for most in (10, 2000):
        with full(most), pytest.raises(RunError, match=r"was not made|were not kept|not kept") as told:
            projects.create("answers", Question(), crowd())
        assert "make room" in told.value.fix
        assert list(projects.folder.iterdir()) == []
    assert projects.create("answers", Question(), crowd()).said.count == 300


@pytest.mark.parametrize(("what", "form"), [("labels", "jsonl"), ("annotations", "parquet"), ("onboarding", "md")])
def test_an_export_that_does_not_fit_leaves_the_old_file_as_it_was(
    project: LabelProject, tmp_path: Path, what: str, form: str
) -> None:
    path = tmp_path / f"out.{form}"
    path.write_text("what was exported before")
    ended = export(project, path, what, most=100)

    assert ended.returncode == 1
    assert "make room" in ended.stderr
    assert "Traceback" not in ended.stderr
    assert path.read_text() == "what was exported before"
    assert [one.name for one in tmp_path.iterdir() if one.name != "labels"] == [path.name]
    assert export(project, path, what).returncode == 0
    assert path.read_bytes() != b"what was exported before"


def test_an_export_follows_a_link_and_may_go_to_a_device(project: LabelProject, tmp_path: Path) -> None:
    real, link = tmp_path / "real.jsonl", tmp_path / "link.jsonl"
    real.write_text("old")
    link.symlink_to(real)
    for path in (link, tmp_path / "pipe.jsonl"):
        if path.name == "pipe.jsonl":
            path.symlink_to("/dev/null")
        assert export(project, path).returncode == 0
    assert link.is_symlink()
    assert real.read_text().count("\n") == 60
    assert Path("/dev/null").is_char_device()


def test_a_small_disk_that_fills_up_keeps_what_was_told_as_kept(tmp_path: Path) -> None:
    disk = tmp_path / "small"
    disk.mkdir()
    if subprocess.run(["mount", "-t", "tmpfs", "-o", "size=200k", "tmpfs", str(disk)], capture_output=True).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        project = LabelProjects(disk).create("answers", Question(), crowd())
        kept: list[int] = []

        def answer_all() -> None:
            for at in range(10_000):
                project.answer(f"q{at % 60}", "wrong", f"zoe-{at}", comment="x" * 500)
                kept.append(at)

        with pytest.raises(RunError, match="No space left") as told:
            answer_all()
        assert "make room" in told.value.fix
        with pytest.raises(RunError):
            learn_anew(project)
        again = LabelProject(project.folder)
        again.refresh()
        assert (again.said.count, again.unread) == (300 + len(kept), "")
        assert not list(disk.rglob("*.part"))
    finally:
        subprocess.run(["umount", str(disk)], check=True)


@pytest.mark.skipif(os.geteuid() != 0, reason="needs another user to be")
def test_a_folder_that_may_not_be_written_is_told(project: LabelProject) -> None:
    code = (
        "import os, sys; from pathlib import Path; from flows.labelling import LabelProject; os.setuid(65534)\n"
        "from steps.errors import RunError\n"
        "project = LabelProject(Path(sys.argv[1]))\n"
        "try: project.answer('q1', 'wrong', 'zoe')\n"
        "except RunError as error: print(error.message, '|', error.fix)\n"
    )
    for path in (project.folder, *project.folder.parents):
        if path == Path("/tmp"):
            break
        path.chmod(0o755)
    ended = subprocess.run([sys.executable, "-c", code, str(project.folder)], cwd=ROOT, capture_output=True, text=True)
    if "Permission denied" not in ended.stdout and "ImportError" in ended.stderr:
        pytest.skip("the other user may not read the code")
    assert "the right to write" in ended.stdout, ended.stderr
