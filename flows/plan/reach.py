"""What lies before or behind a step: ways through a graph, by the names at their ends."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence


def reached(begin: Iterable[str], onward: Callable[[str], Iterable[str]]) -> list[str]:
    """All that some names lead to, themselves included, each once. `onward`: where one leads next."""
    found: dict[str, None] = {}
    waiting = list(begin)
    while waiting:
        if (name := waiting.pop()) not in found:
            found[name] = None
            waiting += onward(name)
    return list(found)


def first_before(name: str, after: Callable[[str], Sequence[str]]) -> str:
    """Where one goes back to that comes after nothing; of several the first. In no circle."""
    while before := after(name):
        name = before[0]
    return name
