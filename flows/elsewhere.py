"""What scripts written for distilabel may ask for and is not here: each is told what to use instead."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Never

from steps.wording import did_you_mean, listed

OF_DISTILABEL = {
    "use_cache": "finished rows are kept by run: the same run_id goes on with them, a new one starts afresh",
    "cache_dir": "give run(runs_dir=...), the folder of all runs",
    "dataset": "start the pipeline with LoadDataFromDicts(data=...) or LoadDataFromDisk",
    "dataset_batch_size": "give the first step batch_size=...",
    "storage_parameters": "rows are kept below run(runs_dir=...)",
    "use_fs_to_pass_data": "leave it out: rows always pass through files where they are large",
    "logging_handlers": "leave it out: the log is run.log in the run's folder",
    "enable_metadata": "leave it out: set add_raw_input and add_raw_output of a task",
    "format": "leave it out: it is always YAML",
    "overwrite": "leave it out: the file is replaced",
    "save_card": "leave it out: the card is always written",
    "save_pipeline_config": "leave it out: the pipeline is always written",
    "save_pipeline_log": "leave it out: the log is always written",
    "max_shard_size": "leave it out: how many files there are is chosen by itself",
    "num_shards": "leave it out: how many files there are is chosen by itself",
    "num_proc": "leave it out: one process writes it",
    "storage_options": "give a folder of this machine, and upload that",
    "include_script": "leave it out: the pipeline is pushed instead",
    "requirements": "leave it out: install packages where the pipeline runs",
}
"""What to do instead of arguments that pipelines written for distilabel may have."""
OF_PICTURES = {"path", "top_to_bottom", "show_edge_labels"}
"""Arguments of its `draw`, which writes a picture."""


def refuse_unknown(function: str, unknown: Mapping[str, Any], known: set[str]) -> None:
    """Say what to use instead of the first argument that is not known.

    Raises:
        TypeError: There is one.
    """
    for name in unknown:
        instead = OF_DISTILABEL.get(name) or f"it has {listed(sorted(known))}"
        raise TypeError(f"{function}() has no argument {name!r}.{did_you_mean(name, known)} {instead[0].upper()}{instead[1:]}")


class Elsewhere:
    """A method of distilabel's that goes by another name here: asking for it says which."""

    def __init__(self, instead: str) -> None:
        self._instead = instead
        self._names: list[str] = []

    def __set_name__(self, owner: type, name: str) -> None:
        self._names.append(name)

    def __get__(self, instance: object, owner: type) -> Never:
        raise AttributeError(f"{owner.__name__} has no {' or '.join(self._names)}. Use {self._instead}")
