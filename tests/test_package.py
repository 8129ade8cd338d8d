"""What is installed: the wheel brings the examples along, and they run from any folder."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PARTS = ("app", "flows", "steps", "examples", "pyproject.toml", "setup.py", "README.md", "LICENSE")
BUILD = "from setuptools.build_meta import build_wheel; build_wheel('dist')"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that the wheel is unpacked into."""
    source = tmp_path_factory.mktemp("source")
    for part in PARTS:
        if (ROOT / part).is_dir():
            shutil.copytree(ROOT / part, source / part, ignore=shutil.ignore_patterns("frontend", "__pycache__"))
        else:
            shutil.copy(ROOT / part, source)
    built = subprocess.run([sys.executable, "-c", BUILD], cwd=source, capture_output=True, text=True, check=False)
    assert built.returncode == 0, built.stderr
    [wheel] = (source / "dist").glob("*.whl")
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as files:
        files.extractall(folder)
    return folder


def test_the_wheel_holds_every_example_and_nothing_at_the_top_that_others_may_have(installed: Path) -> None:
    def files(folder: Path) -> set[str]:
        return {
            str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts
        }

    assert files(installed / "steps" / "examples") == files(ROOT / "examples")
    assert {path.name for path in installed.iterdir() if path.suffix != ".dist-info"} == {"app", "flows", "steps"}
    assert (installed / "app" / "static" / "page.js").is_file()


def test_the_quickstart_runs_and_the_gallery_shows_it_from_an_empty_folder(installed: Path, tmp_path: Path) -> None:
    env = {**os.environ, "PYTHONPATH": str(installed)}

    def python(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run([sys.executable, *arguments], cwd=tmp_path, env=env, capture_output=True, text=True, check=False)

    ran = python("-m", "flows.cli", "run", "examples/quickstart.yaml", "--max-rows", "2", "--no-prefect")
    shown = python(
        "-c",
        "import steps; from app.handlers.gallery import *; from steps.shipped import *; "
        "print(steps.__file__); print(*(one['file'] for one in examples(EXAMPLES) if one['is_ready']))",
    )

    assert ran.returncode == 0, ran.stderr
    where, ready = shown.stdout.splitlines()
    assert where.startswith(str(installed))
    assert ready.split()[0] == "quickstart.yaml"
