"""What the documentation shows works: its Python runs, its pipelines can be planned, its links lead somewhere."""

from __future__ import annotations

import os
import re
import runpy
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from flows.cli.commands import cli
from flows.plan import plan
from flows.runners.inline import run_inline
from flows.spec import read_spec
from steps.providers import PROVIDERS

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", ROOT / "examples" / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
CATALOGUE = sorted((ROOT / "docs" / "catalogue").glob("*.md"))
"""What they show is looked at by test_catalogue_pages."""
FENCE = re.compile(r"^(?P<indent> *)```(?P<info>[^\n`]*)\n(?P<body>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL)
LINK = re.compile(r"\[[^\]]+\]\((?!https?:)(?P<path>[^)#\s]*)(?:#(?P<anchor>[^)\s]+))?\)")


@dataclass(frozen=True)
class Block:
    """A fenced block of a page."""

    page: Path
    line: int
    info: str
    text: str

    @property
    def id(self) -> str:
        return f"{self.page.relative_to(ROOT)}:{self.line}"


def _blocks(language: str) -> list[Block]:
    found = []
    for page in PAGES:
        content = page.read_text(encoding="utf-8")
        for match in FENCE.finditer(content):
            if match["info"].split()[:1] == [language]:
                line = content.count("\n", 0, match.start()) + 1
                text = re.sub(f"^{match['indent']}", "", match["body"], flags=re.MULTILINE)
                found.append(Block(page, line, match["info"], text))
    return found


def _anchors(page: Path) -> set[str]:
    headings = re.findall(r"^#+ (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}


@pytest.mark.parametrize("block", _blocks("python"), ids=lambda block: block.id)
def test_python_runs(block: Block, tmp_path: Path) -> None:
    compile(block.text, block.id, "exec")
    if "no-run" in block.info:
        return
    program = tmp_path / "block.py"  # a file of its own, as a reader would write it
    program.write_text(block.text, encoding="utf-8")
    if "__main__" not in block.text:
        runpy.run_path(str(program))
        return

    done = subprocess.run(  # it runs a pipeline, whose workers import it again
        [sys.executable, program.name],
        cwd=tmp_path,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=120,
    )

    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("block", _blocks("yaml"), ids=lambda block: block.id)
def test_a_pipeline_has_no_problems(block: Block, monkeypatch: pytest.MonkeyPatch) -> None:
    for provider in PROVIDERS:
        monkeypatch.setenv(provider.key_variables[0], "some-key")
    spec, problems = read_spec(block.text)

    assert plan(spec, known=problems).leaves


def test_the_loop_that_is_shown_comes_to_all_its_rows_in_a_rehearsal(tmp_path: Path) -> None:
    [block] = [block for block in _blocks("yaml") if "GenerateUntil" in block.text]

    report = run_inline(plan(read_spec(block.text)[0]), tmp_path, run_id="r").report()

    assert (report.rows, report.shortfalls) == ({"default": 30}, [])


def test_the_readme_shows_one_pipeline_twice() -> None:
    from flows.pipeline import Pipeline

    names: dict[str, object] = {"__name__": "readme"}
    exec(next(block.text for block in _blocks("python") if 'Pipeline("capitals")' in block.text), names)
    pipeline = names["pipeline"]
    written, _ = read_spec(next(block.text for block in _blocks("yaml") if "name: capitals" in block.text))

    assert isinstance(pipeline, Pipeline)
    assert pipeline.spec.to_dict() == written.to_dict()


@pytest.mark.parametrize("page", [*PAGES, *CATALOGUE], ids=lambda page: str(page.relative_to(ROOT)))
def test_links_lead_somewhere(page: Path) -> None:
    broken = []
    for match in LINK.finditer(FENCE.sub("", page.read_text(encoding="utf-8"))):
        target = (page.parent / match["path"]).resolve() if match["path"] else page
        if not target.exists() or (match["anchor"] and match["anchor"] not in _anchors(target)):
            broken.append(match[0])

    assert broken == []


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_commands_exist(page: Path) -> None:
    known = {command.name or getattr(command.callback, "__name__", "") for command in cli.registered_commands}
    known |= {str(group.name) for group in cli.registered_groups}
    targets = set(re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE))
    shell = "\n".join(match["body"] for match in FENCE.finditer(page.read_text(encoding="utf-8")) if match["info"] == "sh")

    assert set(re.findall(r"^(?:\S*/)?distilflow (\w+)", shell, re.MULTILINE)) <= known
    assert set(re.findall(r"^make ([a-z-]+)", shell, re.MULTILINE)) <= targets


def test_the_front_matter_makes_a_docker_space() -> None:
    front = yaml.safe_load((ROOT / "README.md").read_text(encoding="utf-8").split("---\n")[1])

    assert (front["sdk"], front["license"]) == ("docker", "apache-2.0")
    assert f"EXPOSE {front['app_port']}\n" in (ROOT / "Dockerfile").read_text(encoding="utf-8")
    assert len(front["short_description"]) <= 60
