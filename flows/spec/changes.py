"""What one pipeline has that another has not, step by step and in words: what is said before a text is applied."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from flows.spec.model import PipelineSpec
from steps.mistakes import may_hold_key
from steps.wording import counted, listed

Path = tuple[str, ...]
"""Where a value stands in the data of a step: ("with", "llm", "model")."""
Kind = Literal["changed", "added", "removed", "renamed"]
SHORT = 40
"""Characters of a value that are shown; a longer one is said to have changed."""
MOST_COMPARED = 100_000
"""Pairs of steps that are looked at for a new name; of more, some are said to be removed and others added."""
_NOTHING: Any = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One thing that differs. `paths` lead to the values that it is about, in the data of the step or the pipeline."""

    words: str
    paths: tuple[Path, ...]


@dataclass(frozen=True, slots=True)
class Change:
    """What differs in a step, or in the pipeline itself, whose `step` is empty."""

    kind: Kind
    step: str
    """By its name afterwards; of a removed one, before."""
    differences: tuple[Difference, ...]
    before: str = ""
    """The name that a renamed step had."""
    use: str = ""


def changes(before: PipelineSpec, after: PipelineSpec) -> list[Change]:
    """What changes when `after` takes the place of `before`: the pipeline itself, then its steps in their order.

    Nothing differs exactly when there is no change. Every value that differs is in one `Difference`.
    """
    old, new = _Steps(before), _Steps(after)
    renamed = _renamed(old, new)
    found = [change for key, step in new.steps.items() if (change := _of_step(key, step, old, renamed))]
    kept = {*new.steps, *renamed}
    found += [
        Change("removed", step["name"], (Difference(f"removed: {step['use']}", _leaves_of(step)),), use=step["use"])
        for key, step in old.steps.items()
        if key not in kept
    ]
    return [*_of_pipeline(old, new, renamed), *found]


def count_of(found: Sequence[Change]) -> int:
    """How many things differ."""
    return sum(len(change.differences) for change in found)


class _Steps:
    """The data of a pipeline, its steps by name; of several that have one name, the later ones by name and number."""

    def __init__(self, spec: PipelineSpec) -> None:
        self.data = spec.to_dict()
        self.steps: dict[str, dict[str, Any]] = {}
        for step in self.data.pop("steps", []):
            key, at = step["name"], 2
            while key in self.steps:
                key, at = f"{step['name']} {at}", at + 1
            self.steps[key] = step
        self.data.pop("distilflow")


def _renamed(old: _Steps, new: _Steps) -> dict[str, str]:
    """New names by old ones: first of steps that are otherwise the same, then of those of a class at the same place."""
    gone = [key for key in old.steps if key not in new.steps]
    come = [key for key in new.steps if key not in old.steps]
    found: dict[str, str] = {}
    if len(gone) * len(come) > MOST_COMPARED:
        return found

    def same(before: str, after: str) -> bool:
        return _without(old.steps[before], "name", "after") == _without(new.steps[after], "name", "after")

    def alike(before: str, after: str) -> bool:
        one, other = old.steps[before], new.steps[after]
        places = [found.get(name, name) for name in one.get("after", [])]
        return bool(one["use"] == other["use"] and places == other.get("after", []))

    for fits in (same, alike):
        for before in gone:
            match = next((after for after in come if after not in found.values() and fits(before, after)), None)
            if before not in found and match:
                found[before] = match
    return found


def _of_step(key: str, step: dict[str, Any], old: _Steps, renamed: Mapping[str, str]) -> Change | None:
    known = next((name for name, now in renamed.items() if now == key), key)
    before = old.steps.get(known)
    if before is None:
        where = f", after {listed(step['after'])}" if step.get("after") else ""
        return Change("added", step["name"], (Difference(f"added: {step['use']}{where}", _leaves_of(step)),), use=step["use"])
    differences = list(_differences(before, step, renamed))
    is_renamed = known in renamed
    if is_renamed:
        differences.insert(0, Difference(f"renamed, was {before['name']}", (("name",),)))
    if not differences:
        return None
    kind: Kind = "renamed" if is_renamed else "changed"
    return Change(kind, step["name"], tuple(differences), before["name"] if is_renamed else "", step["use"])


def _differences(before: dict[str, Any], step: dict[str, Any], renamed: Mapping[str, str]) -> Iterator[Difference]:
    old, new = dict(_leaves(before)), dict(_leaves(step))
    old[("after",)] = [renamed.get(name, name) for name in before.get("after", [])]
    new[("after",)] = step.get("after", [])
    for path in dict.fromkeys([*new, *old]):
        was, now = old.get(path, _NOTHING), new.get(path, _NOTHING)
        if path != ("name",) and not _equal(was, now):
            yield Difference(_words(path, was, now), (path,))


def _of_pipeline(old: _Steps, new: _Steps, renamed: Mapping[str, str]) -> Iterator[Change]:
    before, after = dict(_leaves(_with_names(old.data, renamed))), dict(_leaves(new.data))
    paths = [
        path for path in dict.fromkeys([*after, *before]) if not _equal(before.get(path, _NOTHING), after.get(path, _NOTHING))
    ]
    drawn = tuple(path for path in paths if path[0] == "canvas")
    differences = [
        Difference(_words(path, before.get(path, _NOTHING), after.get(path, _NOTHING)), (path,))
        for path in paths
        if path not in drawn
    ]
    if drawn:
        differences.append(Difference(_drawn_words(drawn), drawn))
    order = [renamed.get(key, key) for key in old.steps]
    kept = [key for key in order if key in new.steps]
    if kept != [key for key in new.steps if key in set(kept)]:
        differences.append(Difference("steps stand in another order", (("steps",),)))
    if differences:
        yield Change("changed", "", tuple(differences))


def _with_names(data: Mapping[str, Any], renamed: Mapping[str, str]) -> dict[str, Any]:
    """The pipeline's own data with steps by their new names."""
    canvas = data.get("canvas", {})
    found = dict(data)
    if "routing" in data:
        found["routing"] = {renamed.get(name, name): router for name, router in data["routing"].items()}
    if "positions" in canvas:
        places = {renamed.get(name, name): place for name, place in canvas["positions"].items()}
        found["canvas"] = {**canvas, "positions": places}
    if "groups" in canvas:
        groups = {
            name: {**group, **({"steps": [renamed.get(step, step) for step in group["steps"]]} if "steps" in group else {})}
            for name, group in canvas["groups"].items()
        }
        found["canvas"] = {**found["canvas"], "groups": groups}
    return found


def _without(step: Mapping[str, Any], *keys: str) -> dict[str, Any]:
    return {key: value for key, value in step.items() if key not in keys}


def _leaves(value: Mapping[str, Any], path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Values that are no mappings, or empty ones, and where they stand."""
    for key, inner in value.items():
        if isinstance(inner, dict) and inner:
            yield from _leaves(inner, (*path, key))
        else:
            yield (*path, key), inner


def _leaves_of(step: Mapping[str, Any]) -> tuple[Path, ...]:
    return tuple(path for path, _ in _leaves(step))


def _equal(one: Any, other: Any) -> bool:
    """Equal also in type: 1, 1.0 and true are three values."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_equal, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_equal(one[key], other[key]) for key in one)
    return type(one) is type(other) and bool(one == other)


# ---- words


def _words(path: Path, was: Any, now: Any) -> str:
    if path[0] == "after":
        return _moved(was, now)
    is_router = path[0] == "routing" and len(path) > 1
    label = f"{_label(path[2:])} of the router after {path[1]}" if is_router else _label(path)
    if may_hold_key(path) and any(isinstance(value, (str, list, dict)) for value in (was, now)):
        return f"{label} {'added' if was is _NOTHING else 'removed' if now is _NOTHING else 'changed'}"
    if isinstance(was, list) and isinstance(now, list):
        return _listed_words(label, was, now)
    if path == ("use",):
        return f"{was} becomes {now}"
    if was is _NOTHING:
        return f"{label} {_shown(now)}" if _is_short(now) else f"{label} added"
    if now is _NOTHING:
        return f"{label} removed, was {_shown(was)}" if _is_short(was) else f"{label} removed"
    if _is_short(was) and _is_short(now):
        return f"{label} {_shown(was)} to {_shown(now)}"
    return f"{label} changed"


def _label(path: Path) -> str:
    """What people call a value: its own name, and whose it is where that does not go without saying."""
    words = [key.replace("_", " ") for key in path if key not in ("with", "generation_kwargs")]
    if len(words) > 1 and words[0] == "llm":
        words = ["model" if words[1:] == ["use"] else word for word in words[1:]] if words[1:] != ["use"] else ["model class"]
    if len(words) > 1 and words[0] in ("input mappings", "output mappings"):
        words = [f"column for {words[1]}" if words[0].startswith("input") else f"name of {words[1]}"]
    return " ".join(words)[:SHORT] or "value"


def _moved(was: Sequence[str], now: Sequence[str]) -> str:
    gone, come = [name for name in was if name not in now], [name for name in now if name not in was]
    if not now:
        return f"does not come after {listed(gone)} any more"
    if not was:
        return f"comes after {listed(come)}"
    if gone and come:
        return f"comes after {listed(come)}, not after {listed(gone)}"
    if come:
        return f"also comes after {listed(come)}"
    return f"does not come after {listed(gone)} any more" if gone else f"takes rows in the order {listed(now)}"


def _listed_words(label: str, was: Sequence[Any], now: Sequence[Any]) -> str:
    if not all(_is_short(item) for item in (*was, *now)):
        return f"{label} changed, {counted(len(was), 'item')} to {len(now):,}"
    come, gone = [item for item in now if item not in was], [item for item in was if item not in now]
    parts = [f"also {listed(map(_shown, come))}" if come else "", f"without {listed(map(_shown, gone))}" if gone else ""]
    return f"{label} {', '.join(filter(None, parts)) or 'in another order'}"


def _drawn_words(paths: Sequence[Path]) -> str:
    moved = len({path[2] for path in paths if path[1:2] == ("positions",) and len(path) > 2})
    grouped = len({path[2] for path in paths if path[1:2] == ("groups",) and len(path) > 2})
    parts = [
        counted(moved, "step") + " drawn elsewhere" if moved else "",
        counted(grouped, "group") + " drawn otherwise" if grouped else "",
    ]
    return ", ".join(filter(None, parts)) or "drawn otherwise"


def _is_short(value: Any) -> bool:
    if isinstance(value, (dict, list)) and value:
        return False
    return "\n" not in str(value) and len(str(value)) <= SHORT


def _shown(value: Any) -> str:
    match value:
        case None:
            return "empty"
        case bool():
            return "on" if value else "off"
        case "":
            return "empty text"
        case dict() | list():
            return "nothing"
    return str(value)
