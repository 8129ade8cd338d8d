"""What a step leaves beside its rows: whole or not at all, and the last of several counts."""

from __future__ import annotations

import json
import logging
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from steps.artifacts import artifacts_in, write_artifact
from steps.columns import KeepColumns
from steps.errors import RunError


def write(text: str) -> Any:
    return lambda folder: (folder / "text").write_text(text)


def texts(folder: Path) -> dict[str, str]:
    return {name: (path / "text").read_text() for name, path in artifacts_in(folder).items()}


def test_an_artifact_lies_there_with_its_metadata(tmp_path: Path) -> None:
    step = KeepColumns(columns=["a"], name="keep")
    step.keep_artifacts_in(tmp_path / "of" / "keep")

    step.save_artifact("Text Clusters", write("a"), {"type": "text", "rows": np.int64(3), "path": Path("x")})

    [(name, path)] = artifacts_in(tmp_path / "of" / "keep").items()
    assert (name, (path / "text").read_text()) == ("Text Clusters", "a")
    assert json.loads((path / "metadata.json").read_text()) == {"type": "text", "rows": 3, "path": "x"}


def test_without_metadata_there_is_an_empty_mapping(tmp_path: Path) -> None:
    write_artifact(tmp_path, "plot", write("a"))

    assert json.loads((artifacts_in(tmp_path)["plot"] / "metadata.json").read_text()) == {}


def test_outside_a_run_nothing_is_written_and_that_is_told_once(caplog: pytest.LogCaptureFixture) -> None:
    step = KeepColumns(columns=["a"])

    with caplog.at_level(logging.WARNING):
        for _ in range(3):
            step.save_artifact("plot", lambda folder: pytest.fail("nobody is to write"))

    assert caplog.messages == ["step 'KeepColumns' works outside a run: its artifact 'plot' is not kept"]


def test_written_again_it_replaces_the_earlier_one(tmp_path: Path) -> None:
    for text in ("first", "second"):
        write_artifact(tmp_path, "plot", write(text))

    assert texts(tmp_path) == {"plot": "second"}
    assert len(list((tmp_path / "plot").iterdir())) == 1


def test_what_fails_leaves_the_earlier_one(tmp_path: Path) -> None:
    write_artifact(tmp_path, "plot", write("first"))

    def half(folder: Path) -> None:
        (folder / "text").write_text("sec")
        raise ValueError("no more")

    with pytest.raises(ValueError, match="no more"):
        write_artifact(tmp_path, "plot", half)

    assert texts(tmp_path) == {"plot": "first"}
    assert len(list((tmp_path / "plot").iterdir())) == 1


@pytest.mark.parametrize("earlier", [True, False], ids=["one-before", "none-before"])
def test_a_process_that_is_killed_meanwhile_leaves_no_half_one(tmp_path: Path, earlier: bool) -> None:
    if earlier:
        write_artifact(tmp_path, "plot", write("first"))
    script = (
        "import os, signal, sys, pathlib\n"
        "from steps.artifacts import write_artifact\n"
        "def half(folder):\n"
        "    (folder / 'text').write_text('sec')\n"
        "    os.kill(os.getpid(), signal.SIGKILL)\n"
        "write_artifact(pathlib.Path(sys.argv[1]), 'plot', half)\n"
    )

    ended = subprocess.run([sys.executable, "-c", script, str(tmp_path)], env={**os.environ, "PYTHONPATH": str(Path.cwd())})

    assert ended.returncode == -signal.SIGKILL
    assert texts(tmp_path) == ({"plot": "first"} if earlier else {})


def test_many_who_write_at_once_leave_a_whole_one(tmp_path: Path) -> None:
    def write_both(text: str) -> None:
        def both(folder: Path) -> None:
            (folder / "text").write_text(text)
            (folder / "again").write_text(text)

        for _ in range(20):
            write_artifact(tmp_path, "plot", both)

    threads = [threading.Thread(target=write_both, args=(str(number),)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    plot = artifacts_in(tmp_path)["plot"]
    assert (plot / "text").read_text() == (plot / "again").read_text()
    assert (plot / "metadata.json").exists()


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "../up", "a/b", "a\\b", "/root", ".hidden", "end.", " a", "a\n", "x" * 101, "ü" * 60, "a:b", "\ud83d"],
)
def test_a_name_that_is_none_of_a_folder_is_refused(tmp_path: Path, name: str) -> None:
    step = KeepColumns(columns=["a"])

    for folder in (None, tmp_path):
        step.keep_artifacts_in(folder)
        with pytest.raises(RunError, match="cannot be the name of an artifact"):
            step.save_artifact(name, write("a"))
    assert list(tmp_path.iterdir()) == []


def test_what_cannot_be_kept_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(RunError, match="gets a folder, and opened it as a file"):
        write_artifact(tmp_path, "plot", lambda folder: folder.write_text("a"))
    with pytest.raises(RunError, match="holds a link, link"):
        write_artifact(tmp_path, "plot", lambda folder: (folder / "link").symlink_to("/etc"))
    with pytest.raises(RunError, match="holds pipe, which is neither a file nor a folder"):
        write_artifact(tmp_path, "plot", lambda folder: os.mkfifo(folder / "pipe"))
    with pytest.raises(RunError, match=r"holds a file metadata\.json"):
        write_artifact(tmp_path, "plot", lambda folder: (folder / "metadata.json").write_text("{}"))
    with pytest.raises(RunError, match="metadata of artifact 'plot' cannot be written"):
        write_artifact(tmp_path, "plot", write("a"), {"half": "\ud83d"})
    with pytest.raises(RunError, match="metadata of artifact 'plot' cannot be written"):
        write_artifact(tmp_path, "plot", write("a"), ["no mapping"])  # type: ignore[arg-type]
    with pytest.raises(RunError, match=r"metadata of artifact 'plot' has 2,000,\d+ bytes"):
        write_artifact(tmp_path, "plot", write("a"), {"long": "x" * 2_000_000})
    assert artifacts_in(tmp_path) == {}


def test_a_file_beside_the_folder_takes_the_place_of_no_artifact(tmp_path: Path) -> None:
    write_artifact(tmp_path, "plot", lambda folder: (folder.parent / "plot.png").write_text("beside"))

    assert artifacts_in(tmp_path)["plot"].is_dir()
