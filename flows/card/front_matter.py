"""The YAML head of a card: what the Hub and `load_dataset` read."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import yaml

from flows.parquet import file_name

_HEAD = re.compile(r"\A---\r?\n(.*?)^---[ \t]*(?:\r?\n|\Z)", re.DOTALL | re.MULTILINE)
_SIZES = {1_000: "n<1K", 10_000: "1K<n<10K", 100_000: "10K<n<100K", 1_000_000: "100K<n<1M", 10_000_000: "1M<n<10M"}


def size_category(rows: int) -> str:
    return next((name for limit, name in _SIZES.items() if rows < limit), "10M<n<100M")


def configs(splits: Mapping[str, Iterable[str]]) -> list[dict[str, Any]]:
    """Where the files of each leaf and split lie, for `load_dataset`."""
    return [
        {"config_name": leaf, "data_files": [{"split": name, "path": f"{leaf}/{file_name(name)}"} for name in names]}
        for leaf, names in splits.items()
    ]


def front_matter(data: Mapping[str, Any]) -> str:
    text = yaml.safe_dump(dict(data), sort_keys=False, allow_unicode=True)
    return f"---\n{text}---\n"


def read_front_matter(card: str) -> tuple[dict[str, Any], str]:
    """The head of a card as data, and the rest of it. A head that is no YAML mapping counts as none."""
    found = _HEAD.match(card)
    if found is None:
        return {}, card
    try:
        data = yaml.safe_load(found[1])
    except yaml.YAMLError:
        return {}, card[found.end() :]
    return data if isinstance(data, dict) else {}, card[found.end() :]


def with_configs(card: str, entries: Sequence[Mapping[str, Any]], others: Sequence[Any] = ()) -> str:
    """The card with these configurations, and those of `others` that have another name.

    `dataset_info` is left out: it told the columns of the files as they were.
    """
    data, body = read_front_matter(card)
    names = {entry["config_name"] for entry in entries}
    kept = [one for one in others if isinstance(one, dict) and one.get("config_name", "default") not in names]
    data.pop("dataset_info", None)
    return front_matter({**data, "configs": [*map(dict, entries), *kept]}) + body
