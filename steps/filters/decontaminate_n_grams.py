"""Texts that share a passage with a benchmark."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import ClassVar

import xxhash
from pydantic import Field, PrivateAttr

from steps.base import Row
from steps.components import LOCAL_FILES
from steps.errors import Complaint, DistilflowError, RunError
from steps.filters.marking import RowFilter
from steps.filters.words import plain_words, runs
from steps.row_texts import text_in
from steps.sources.files import find_files, peek_columns, read_rows
from steps.wording import did_you_mean, listed


class DecontaminateNGrams(RowFilter):
    """Finds texts that share a run of words with a benchmark.

    A text is taken for contaminated if `n` words in a row also stand in an entry of the benchmark, whatever their case and
    punctuation; `ngram` is the first such run, `ngram_source` the entry it stands in, such as `gsm8k.jsonl:7`. An entry
    of fewer words counts as a whole if it has at least `n_of_short_entries`. 13 words are what was used for GPT-3.

    The benchmark lies in memory: about 100 bytes for each of its words.

    After Language Models are Few-Shot Learners (appendix C), https://arxiv.org/abs/2005.14165

    Example:
        >>> step = DecontaminateNGrams(n=4, entries=["What is the capital of France?"])
        >>> [row] = step.process([{"text": "Tell me: what is the capital of Peru?"}])
        >>> row["ngram"], row["ngram_source"], row["keep_row_after_decontamination"]
        ('what is the capital', 'entry 1', False)
    """

    outputs = ("ngram", "ngram_source")
    mark: ClassVar[str] = "keep_row_after_decontamination"

    columns: list[str] = Field(default=["text"], min_length=1, description="Columns with the texts that are looked at.")
    n: int = Field(default=13, ge=1, description="Words in a row that must be the same.")
    n_of_short_entries: int = Field(
        default=5, ge=1, description="Words an entry of fewer than `n` must have to count as a whole."
    )
    entries: list[str] = Field(default_factory=list, description="Texts of the benchmark.")
    benchmark_files: str | list[str] | None = Field(
        default=None,
        description="JSON, CSV or Parquet files with texts of the benchmark.",
        examples=["benchmark.jsonl"],
        json_schema_extra=LOCAL_FILES,
    )
    benchmark_columns: list[str] = Field(default=["text"], min_length=1, description="Columns of those files with the texts.")
    _found: dict[int, str] | None = PrivateAttr(default=None)
    _lengths: list[int] = PrivateAttr(default_factory=list)

    def needs(self) -> list[str]:
        return list(dict.fromkeys(self.columns))

    def check(self) -> Iterable[Complaint]:
        if not self.entries and not self.benchmark_files:
            yield "there is no benchmark to compare with", "name files in `benchmark_files`, or give texts in `entries`"
        try:
            files = find_files(self._patterns())
            found = peek_columns(files) or []
        except DistilflowError as error:
            yield f"benchmark_files: {error.message}", error.fix
            return
        for column in self.benchmark_columns if files else ():
            if column not in found:
                yield f"benchmark_files: there is no column {column!r}.{did_you_mean(column, found)} There are {listed(found)}"

    def load(self) -> None:
        found: dict[int, str] = {}
        lengths = set()
        for source, text in self._benchmark():
            words = plain_words(text)
            length = min(self.n, len(words))
            if length == self.n or length >= self.n_of_short_entries:
                lengths.add(length)
                for run in runs(words, length):
                    found.setdefault(_digest(run), source)
        self._found, self._lengths = found, sorted(lengths, reverse=True)

    def unload(self) -> None:
        self._found = None

    def judge(self, row: Row) -> tuple[bool, Row]:
        if self._found is None:
            self.load()
        shared = self._shared(row)
        run, source = shared or (None, None)
        return shared is None, {"ngram": run, "ngram_source": source}

    def _shared(self, row: Row) -> tuple[str, str] | None:
        """The first run of words that stands in the benchmark too, and where."""
        found = self._found or {}
        for column in self.columns:
            words = plain_words(text_in(row, column))
            for length in self._lengths:
                for run in runs(words, length):
                    if source := found.get(_digest(run)):
                        return run, source
        return None

    def _benchmark(self) -> Iterator[tuple[str, str]]:
        """Each text of the benchmark, and what it goes by."""
        for number, text in enumerate(self.entries, 1):
            yield f"entry {number}", text
        for path in find_files(self._patterns()):
            for number, row in enumerate(read_rows(path), 1):
                for column in self.benchmark_columns:
                    if column not in row:
                        raise RunError(f"{path}: entry {number} has no {column!r}", "set `benchmark_columns`")
                    if isinstance(value := row[column], str):
                        yield f"{path.name}:{number}", value

    def _patterns(self) -> list[str]:
        files = self.benchmark_files
        return [files] if isinstance(files, str) and files else list(files or ())


def _digest(run: str) -> int:
    """What a run is kept as: a tenth of its size."""
    return xxhash.xxh3_64_intdigest(run.encode("utf-8", "surrogatepass"))
