"""Rows of a data set on the Hugging Face Hub."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from itertools import islice
from typing import Any, ClassVar

from pydantic import Field

from steps.base import GeneratorStep, Row
from steps.errors import RunError

_REPO_ID = re.compile(r"(?:[\w-][\w.-]*/)?[\w-][\w.-]*")


class LoadDataFromHub(GeneratorStep):
    """Reads rows from a data set on the Hugging Face Hub.

    Private and gated data sets need a token in $HF_TOKEN.

    Example:
        >>> load = LoadDataFromHub(repo_id="HuggingFaceH4/instruction-dataset", split="test", num_examples=1)
        >>> list(load.check())
        []
        >>> sorted(next(load.generate()))  # doctest: +SKIP
        ['completion', 'meta', 'prompt']
    """

    reaches: ClassVar[str] = "the Hub"

    rows_set_by: ClassVar[str] = "num_examples"

    repo_id: str | None = Field(
        default=None, description="Data set on the Hub: owner/name.", examples=["HuggingFaceH4/instruction-dataset"]
    )
    split: str = Field(default="train", description="Part of the data set: train, test, train[:100], ...")
    config: str | None = Field(default=None, description="Configuration, if the data set has several.")
    revision: str | None = Field(default=None, description="Branch, tag or commit; empty for the newest.")
    streaming: bool = Field(default=False, description="Read over the network while it runs, download nothing.")
    num_examples: int | None = Field(default=None, ge=1, description="Rows to read; empty for all.")
    storage_options: dict[str, Any] | None = Field(default=None, description="Options for the file system behind it.")

    def generate(self) -> Iterator[Row]:
        import datasets

        try:
            rows = datasets.load_dataset(
                self.repo_id,
                self.config,
                split=self.split,
                revision=self.revision,
                streaming=self.streaming,
                storage_options=self.storage_options,
            )
            yield from islice(rows, self.num_examples)
        except Exception as error:
            raise RunError(
                f"{self.repo_id!r} cannot be read from the Hub: {error}",
                "check its name, config and split; a private or gated data set needs a token in $HF_TOKEN",
            ) from error

    def columns(self) -> list[str] | None:
        return None

    def check(self) -> Iterable[str]:
        if (complaint := complaint_about(self.repo_id)) is not None:
            yield complaint


def complaint_about(repo_id: str | None) -> str | None:
    """What is wrong with the name of a data set; None if nothing is."""
    if repo_id is None:
        return "`repo_id` is missing: which data set of the Hub?"
    return None if _REPO_ID.fullmatch(repo_id) else f"`repo_id` is {repo_id!r}, which is neither `owner/name` nor `name`"
