from __future__ import annotations

from pathlib import Path

import pytest

from steps.errors import RunError
from steps.sources.load_data_from_hub import LoadDataFromHub


@pytest.fixture(autouse=True)
def toys(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A data set that goes by the name acme/toys; `datasets` prefers a local folder to the Hub."""
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("datasets.config.HF_DATASETS_CACHE", tmp_path / "cache")
    monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
    monkeypatch.setattr("datasets.config.HF_HUB_OFFLINE", True)
    (tmp_path / "acme" / "toys").mkdir(parents=True)
    (tmp_path / "acme" / "toys" / "train.jsonl").write_text('{"toy": "ball"}\n{"toy": "kite"}\n')


@pytest.mark.parametrize("streaming", [True, False])
def test_rows_are_read(streaming: bool) -> None:
    load = LoadDataFromHub(repo_id="acme/toys", streaming=streaming)

    assert list(load.generate()) == [{"toy": "ball"}, {"toy": "kite"}]


def test_reading_ends_after_the_rows_that_were_asked_for() -> None:
    assert list(LoadDataFromHub(repo_id="acme/toys", streaming=True, num_examples=1).generate()) == [{"toy": "ball"}]


@pytest.mark.parametrize(("repo_id", "split"), [("acme/toys", "tset"), ("acme/nothing", "train")])
def test_a_data_set_that_cannot_be_read_is_named(repo_id: str, split: str) -> None:
    with pytest.raises(RunError, match=f"'{repo_id}' cannot be read from the Hub"):
        list(LoadDataFromHub(repo_id=repo_id, split=split, streaming=True).generate())


@pytest.mark.parametrize(
    ("repo_id", "problems"), [("acme/toys", 0), ("squad", 0), (None, 1), ("../secrets", 1), ("/etc", 1), ("a/b/c", 1)]
)
def test_only_names_of_the_hub_pass_the_check(repo_id: str | None, problems: int) -> None:
    assert len(list(LoadDataFromHub(repo_id=repo_id).check())) == problems


def test_columns_are_not_known_before_the_run() -> None:
    assert LoadDataFromHub(repo_id="acme/toys").columns() is None
