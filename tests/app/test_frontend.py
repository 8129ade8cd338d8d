"""The script and styles that are committed are what their source makes."""

from __future__ import annotations

import json
import shutil
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FRONTEND = ROOT / "app" / "frontend"
STATIC = ROOT / "app" / "static"
BUILT = ("first.js", "page.css", "page.js")

UNREACHABLE = ("ENOTFOUND", "ETIMEDOUT", "ECONNREFUSED", "ECONNRESET", "EAI_AGAIN")


@pytest.mark.skipif(shutil.which("npm") is None, reason="npm builds it")
def test_the_page_is_built_from_its_source_and_types_fit(tmp_path: Path) -> None:
    shutil.copytree(FRONTEND, tmp_path / "frontend", ignore=shutil.ignore_patterns("node_modules"))

    def run(*command: str) -> None:
        ended = subprocess.run(command, cwd=tmp_path / "frontend", capture_output=True, text=True, timeout=300)
        assert ended.returncode == 0, ended.stdout + ended.stderr

    got = subprocess.run(["npm", "ci"], cwd=tmp_path / "frontend", capture_output=True, text=True, timeout=300)
    if any(code in got.stderr for code in UNREACHABLE):
        pytest.skip("npm's registry cannot be reached from here")
    assert got.returncode == 0, got.stderr
    run("npm", "run", "check")
    run("node", "build.mjs", str(tmp_path / "built"))

    for name in BUILT:
        built = (tmp_path / "built" / name).read_bytes()
        assert built == (STATIC / name).read_bytes(), f"build {name} again: cd app/frontend && npm run build"


def test_the_lock_file_names_no_address() -> None:
    lock = (FRONTEND / "package-lock.json").read_text()

    assert "://" not in lock.replace("https://github.com/sponsors", "").replace("https://opencollective.com", "")
    assert all("integrity" in entry for name, entry in json.loads(lock)["packages"].items() if name)
