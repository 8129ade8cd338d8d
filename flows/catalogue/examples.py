"""How a pipeline file names a class: its required parameters, and those it does nothing without, with their first example."""

from __future__ import annotations

from typing import Any

from flows.catalogue.entries import Entry, Parameter

_EMPTY: tuple[Any, ...] = (None, "", [], {})


def example_params(entry: Entry, *, with_model: bool = True) -> dict[str, Any]:
    """Parameters as they may stand under `with` of a step or a router, or beside `use` of a model."""
    is_step = "works_on" in entry
    if not is_step and not any(one["is_required"] for one in entry["parameters"]):  # it does nothing without one of several
        shown = [one for one in entry["parameters"] if one["examples"] and one["name"].startswith(("model", "endpoint_name"))]
        return {one["name"]: one["examples"][0] for one in shown[:1]}
    return {
        one["name"]: one["examples"][0]
        for one in entry["parameters"]
        if one["examples"] and (with_model or not one["model"]) and (one["is_required"] or (is_step and _is_wanted(one)))
    }


def _is_wanted(parameter: Parameter) -> bool:
    return bool(parameter["model"]) or parameter["default"] in _EMPTY
