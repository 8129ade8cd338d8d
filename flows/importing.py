"""A pipeline from anywhere: a file, the repository of a data set on the Hub, or distilabel."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

from flows.compat import convert, is_theirs
from flows.hub_addresses import PIPELINE, DataSet, hub_data_set
from flows.hub_reading import read_text
from flows.spec import read_file, spec_from
from flows.spec.text import check_data, parse, write_yaml


@dataclass(frozen=True, slots=True)
class Imported:
    """A pipeline text that is ours, and what to know of where it came from."""

    text: str
    is_theirs: bool = False
    """It was distilabel's."""
    notes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Classes of distilabel's, or of the pipeline's author, that are not there."""


def read_source(source: str) -> str:
    """Text of a pipeline: of a file, or of what `hf://datasets/owner/name`, or a page of the Hub, holds.

    Raises:
        SpecError: It cannot be read, or is not there.
    """
    return read_hub(hub_data_set(source)) if "://" in source else read_file(Path(source))


def read_hub(data_set: DataSet, *, is_public: bool = False) -> str:
    """The pipeline that made a data set, as it was pushed with it. `is_public`: this machine's token is not used.

    Raises:
        SpecError: There is none, or the Hub does not give it.
    """
    return read_text(data_set, PIPELINE, is_public=is_public)


def understand(text: str) -> Imported:
    """A text as a pipeline of ours. What is not distilabel's stays as it is, comments and all.

    Raises:
        SpecError: It is no YAML, or nothing that distilabel writes.
    """
    data, _ = parse(text)
    if not is_theirs(data):
        return Imported(text)
    check_data(data)
    found = convert(data)
    spec, problems = spec_from(found.data)
    # what does not fit a spec is in the data alone: whoever reads the text finds it, and says so
    return Imported(write_yaml(found.data) if problems else spec.to_yaml(), True, found.notes, found.unknown)
