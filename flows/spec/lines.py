"""Where in a pipeline text each step stands."""

from __future__ import annotations

from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def step_lines(text: str) -> list[tuple[str, int, int]]:
    """Steps of a YAML text that `read_spec` takes, with their first and last line, counted from 1; empty for other texts."""
    try:
        root = yaml.compose(text, Loader=_LOADER)
    except (yaml.YAMLError, RecursionError, ValueError):
        return []
    steps = next((value for key, value in _pairs(root) if key.value == "steps"), None)
    if not isinstance(steps, yaml.SequenceNode) or not steps.value:
        return []
    starts = [item.start_mark.line + 1 for item in steps.value]
    ends = [*(start - 1 for start in starts[1:]), max(steps.end_mark.line, *starts[-1:], 1)]
    found = []
    for item, first, last in zip(steps.value, starts, ends, strict=True):
        name = next((value.value for key, value in _pairs(item) if key.value == "name"), "")
        found.append((str(name), first, max(first, last)))
    return found


def _pairs(node: Any) -> list[tuple[Any, Any]]:
    return node.value if isinstance(node, yaml.MappingNode) else []
