"""Steps from other packages: the sample plugin is built and installed as a user would."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
USE = "print({step}().process([{{'text': 'hi'}}]))"


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder into which pip has installed the sample plugin."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("installed")
    shutil.copytree(ROOT / "tests" / "plugin_sample", source, dirs_exist_ok=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    offline = ["--no-deps", "--no-index", "--no-build-isolation"]
    subprocess.run([*pip, *offline, "--target", target, source], check=True, capture_output=True)
    return target


@pytest.fixture
def broken(tmp_path: Path) -> Path:
    """A folder with a plugin whose module cannot be imported."""
    metadata = tmp_path / "broken_steps-1.0.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: broken-steps\nVersion: 1.0\n")
    (metadata / "entry_points.txt").write_text("[distilflow.steps]\nwhisper = broken_steps:Whisper\n")
    (tmp_path / "broken_steps.py").write_text("import a_module_that_is_not_there\n")
    return tmp_path


def run_python(script: str, *folders: Path, allow: str = "") -> subprocess.CompletedProcess[str]:
    paths = os.pathsep.join(map(str, [*folders, ROOT]))
    return subprocess.run(
        [sys.executable, "-W", "error", "-c", f"from steps import registry\n{script}"],
        env={**os.environ, "PYTHONPATH": paths, "ALLOW_STEP_MODULES": allow},
        capture_output=True,
        text=True,
        check=False,
    )


def test_an_installed_plugin_is_found_by_its_name(installed: Path) -> None:
    done = run_python(USE.format(step="registry.resolve('shout')"), installed)

    assert done.stdout.strip() == "[{'text': 'HI'}]", done.stderr


def test_listing_imports_no_plugin(installed: Path) -> None:
    done = run_python("registry.names('steps'); import sys; print('acme_steps' in sys.modules)", installed)

    assert done.stdout.strip() == "False", done.stderr


def test_a_step_of_an_allowed_module_goes_by_its_path(installed: Path) -> None:
    done = run_python(USE.format(step="registry.resolve('acme_steps:Shout')"), installed, allow="acme_steps")

    assert done.stdout.strip() == "[{'text': 'HI'}]", done.stderr


def test_a_step_of_any_other_module_is_refused_and_not_imported(installed: Path) -> None:
    script = (
        "import sys\ntry: registry.resolve('acme_steps:Shout')\n"
        "except registry.UnknownComponent as error: print(error.fix, 'acme_steps' in sys.modules)"
    )

    done = run_python(script, installed)

    assert "ALLOW_STEP_MODULES=acme_steps" in done.stdout
    assert done.stdout.strip().endswith("False")


def test_a_broken_plugin_disturbs_nobody_who_does_not_use_it(broken: Path, installed: Path) -> None:
    done = run_python("registry.names('steps'); print(registry.resolve('shout').__name__)", broken, installed)

    assert (done.stdout.strip(), done.stderr) == ("Shout", "")


def test_a_broken_plugin_that_is_used_is_named_in_one_error(broken: Path) -> None:
    script = "try: registry.resolve('whisper')\nexcept registry.UnknownComponent as error: print(error)"

    done = run_python(script, broken)

    assert "'broken-steps'" in done.stdout
    assert "a_module_that_is_not_there" in done.stdout
    assert "repair or uninstall" in done.stdout
