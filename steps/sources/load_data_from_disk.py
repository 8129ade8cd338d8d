"""Rows of a data set or Distiset that was saved in a folder."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from steps.base import GeneratorStep, Row
from steps.components import LOCAL_FILES
from steps.errors import DistilflowError, RunError
from steps.sources.files import NoFile, count_rows, peek_columns, read_rows
from steps.sources.unused import UNUSED

_PART_ROWS = 100
"""Read at a time, which is many times faster than one by one; not more, since rows may hold images."""


class LoadDataFromDisk(GeneratorStep):
    """Reads rows from a saved data set, or from the result of an earlier run.

    The folder is one that `datasets` saved, or a Distiset: a folder per leaf step (its configurations), in each a
    folder per split.

    Example:
        >>> list(LoadDataFromDisk(dataset_path="nowhere").check())
        ["`dataset_path`: there is no folder 'nowhere'"]
    """

    rows_set_by: ClassVar[str] = "num_examples"

    dataset_path: str | None = Field(
        default=None, description="Folder of the data set.", examples=["my-dataset"], json_schema_extra=LOCAL_FILES
    )
    is_distiset: bool = Field(default=False, description="The folder is the result of a pipeline.")
    config: str | None = Field(default="default", description="Which leaf step's rows, if it is a pipeline's result.")
    split: str | None = Field(default=None, description="Empty if there is only one.")
    num_examples: int | None = Field(default=None, ge=1, description="Rows to read; empty for all.")
    keep_in_memory: bool | None = Field(default=None, description="Copy the data set into memory.")
    storage_options: dict[str, Any] | None = Field(
        default=None, description="Not used for local folders.", json_schema_extra=UNUSED
    )
    repo_id: str | None = Field(default=None, description="Not used for folders.", json_schema_extra=UNUSED)
    revision: str | None = Field(default=None, description="Not used for folders.", json_schema_extra=UNUSED)
    streaming: bool = Field(default=False, description="Rows are always read piece by piece.", json_schema_extra=UNUSED)

    def generate(self) -> Iterator[Row]:
        folder = self.folder()
        rows: Iterator[Row]
        if files := _of_split(_parquet_files(folder), self.split):
            rows = (row for path in files for row in read_rows(path, "parquet"))
        else:
            rows = self._saved_rows(folder)
        return islice(rows, self.num_examples)

    def count(self) -> int | None:
        files = _of_split(_parquet_files(self.folder()), self.split)
        return count_rows(files, "parquet", self.num_examples) if files else None

    def columns(self) -> list[str] | None:
        try:
            folder = self.folder()
            if files := _of_split(_parquet_files(folder), self.split):
                return peek_columns(files, "parquet")
            return list(json.loads((folder / "dataset_info.json").read_text("utf-8"))["features"])
        except (DistilflowError, OSError, ValueError, KeyError, TypeError):  # the run will say what is wrong
            return None

    def check(self) -> Iterable[str]:
        try:
            _of_split(_parquet_files(self.folder()), self.split)
        except RunError as error:
            yield f"`dataset_path`: {error.message}"

    def folder(self) -> Path:
        """Folder of the split that is read.

        Raises:
            NoFile: There is none, or it is not clear which.
        """
        if not self.dataset_path:
            raise NoFile("no folder is named", "name the folder that holds the data set")
        path = Path(self.dataset_path).expanduser()
        if not path.is_dir():
            raise NoFile(f"there is no folder {self.dataset_path!r}", "paths start from the folder you run in")
        if self.is_distiset:
            path = _inner(path, self.config, "config")
        is_one_split = bool(_parquet_files(path)) or (path / "dataset_info.json").exists()
        return path if is_one_split else _inner(path, self.split, "split")

    def _saved_rows(self, folder: Path) -> Iterator[Row]:
        import datasets

        try:
            saved = datasets.load_from_disk(str(folder), keep_in_memory=self.keep_in_memory)
            for part in saved.iter(_PART_ROWS):
                yield from (dict(zip(part, cells, strict=True)) for cells in zip(*part.values(), strict=True))
        except Exception as error:
            raise RunError(f"{folder} cannot be read as a data set: {error}", "save it again") from error


def _inner(folder: Path, name: str | None, what: str) -> Path:
    """The sub-folder of this name, or the only one."""
    inside = sorted(path.name for path in folder.iterdir() if _holds_rows(path))
    if name in inside:
        return folder / name
    if name is None and len(inside) == 1:
        return folder / inside[0]
    if not inside:
        raise NoFile(f"{str(folder)!r} holds no data set", "is_distiset says whether it is the result of a pipeline")
    missing = f"no {what} {name!r}" if name else f"more than one {what}"
    raise NoFile(f"there is {missing} in {str(folder)!r}; there are {inside}", f"set `{what}` to one of them")


def _holds_rows(path: Path) -> bool:
    return path.is_dir() and any(next(path.rglob(pattern), None) for pattern in ("*.parquet", "*.arrow"))


def _parquet_files(folder: Path) -> list[Path]:
    return sorted(folder.glob("*.parquet"))


def _of_split(files: list[Path], split: str | None) -> list[Path]:
    """Of files named `<split>-00000-of-00001.parquet` those of one split.

    Raises:
        NoFile: There are several splits, and none or none of these is named.
    """
    by_split: dict[str, list[Path]] = {}
    for path in files:
        named = re.fullmatch(r"(.+)-\d+-of-\d+", path.stem)
        by_split.setdefault(named[1] if named else "", []).append(path)
    if len(by_split) < 2:
        return files
    if split not in by_split:
        missing = f"no split {split!r}" if split else "more than one split"
        raise NoFile(f"there is {missing}; there are {sorted(by_split)}", "set `split` to one of them")
    return by_split[split]
