"""From instructions to labels in two rounds, pushed in two versions: the pipeline of examples/labels.yaml as it stands."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.parquet as pq
import pytest

from flows.labelling import LabelProjects
from flows.labelling.importing import rows_of_run
from flows.runs import RunFolder
from steps.chances import chances
from steps.labels.questions import Question
from tests.fakes.hub import FakeHub
from tests.fakes.serving import running

ROOT = Path(__file__).parents[2]
REVIEWED = 20


class Story:
    """A run of the example that pushed to a Hub."""

    def __init__(self, hub: FakeHub, folder: Path) -> None:
        self.owner = next(iter(hub.tokens.values()))
        self.repo_id = f"{self.owner}/helpfulness"
        pushes = [f"{step}.{name}={value}" for step in ("push_first", "push") for name, value in self._push().items()]
        with running(hub) as url:
            self.done = subprocess.run(
                [
                    *(sys.executable, "-m", "flows.cli", "run", "examples/labels.yaml", "--no-prefect"),
                    *("--runs-dir", str(folder)),
                    *(part for param in pushes for part in ("--param", param)),
                ],
                cwd=ROOT,
                env=os.environ | hub.client_env(url) | {"HF_HOME": str(folder / "home")},
                capture_output=True,
                text=True,
                timeout=180,
            )
        self.repo = hub.repo("dataset", self.repo_id)
        [self.result] = folder.glob("labels-*/distiset")

    def _push(self) -> dict[str, str]:
        return {"repo_id": self.repo_id, "push": "true"}

    def rows(self, leaf: str) -> list[dict[str, Any]]:
        return [row for path in self.result.glob(f"{leaf}/*.parquet") for row in pq.read_table(path).to_pylist()]


@pytest.fixture(scope="module")
def story(tmp_path_factory: pytest.TempPathFactory) -> Story:
    story = Story(FakeHub(), tmp_path_factory.mktemp("runs"))
    assert story.done.returncode == 0, story.done.stderr
    return story


def test_every_answer_has_a_label_and_who_said_what(story: Story) -> None:
    said = {row["annotation_id"]: row for row in story.rows("said")}
    labels = story.rows("labels")

    assert len(labels) == 66
    assert len(said) == sum(len(row["annotation_ids"]) for row in labels)
    for row in labels:
        about = [said[one] for one in row["annotation_ids"]]
        assert {one["item"] for one in about} == {row["item"]}
        assert len(about) >= 3
        assert sum(row["distribution"].values()) == pytest.approx(1, abs=1e-4)


def test_labels_are_about_as_sure_as_they_are_right(story: Story) -> None:
    """Of made-up answers it is known which one the item made likely."""
    labels = story.rows("labels")
    asked: dict[str, Any] = {
        "title": "Does the answer help the person who asked?",
        "labels": ["helps", "partly", "does not help"],
    }
    right = 0
    for row in labels:
        about = chances(0, {"item": row["item"], **asked})
        about.random()  # how plain the case is
        right += about.choice(asked["labels"]) == row["label"]

    assert right / len(labels) > 0.8
    assert sum(row["probability"] for row in labels) / len(labels) == pytest.approx(right / len(labels), abs=0.05)


def test_a_second_round_asks_others_about_what_was_least_certain(story: Story) -> None:
    second = [row for row in story.rows("said") if row["round"] == 2]

    assert {row["annotator"] for row in second} == {"reviewer-01", "reviewer-02"}
    assert len(second) == 2 * REVIEWED == 2 * len({row["item"] for row in second})


def test_both_versions_are_on_the_hub_by_their_strategies(story: Story) -> None:
    tags = sorted(ref.removeprefix("refs/tags/") for ref in story.repo.refs if ref.startswith("refs/tags/"))

    assert [tag.rpartition("-")[0].rpartition("-")[2] for tag in tags] == ["v1", "v2"]
    assert story.repo.refs[f"refs/tags/{tags[1]}"] == story.repo.refs["refs/heads/main"]
    assert {row["strategy"]["version"] for row in story.rows("labels")} == {2}


def test_the_strategies_lie_beside_the_rows(story: Story) -> None:
    kept = [story.result / "artifacts" / step / "strategy" / "strategy.json" for step in ("settle_first", "settle")]

    found = [json.loads(path.read_text()) for path in kept]
    assert [one["version"] for one in found] == [1, 2]
    assert [one["fitted"]["rounds"] for one in found] == [[1], [1, 2]]
    assert {"reviewer-01", "reviewer-02"} == set(found[1]["voices"]) - set(found[0]["voices"])


def test_annotators_are_reported_on(story: Story) -> None:
    reports = {row["annotator"]: row for row in story.rows("annotators")}

    assert set(reports) == {
        *("annotator-01", "annotator-02", "llm: plain", "llm: strict"),
        *("template: length", "reviewer-01", "reviewer-02"),
    }
    assert all(row["reliability_low"] <= row["reliability"] <= row["reliability_high"] for row in reports.values())


def test_a_label_project_of_the_run_shows_what_the_annotators_judged(story: Story, tmp_path: Path) -> None:
    project = LabelProjects(tmp_path).create("story", Question(), rows_of_run(RunFolder(story.result.parent)))

    assert len(list(project.said.annotations())) == len(story.rows("said"))
    told = {row["item"]: (row["instruction"], row["generation"]) for row in story.rows("labels")}
    assert {name: (item["instruction"], item["generation"]) for name, item in project.items.items()} == told
