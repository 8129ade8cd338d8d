"""Near-duplicates among texts."""

from __future__ import annotations

import sqlite3
from abc import ABC, abstractmethod
from collections.abc import Iterable
from contextlib import closing
from functools import cache
from typing import Any, ClassVar, Literal

import xxhash
from pydantic import Field

from steps.base import GlobalStep, Row
from steps.errors import Complaint, RunError
from steps.extras import extra
from steps.filters.marking import Marking, at_row
from steps.filters.words import words_of
from steps.row_texts import text_in


class MinHashDedup(Marking, GlobalStep):
    """Finds near-duplicates: texts that share most words. Keeps the first of them.

    Two texts count as the same if they probably share a part of at least `threshold` of their words, or of their runs of
    `n` characters. This is estimated, not compared: MinHash of `num_perm` values, looked up band by band. With more of
    them the estimate is better and takes longer.

    Needs `pip install 'distilflow[filters]'`.

    After On the Resemblance and Containment of Documents, https://doi.org/10.1109/SEQUEN.1997.666900

    Example:
        >>> texts = ["a cat sat on a mat", "a cat sat on a mat!", "dogs bark"]
        >>> step = MinHashDedup(threshold=0.7, drop=True)
        >>> [row["text"] for row in step.process([{"text": text} for text in texts])]
        ['a cat sat on a mat', 'dogs bark']
    """

    inputs = ("text",)
    mark: ClassVar[str] = "keep_row_after_minhash_filtering"

    num_perm: int = Field(default=128, ge=2, le=4096, description="Values that stand for a text; more are more exact.")
    seed: int = Field(default=1, ge=0, lt=2**32, description="Same seed, same result.")
    tokenizer: Literal["words", "ngrams"] = Field(
        default="words", description="What texts are made of: words, or runs of characters."
    )
    n: int | None = Field(default=5, ge=1, description="Characters in a run.")
    threshold: float = Field(default=0.9, ge=0, le=1, description="Share that two texts have in common to count as the same.")
    storage: Literal["dict", "disk"] = Field(
        default="dict",
        description="Where the texts that are kept are remembered: in memory (dict), or in a file, which is slower.",
    )

    def check(self) -> Iterable[Complaint]:
        if self.tokenizer == "ngrams" and self.n is None:
            yield "`n` is empty, but runs of characters need a length", "set `n` to 5, say"

    def load(self) -> None:
        self._library()
        self._bands()

    def check_row(self, row: Row) -> None:
        text_in(row, "text")

    def process(self, rows: Iterable[Row]) -> Iterable[Row]:
        bands, width = self._bands()
        empty = self._library().MinHash(num_perm=self.num_perm, seed=self.seed, scheme="legacy")
        with closing(_OnDisk() if self.storage == "disk" else _InMemory()) as kept:
            for number, row in enumerate(rows):
                with at_row(number):
                    text = text_in(row, "text")
                values = empty.copy()
                values.update_batch(self._parts(text))
                keys = [_key(values.hashvalues[band * width : (band + 1) * width], band) for band in range(bands)]
                if is_new := not kept.has_any(keys):
                    kept.add(keys)
                yield from self.marked(row, is_new)

    def _parts(self, text: str) -> set[bytes]:
        if self.tokenizer == "words":
            parts = words_of(text)
        else:
            n = self.n or 1
            parts = {text[at : at + n] for at in range(len(text) - n + 1)}
        return {part.encode("utf-8", "surrogatepass") for part in parts}

    def _bands(self) -> tuple[int, int]:
        """How many bands the values are cut into for this threshold, and how many values a band has."""
        try:
            return _bands_for(self.threshold, self.num_perm)
        except ValueError as error:
            raise RunError(
                f"a threshold of {self.threshold} cannot be told with {self.num_perm} values", "lower it, or raise `num_perm`"
            ) from error

    def _library(self) -> Any:
        return _datasketch()


@cache  # what it tries takes longer than a small data set
def _bands_for(threshold: float, values: int) -> tuple[int, int]:
    index = _datasketch().MinHashLSH(threshold=threshold, num_perm=values)
    return index.b, index.r


def _datasketch() -> Any:
    return extra("datasketch", "filters", "finding near-duplicates")


def _key(values: Any, band: int) -> bytes:
    return xxhash.xxh3_128_digest(values.tobytes(), seed=band)


class _Kept(ABC):
    """Bands of the texts that are kept. A text with one of them is taken for a near-duplicate."""

    @abstractmethod
    def has_any(self, keys: list[bytes]) -> bool: ...

    @abstractmethod
    def add(self, keys: list[bytes]) -> None: ...

    @abstractmethod
    def close(self) -> None: ...


class _InMemory(_Kept):
    def __init__(self) -> None:
        self._keys: set[bytes] = set()

    def has_any(self, keys: list[bytes]) -> bool:
        return not self._keys.isdisjoint(keys)

    def add(self, keys: list[bytes]) -> None:
        self._keys.update(keys)

    def close(self) -> None:
        self._keys.clear()


class _OnDisk(_Kept):
    def __init__(self) -> None:
        self._db = sqlite3.connect("", isolation_level=None)  # a file without a name: it goes with the connection
        self._db.execute("CREATE TABLE kept (key BLOB PRIMARY KEY) WITHOUT ROWID")
        self._db.execute("BEGIN")

    def has_any(self, keys: list[bytes]) -> bool:
        return any(self._db.execute("SELECT 1 FROM kept WHERE key = ?", (key,)).fetchone() for key in keys)

    def add(self, keys: list[bytes]) -> None:
        self._db.executemany("INSERT OR IGNORE INTO kept VALUES (?)", [(key,) for key in keys])

    def close(self) -> None:
        self._db.close()
