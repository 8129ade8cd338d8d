"""`distilflow` while rows are in a batch at a provider."""

from __future__ import annotations

import signal
import subprocess
from pathlib import Path
from typing import Any

from tests.fakes.providers.batches import KEY, FakeBatches
from tests.fakes.serving import running
from tests.flows.commands import Commands, kill, wait_for


def _steps(url: str, rows: int) -> list[dict[str, Any]]:
    data = [{"instruction": f"question {number}"} for number in range(rows)]
    llm = {"use": "MistralLLM", "model": "mistral-small-latest", "base_url": f"{url}/v1", "api_key": "${BATCH_KEY}"}
    ask = {"llm": llm | {"batch_pause": 0.05}, "batch": True}
    return [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "answer", "use": "TextGeneration", "after": "load", "with": ask},
    ]


def _start(commands: Commands, fake: FakeBatches, url: str, rows: int) -> subprocess.Popen[str]:
    """Run it until it looks at its batch."""
    commands.write(_steps(url, rows))
    process = commands.start("run", "pipeline.yaml", "--run-id", "r", "--no-prefect")
    wait_for(lambda: fake.looks > 1)
    return process


def test_a_stopped_run_says_what_is_at_the_provider_and_resume_collects_it(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    commands = Commands(tmp_path, BATCH_KEY=KEY)
    with running(fake) as url:
        process = _start(commands, fake, url, 40)
        assert "0 of 40 requests of step 'answer' are done" in commands.report()["message"]
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=60)
        said = " ".join((out + err).split())
        assert "40 requests of step 'answer' are at Mistral" in said
        assert "resume collects what comes of them" in commands.report()["message"]
        fake.keeps_going = True
        ended = commands("resume", "r", "--no-prefect")
    assert ended.code == 0, ended.err
    assert len(commands.rows()) == 40
    assert [len(one.lines) for one in fake.made] == [40]
    assert commands.report()["usage"]["requests"] == 40
    assert KEY not in "".join(path.read_text() for path in (tmp_path / "runs" / "r" / "batches").iterdir())


def test_a_killed_run_shows_what_is_at_the_provider_until_resume_has_collected_it(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    commands = Commands(tmp_path, BATCH_KEY=KEY)
    with running(fake) as url:
        process = _start(commands, fake, url, 40)
        assert "since" not in commands("show", "r").out  # it is at work
        kill(process)
        process.communicate(timeout=60)
        shown = " ".join(commands("show", "r").out.split())
        assert f"40 requests of step 'answer' are at Mistral (batch {fake.made[0].id}) since 20" in shown
        assert "Collect what comes of them: distilflow resume r" in shown
        fake.keeps_going = True
        assert commands("resume", "r", "--no-prefect").code == 0
        assert "are at Mistral" not in commands("show", "r").out


def test_a_damaged_note_of_a_batch_is_shown_and_no_trace(tmp_path: Path) -> None:
    fake = FakeBatches("mistral", keeps_going=False)
    commands = Commands(tmp_path, BATCH_KEY=KEY)
    with running(fake) as url:
        process = _start(commands, fake, url, 5)
        kill(process)
        process.communicate(timeout=60)
    [note] = (tmp_path / "runs" / "r" / "batches").glob("*.json")
    note.write_text("{")
    shown = commands("show", "r")
    assert shown.code == 0
    assert "which says what is at a provider, cannot be read" in " ".join(shown.out.split())
