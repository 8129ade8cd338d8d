"""A Distiset with several splits: one of them is read, by name."""

from __future__ import annotations

from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from steps.sources.files import NoFile
from steps.sources.load_data_from_disk import LoadDataFromDisk


@pytest.fixture
def distiset(tmp_path: Path) -> Path:
    (tmp_path / "default").mkdir()
    for split, number in (("train", 1), ("test", 2)):
        pq.write_table(pa.table({"i": [number]}), tmp_path / "default" / f"{split}-00000-of-00001.parquet")
    return tmp_path


def test_the_named_split_is_read(distiset: Path) -> None:
    step = LoadDataFromDisk(dataset_path=str(distiset), is_distiset=True, split="test")

    assert list(step.generate()) == [{"i": 2}]
    assert step.columns() == ["i"]


def test_several_splits_need_a_name(distiset: Path) -> None:
    step = LoadDataFromDisk(dataset_path=str(distiset), is_distiset=True)

    with pytest.raises(NoFile, match="more than one split"):
        list(step.generate())
    assert "more than one split" in " ".join(step.check())
