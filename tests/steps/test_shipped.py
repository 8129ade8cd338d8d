"""The examples are found from any folder; what lies there comes first."""

from __future__ import annotations

from pathlib import Path

import pytest

from steps.errors import RunError
from steps.llms import ReplayLLM
from steps.shipped import EXAMPLES, here_or_shipped
from steps.sources.files import find_files

ROWS = "examples/data/instructions.jsonl"


@pytest.fixture(autouse=True)
def elsewhere(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    return tmp_path


def test_an_example_is_found_from_elsewhere() -> None:
    assert find_files([ROWS]) == [EXAMPLES / "data" / "instructions.jsonl"]
    assert len(find_files(["examples/data/*.jsonl"])) == 5
    assert not ReplayLLM(path="examples/data/recordings.jsonl", reply="answer_1").problems()


def test_what_lies_in_the_folder_comes_first(elsewhere: Path) -> None:
    own = elsewhere / ROWS
    own.parent.mkdir(parents=True)
    own.write_text("{}\n")

    assert find_files([ROWS]) == [Path(ROWS)]


@pytest.mark.parametrize("path", ["examples/none.yaml", "data/instructions.jsonl", "examples/../pyproject.toml", "examples"])
def test_other_paths_stay_as_they_are(path: str) -> None:
    assert here_or_shipped(path) == Path(path)


def test_an_example_that_is_not_there_is_told_by_the_name_it_was_given() -> None:
    with pytest.raises(RunError, match=r"no file matches 'examples/data/none\.jsonl'"):
        find_files(["examples/data/none.jsonl"])
