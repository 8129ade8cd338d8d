from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from app.context import AppContext
from app.handlers import hand_edits, push_checks, pushing
from flows.card import read_front_matter
from flows.distiset.publishing import prepared
from flows.runs import RunFolder
from steps.errors import DistilflowError, RunError
from tests.app.made import PART, result_of
from tests.fakes.hub import FakeHub
from tests.fakes.serving import running

ROOT = Path(__file__).resolve().parents[2]
PROGRAM = """
import json, sys
from pathlib import Path
from app.handlers.pushing import Wish, push_in_steps
from flows.runs import RunFolder
for step in push_in_steps(RunFolder(Path(sys.argv[1])), Wish(**json.loads(sys.argv[2]))):
    print(json.dumps(step))
"""


def push(hub: FakeHub, run: RunFolder, **wish: Any) -> list[dict[str, Any]]:
    """What a push tells, from a process of its own: the client reads its settings at its start."""
    with running(hub) as url:
        done = subprocess.run(
            [sys.executable, "-c", PROGRAM, str(run.path), json.dumps(wish)],
            cwd=ROOT,
            env={**os.environ, **hub.client_env(url)},
            capture_output=True,
            text=True,
            check=True,
        )
    return [json.loads(line) for line in done.stdout.splitlines()]


def owner_of(hub: FakeHub) -> str:
    return next(iter(hub.tokens.values()))


def test_a_version_is_tagged_by_the_strategies_that_settled_its_labels(ctx: AppContext) -> None:
    hub, run = FakeHub(), ctx.store.get("sample-1")
    repo_id = f"{owner_of(hub)}/settled"
    about = run.distiset / "artifacts" / "settle" / "strategy" / "metadata.json"
    about.parent.mkdir(parents=True)
    tags: list[set[str]] = []
    for tag in ("learned-v1-1f0c9a2b", "learned-v1-1f0c9a2b", "learned-v2-77aa00bb", "no tag/../at all"):
        about.write_text(json.dumps({"tag": tag, "items": len(tags)}))

        [*_, last] = push(hub, run, repo_id=repo_id)

        assert "url" in last
        refs = hub.repo("dataset", repo_id).refs
        tags.append({ref.removeprefix("refs/tags/") for ref in refs if ref.startswith("refs/tags/")})

    repo = hub.repo("dataset", repo_id)
    first, second = "learned-v1-1f0c9a2b", "learned-v2-77aa00bb"
    assert tags == [{first}, {first}, {first, second}, {first, second}]
    place = "artifacts/settle/strategy/metadata.json"
    assert [json.loads(repo.read(place, tag))["items"] for tag in (first, second)] == [0, 2]


def test_a_result_is_pushed_with_its_changes_licence_and_tag_and_tells_how_far_it_is(ctx: AppContext) -> None:
    hub, run = FakeHub(), ctx.store.get("sample-1")
    repo_id = f"{owner_of(hub)}/sample"
    hand_edits.drop_row(run, PART, 0)
    beside = run.distiset / "artifacts" / "answer" / "plot" / "plot.txt"
    beside.parent.mkdir(parents=True)
    beside.write_text("drawn")

    steps = push(hub, run, repo_id=repo_id, licence="apache-2.0", tag="run-1")

    repo = hub.repo("dataset", repo_id)
    head, body = read_front_matter(repo.read("README.md").decode())
    assert "url" in steps[-1]
    sent = [step for step in steps[:-1] if step["total"]]
    assert [step["done"] for step in sent] == sorted(step["done"] for step in sent)
    assert (sent[0]["done"], sent[-1]["done"]) == (0, sent[-1]["total"])
    assert repo.is_private
    assert repo.paths("run-1") == repo.paths()
    assert {"changes.jsonl", "pipeline.yaml", "README.md", "default/train-00000-of-00001.parquet"} <= set(repo.paths())
    assert repo.read("artifacts/answer/plot/plot.txt") == b"drawn"
    assert "report.json" not in repo.paths()
    assert (head["license"], "Changed by hand" in body, f'load_dataset("{repo_id}"' in body) == ("apache-2.0", True, True)


def test_a_version_that_there_is_already_is_not_written_over(ctx: AppContext) -> None:
    hub, run = FakeHub(), ctx.store.get("sample-1")
    repo_id = f"{owner_of(hub)}/sample"
    push(hub, run, repo_id=repo_id, tag="v1")
    before = len(hub.repo("dataset", repo_id).commits)

    [told] = push(hub, run, repo_id=repo_id, tag="v1")

    assert "version 'v1' already" in told["what"]
    assert len(hub.repo("dataset", repo_id).commits) == before


def test_a_refused_push_is_told_in_words(ctx: AppContext) -> None:
    [told] = push(FakeHub(), ctx.store.get("sample-1"), repo_id="somebody-else/sample")[-1:]

    assert "may not write" in told["what"]
    assert told["fix"]


def test_without_a_token_nothing_is_sent(ctx: AppContext, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("HF_TOKEN", raising=False)

    with pytest.raises(RunError, match="no token"):
        pushing.push_result(ctx.store.get("sample-1"), pushing.Wish("me/x", token=" "))


@pytest.mark.parametrize(
    "wish",
    [
        *(pushing.Wish(name, token="t") for name in ("", "a/b/c", "sp ace/x", "../x")),
        pushing.Wish("me/x", token="t", tag="sp ace"),
        pushing.Wish("me/x", token="t", tag="../x"),
        pushing.Wish("me/x", token="t", licence="mine"),
    ],
    ids=str,
)
def test_names_tags_and_licences_that_are_none_are_refused(ctx: AppContext, wish: pushing.Wish) -> None:
    with pytest.raises(DistilflowError):
        pushing.push_result(ctx.store.get("sample-1"), wish)


def test_an_error_never_shows_a_token(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_TOKEN", "hf_env")

    said = pushing.words_of(ValueError("hf_typed and hf_env were refused"), "hf_typed")

    assert said["what"] == "ValueError: ••• and ••• were refused"


# ---- checks


def test_the_checks_tell_what_stays_behind_and_what_will_be_written(ctx: AppContext) -> None:
    run = ctx.store.get("sample-1")
    found = push_checks.checks(run)

    assert (found["rows"], found["quarantined"], found["is_rehearsal"], found["secrets"]) == (2, 1, False, [])
    files = {one["name"]: one["size"] for one in found["files"]}
    assert files["pipeline.yaml"] == (run.distiset / "pipeline.yaml").stat().st_size
    assert "report.json" not in files


@pytest.mark.parametrize(
    "text",
    [
        "my key is sk-proj-abcdefghijklmnopqrstuvwxyz",
        "hf_" + "aB3" * 11,
        "AKIA" + "ABCDEFGH12345678",
        "ghp_" + "a1" * 18,
        "-----BEGIN RSA" + " PRIVATE KEY-----",
        "the-value-of-a-variable-here",
    ],
)
@pytest.mark.parametrize("place", ["rows", "chat", "card"])
def test_what_looks_like_a_key_is_found_wherever_it_stands_and_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, text: str, place: str
) -> None:
    monkeypatch.setenv("MADE_UP_API_KEY", "the-value-of-a-variable-here")
    rows = ["plain"] * 3
    chats = [[{"role": "user", "content": "plain"}] for _ in range(3)]
    if place == "rows":
        rows[1] = text
    if place == "chat":
        chats[1][0]["content"] = text
    run = result_of(tmp_path, pa.table({"text": rows, "chat": chats}))
    (run.distiset / "README.md").write_text(text if place == "card" else "plain")

    [found] = push_checks.checks(run)["secrets"]

    expected = {"rows": ("text", 1), "chat": ("chat", 1), "card": (None, None)}[place]
    assert (found.get("column"), found.get("row")) == expected
    assert text not in json.dumps(found)


def test_a_key_that_was_edited_away_is_in_nothing_that_is_published(tmp_path: Path) -> None:
    run = result_of(tmp_path, pa.table({"text": ["AKIAABCDEFGH12345678", "plain", "AKIAABCDEFGH12345678"]}))
    assert [place["row"] for place in push_checks.checks(run)["secrets"]] == [0, 2]

    hand_edits.drop_row(run, PART, 0)
    hand_edits.save_row(run, PART, 2, hand_edits.form_of(run, PART, 2)["seen"], {"text": "a key stood here"})

    assert push_checks.checks(run)["secrets"] == []
    with prepared(run) as folder:
        assert not any(b"AKIAABCDEFGH12345678" in path.read_bytes() for path in folder.rglob("*") if path.is_file())
