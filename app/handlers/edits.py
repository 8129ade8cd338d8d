"""Changes of one step in the draft, as forms and buttons make them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from app.handlers.drafts import CannotEdit, Draft, edit_data, edit_step, select
from app.handlers.entries import read_entry
from app.handlers.fields import MODEL_PARTS, UNSET, FormField
from app.handlers.forms import SAMPLING
from app.handlers.wrong_entries import with_wrong, without
from flows.spec import read_spec
from steps import registry
from steps.models import models_of


def set_field(draft: Draft, step: str, entry: FormField, said: Any) -> Draft:
    """The draft with what a person entered in one field.

    Raises:
        CannotEdit: It cannot be understood.
    """
    value = read_entry(entry, said)
    is_rest = entry.part == "sampling" and entry.kind == "yaml"
    if is_rest and value is not UNSET and not isinstance(value, dict):
        raise CannotEdit(f"{entry.label}: this is not `name: value`", "write one setting a line, such as `top_p: 0.9`")

    def edit(data: dict[str, Any]) -> None:
        if value is UNSET and _at(data, entry.path, UNSET) in (UNSET, entry.default):
            return  # somebody only passed by: what is said, or left out, stays so
        if entry.part in MODEL_PARTS:  # the step has a model from now on
            base = models_of(registry.resolve(data["use"]))[entry.path[1]]
            data.setdefault("with", {}).setdefault(entry.path[1], {}).setdefault("use", base.rehearsal)
        if is_rest:
            known = _at(data, entry.path, {})
            kept = {name: setting for name, setting in known.items() if name in SAMPLING}
            _put(data, entry.path, {**kept, **(value if isinstance(value, dict) else {})} or UNSET)
        else:
            _put(data, entry.path, value)

    if entry.part == "router":
        label = f"{entry.label} of the router after {step}"
        return edit_data(draft, label, lambda data: _put(_router_in(data, step), entry.path[1:], value), is_field=True)
    return edit_step(draft, step, f"{entry.label} of {step}", edit)


def enter(draft: Draft, step: str, entry: FormField, said: Any) -> Draft:
    """The draft with what a person entered in one field; what cannot be understood is kept as it was entered."""
    try:
        changed = set_field(draft, step, entry, said)
    except CannotEdit as error:
        spec, _ = read_spec(draft["text"])
        return {**draft, "wrong": with_wrong(draft["wrong"], spec, step, entry.id, entry.path, said, error)}
    return {**changed, "wrong": without(draft["wrong"], step, entry.id)}


def set_model(draft: Draft, step: str, place: str, name: str) -> Draft:
    """The draft with a model of another class in a step; parameters that both classes have stay. `place`: what holds it.

    Raises:
        CannotEdit: There is no such step, place or class.
    """

    def edit(data: dict[str, Any]) -> None:
        try:
            base = models_of(registry.resolve(data["use"])).get(place)
            if base is None:
                raise CannotEdit(f"{data['use']} has no model called {place!r}", "look at its parameters")
            found = registry.resolve(name, base.kind)
        except registry.UnknownComponent as error:
            raise CannotEdit(error.message, error.fix) from error
        known = found.model_fields.keys() if issubclass(found, base) else set()
        before = data.setdefault("with", {}).get(place)
        kept = {key: value for key, value in before.items() if key in known} if isinstance(before, dict) else {}
        data["with"][place] = {"use": name, **kept}

    return edit_step(draft, step, f"{name} for {step}", edit)


def use_column(draft: Draft, step: str, column: str, present: str) -> Draft:
    """The draft in which a step takes the column `present` where it needs `column`, with that step selected.

    Raises:
        CannotEdit: There is no such step.
    """
    changed = edit_step(
        draft, step, f"{present} as {column} of {step}", lambda data: _put(data, ("input_mappings", column), present)
    )
    return select(changed, step)


def _router_in(data: dict[str, Any], step: str) -> dict[str, Any]:
    router: dict[str, Any] | None = data.get("routing", {}).get(step)
    if router is None:
        raise CannotEdit(f"there is no router after {step!r} any more", "choose one first")
    return router


def _at(data: Mapping[str, Any], path: Sequence[str], default: Any) -> Any:
    for key in path:
        if not isinstance(data, Mapping) or key not in data:
            return default
        data = data[key]
    return data


def _put(data: dict[str, Any], path: Sequence[str], value: Any) -> None:
    """Set or remove the value at a path; mappings that become empty go too."""
    *parents, last = path
    trail = [data]
    for key in parents:
        inner = trail[-1].get(key)
        if not isinstance(inner, dict):
            if value is UNSET:
                return
            inner = trail[-1][key] = {}
        trail.append(inner)
    if value is UNSET:
        trail[-1].pop(last, None)
    else:
        trail[-1][last] = value
    for key, owner, inner in reversed(list(zip(parents, trail, trail[1:], strict=False))):
        if not inner:
            del owner[key]
