"""The router after a step, which says who of several next steps gets a batch: its part of the form, and how it is chosen."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from app.handlers.drafts import CannotEdit, Draft, edit_data, step_in
from app.handlers.fields import ROUTER, UNSET, FormField
from app.handlers.schema_fields import field_of
from flows.spec import PipelineSpec
from steps import registry
from steps.wiring import Router

EVERY = "Every next step"


def router_fields(spec: PipelineSpec, step: str) -> Iterator[FormField]:
    """The fields of a step's router; none where rows have one way to go."""
    chosen = spec.routing.get(step)
    following = sum(step in other.after for other in spec.steps)
    if chosen is None and following < 2:
        return
    names = dict.fromkeys([*registry.names("routers"), *([chosen.use] if chosen else [])])
    yield FormField(
        path=ROUTER,
        label="Each batch goes to",
        kind="choice",
        part="router",
        shown=chosen.use if chosen else "",
        info=_summary(chosen.use) if chosen else f"{following} steps come next, and all get every batch.",
        default=None,
        choices=((EVERY, ""), *((name.rpartition(":")[2], name) for name in names)),
    )
    schema = _schema(chosen.use) if chosen else {}
    for name, described in schema.get("properties", {}).items():
        value = chosen.params.get(name, UNSET) if chosen else UNSET
        is_required = name in schema.get("required", ())
        yield from field_of(("router", "with", name), described, schema.get("$defs", {}), value, "router", is_required)


def choose_router(draft: Draft, step: str, use: str) -> Draft:
    """The draft with another router after a step, or with none; parameters that both have stay.

    Raises:
        CannotEdit: There is no such step or router.
    """
    schema = _schema(use)
    if use and not schema:
        raise CannotEdit(f"there is no router {use!r}", f"choose one of {', '.join(registry.names('routers'))}")

    def edit(data: dict[str, Any]) -> None:
        step_in(data, step)
        routing = data.setdefault("routing", {})
        before = routing.pop(step, {}).get("with", {})
        if use:
            least = {name: _least(schema["properties"][name]) for name in schema.get("required", ())}
            kept = {name: value for name, value in before.items() if name in schema["properties"]}
            routing[step] = {"use": use, "with": {**least, **kept}}
        if not routing:
            del data["routing"]

    return edit_data(draft, f"{use or 'no router'} after {step}", edit)


def drop_needless(data: dict[str, Any]) -> None:
    """Take out of a pipeline's data the routers after which there is nothing to choose."""
    routing = data.get("routing", {})
    for step in list(routing):
        if sum(step in other.get("after", ()) for other in data["steps"]) < 2:
            del routing[step]
    if not routing:
        data.pop("routing", None)


def _summary(name: str) -> str:
    found = _router(name)
    return found.summary() if found else "It is not installed here."


def _schema(name: str) -> Mapping[str, Any]:
    found = _router(name)
    return found.model_json_schema() if found else {}


def _router(name: str) -> type[Router] | None:
    try:
        found = registry.resolve(name, "routers")
    except registry.UnknownComponent:
        return None
    return found if issubclass(found, Router) else None


def _least(described: Mapping[str, Any]) -> Any:
    """A value to begin with for a parameter that has none by itself."""
    return described.get("minimum", 1 if described.get("type") == "integer" else "")
