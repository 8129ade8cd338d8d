from __future__ import annotations

from pathlib import Path

import datasets
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.errors import RunError
from steps.sources.load_data_from_disk import LoadDataFromDisk

ROWS = [{"toy": "ball"}, {"toy": "kite"}]


def save_parquet(folder: Path, rows: list[dict[str, str]] = ROWS) -> None:
    folder.mkdir(parents=True)
    half = len(rows) // 2
    pq.write_table(pa.Table.from_pylist(rows[:half]), folder / "0000.parquet")
    pq.write_table(pa.Table.from_pylist(rows[half:]), folder / "0001.parquet")


@pytest.fixture
def distiset(tmp_path: Path) -> str:
    """The result of a pipeline with two leaves, one of them with two splits."""
    save_parquet(tmp_path / "toys" / "train")
    save_parquet(tmp_path / "pairs" / "train")
    save_parquet(tmp_path / "pairs" / "test", [{"toy": "doll"}, {"toy": "drum"}])
    (tmp_path / "pipeline.yaml").write_text("distilflow: 1\n")
    return str(tmp_path)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Folders as `datasets` saves them: one split, several splits, and a Distiset of distilabel."""
    table = datasets.Dataset.from_list(ROWS)
    table.save_to_disk(tmp_path / "one")
    datasets.DatasetDict({"train": table, "test": table.select([0])}).save_to_disk(tmp_path / "several")
    datasets.DatasetDict({"train": table}).save_to_disk(tmp_path / "distiset" / "default")
    (tmp_path / "distiset" / "distiset_configs").mkdir()
    return tmp_path


@pytest.mark.parametrize(
    ("config", "split", "toys"),
    [
        ("toys", None, ["ball", "kite"]),
        ("pairs", "train", ["ball", "kite"]),
        ("pairs", "test", ["doll", "drum"]),
    ],
)
def test_a_leaf_of_a_distiset_is_read(distiset: str, config: str, split: str | None, toys: list[str]) -> None:
    load = LoadDataFromDisk(dataset_path=distiset, is_distiset=True, config=config, split=split)

    assert [row["toy"] for row in load.generate()] == toys
    assert load.columns() == ["toy"]


@pytest.mark.parametrize(
    ("folder", "fields", "count"),
    [
        ("one", {}, 2),
        ("several", {"split": "test"}, 1),
        ("distiset", {"is_distiset": True}, 2),
        ("one", {"num_examples": 1}, 1),
    ],
)
def test_what_datasets_saved_is_read(saved: Path, folder: str, fields: dict[str, object], count: int) -> None:
    load = LoadDataFromDisk.model_validate({"dataset_path": str(saved / folder), **fields})

    assert list(load.generate()) == ROWS[:count]
    assert load.columns() == ["toy"]


@pytest.mark.parametrize(
    ("fields", "what"),
    [
        ({"dataset_path": None}, "no folder is named"),
        ({"dataset_path": "nowhere"}, "there is no folder 'nowhere'"),
        ({"config": "toy"}, r"no config 'toy' in .*; there are \['pairs', 'toys'\]"),
        ({"config": None}, r"more than one config in .*; there are \['pairs', 'toys'\]"),
        ({"config": "pairs"}, r"more than one split in .*; there are \['test', 'train'\]"),
        ({"config": "pairs", "split": "tset"}, r"no split 'tset' in .*; there are \['test', 'train'\]"),
    ],
)
def test_a_choice_that_is_not_there_is_known_before_the_run(distiset: str, fields: dict[str, object], what: str) -> None:
    load = LoadDataFromDisk.model_validate({"dataset_path": distiset, "is_distiset": True, **fields})

    assert len(list(load.check())) == 1
    assert load.columns() is None
    with pytest.raises(RunError, match=what):
        list(load.generate())


def test_a_folder_that_holds_something_else_is_refused(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("hello")

    with pytest.raises(RunError, match="holds no data set"):
        list(LoadDataFromDisk(dataset_path=str(tmp_path)).generate())


def test_a_damaged_data_set_is_named(saved: Path) -> None:
    next((saved / "one").glob("*.arrow")).write_bytes(b"?")

    with pytest.raises(RunError, match="cannot be read as a data set"):
        list(LoadDataFromDisk(dataset_path=str(saved / "one")).generate())
