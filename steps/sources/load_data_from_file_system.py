"""Rows of files on this machine."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain, islice
from pathlib import Path
from typing import Any, ClassVar

from pydantic import Field

from steps.base import GeneratorStep, Row
from steps.components import LOCAL_FILES
from steps.errors import Complaint, DistilflowError
from steps.sources.files import FileType, NoFile, count_rows, find_files, peek_columns, read_rows, type_of
from steps.sources.unused import UNUSED


class LoadDataFromFileSystem(GeneratorStep):
    """Reads rows from JSON, CSV or Parquet files.

    Paths start from the folder the pipeline runs in; folders and patterns such as `data/*.jsonl` work. JSON is one
    object per line or one array of objects; the cells of a CSV are text; both may be compressed (`.gz`). Files are read
    piece by piece, however large.

    Example:
        >>> from pathlib import Path
        >>> Path("toys.jsonl").write_text('{"toy": "ball"}')
        15
        >>> list(LoadDataFromFileSystem(data_files="*.jsonl").generate())
        [{'toy': 'ball'}]
    """

    rows_set_by: ClassVar[str] = "num_examples"

    data_files: str | list[str] | dict[str, str | list[str]] | None = Field(
        default=None,
        description="Path, pattern or folder; several as a list, or by split: {train: ..., test: ...}.",
        examples=["rows.jsonl"],
        json_schema_extra=LOCAL_FILES,
    )
    filetype: FileType | None = Field(default=None, description="Empty to go by the files' names.")
    split: str = Field(default="train", description="Which of the splits, if files are given by split.")
    num_examples: int | None = Field(default=None, ge=1, description="Rows to read; empty for all.")
    streaming: bool = Field(default=True, description="Files are always read piece by piece.", json_schema_extra=UNUSED)
    repo_id: str | None = Field(default=None, description="Not used for files.", json_schema_extra=UNUSED)
    config: str | None = Field(default=None, description="Not used for files.", json_schema_extra=UNUSED)
    revision: str | None = Field(default=None, description="Not used for files.", json_schema_extra=UNUSED)
    storage_options: dict[str, Any] | None = Field(default=None, description="Not used for files.", json_schema_extra=UNUSED)

    def generate(self) -> Iterator[Row]:
        rows = chain.from_iterable(read_rows(path, self.filetype) for path in self.files())
        return islice(rows, self.num_examples)

    def count(self) -> int:
        return count_rows(self.files(), self.filetype, self.num_examples)

    def columns(self) -> list[str] | None:
        try:
            return peek_columns(self.files(), self.filetype, self.num_examples)
        except DistilflowError:  # `check` says what is wrong
            return None

    def check(self) -> Iterable[Complaint]:
        try:
            files = self.files()
            for path in files:
                if self.filetype is None:
                    type_of(path)
            peek_columns(files, self.filetype, self.num_examples)
        except DistilflowError as error:
            yield f"data_files: {error.message}", error.fix

    def files(self) -> list[Path]:
        """Files that are read, in order.

        Raises:
            NoFile: There are none, or one of the patterns matches nothing.
        """
        files = self.data_files
        if isinstance(files, dict):
            if self.split not in files:
                raise NoFile(f"there is no split {self.split!r}; there are {list(files)}", "set `split` to one of them")
            files = files[self.split]
        patterns = [files] if isinstance(files, str) else files
        if not patterns or not all(patterns):
            raise NoFile("no file is named", "give a path or a pattern such as data/*.jsonl")
        return find_files(patterns)
