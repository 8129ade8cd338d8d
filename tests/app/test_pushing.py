from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from app.context import AppContext
from app.handlers import pushing
from steps.errors import DistilflowError, RunError
from tests.fakes.hub import FakeHub
from tests.fakes.serving import running

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import sys
from pathlib import Path
from app.handlers.pushing import push_result
from flows.runs import RunFolder
print(push_result(RunFolder(Path(sys.argv[1])), "me/sample", is_private=True, token=None))
"""


def test_a_result_is_pushed_with_the_token_of_the_environment(ctx: AppContext) -> None:
    hub = FakeHub()
    owner = next(iter(hub.tokens.values())) if isinstance(hub.tokens, dict) else "me"
    program = PROGRAM.replace("me/sample", f"{owner}/sample")
    with running(hub) as url:
        done = subprocess.run(
            [sys.executable, "-c", program, str(ctx.store.get("sample-1").path)],
            cwd=ROOT,
            env={**os.environ, **hub.client_env(url)},
            capture_output=True,
            text=True,
            check=False,
        )

    assert done.returncode == 0, done.stderr
    assert done.stdout.strip().startswith(url)
    assert b"Say hi" in hub.repo("dataset", f"{owner}/sample").read("pipeline.yaml")


def test_without_a_token_nothing_is_sent(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)

    with pytest.raises(RunError, match="no token"):
        pushing.push_result(ctx.store.get("sample-1"), "me/x", is_private=True, token=" ")


@pytest.mark.parametrize("name", ["", "a/b/c", "sp ace/x", "../x"])
def test_a_name_that_is_none_is_refused(ctx: AppContext, name: str) -> None:
    with pytest.raises(DistilflowError):
        pushing.push_result(ctx.store.get("sample-1"), name, is_private=True, token="t")


def test_an_error_never_shows_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_env")

    said = pushing.words_of(ValueError("hf_typed and hf_env were refused"), "hf_typed")

    assert said["what"] == "ValueError: ••• and ••• were refused"
