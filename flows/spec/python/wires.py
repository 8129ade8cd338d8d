"""Links between steps as chains: `load >> [a, b] >> group`."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

MOST_IN_A_CHAIN = 40
"""A chain nests as deeply as it is long, and what reads code does not go to any depth."""


@dataclass(frozen=True, slots=True)
class Chain:
    """Stages with `>>` between them: one step, or several beside each other."""

    stages: list[list[str]]
    is_routed: bool = False
    """Whether a router stands after the first stage."""


def chains(after: Mapping[str, Sequence[str]], routed: set[str]) -> Iterator[Chain]:
    """Chains that connect steps so that each comes after the others in the order of `after`, all of which are steps."""
    links = _Links(after)
    waiting = list(after)
    while waiting:
        for step in waiting:
            while chain := _chain_from(step, links, routed):
                yield chain
        waiting = [step for step in waiting if links.leads_on(step)]


class _Links:
    """What is not connected yet."""

    def __init__(self, after: Mapping[str, Sequence[str]]) -> None:
        self._left = {step: list(before) for step, before in after.items()}
        self._next: dict[str, dict[str, None]] = {}
        """Steps by the one that they are to be connected to now."""
        self._open: dict[str, int] = {}
        for step, before in self._left.items():
            for source in before:
                self._open[source] = self._open.get(source, 0) + 1
            if before:
                self._next.setdefault(before[0], {})[step] = None

    def leads_on(self, step: str) -> bool:
        return self._open.get(step, 0) > 0

    def behind(self, sources: list[str]) -> list[str]:
        """Steps that are to be connected to these now, in this order."""
        found = self._next.get(sources[0], {})
        return [step for step in found if self._left[step][: len(sources)] == sources]

    def together(self, steps: list[str]) -> list[str] | None:
        """These steps in the order in which another one comes after all of them."""
        for step in steps:
            for following in self._next.get(step, {}):
                before = self._left[following][: len(steps)]
                if len(before) == len(steps) and set(before) == set(steps):
                    return before
        return None

    def take(self, sources: list[str], step: str) -> None:
        left = self._left[step]
        del self._next[left[0]][step], left[: len(sources)]
        for source in sources:
            self._open[source] -= 1
        if left:
            self._next.setdefault(left[0], {})[step] = None


def _chain_from(start: str, links: _Links, routed: set[str]) -> Chain | None:
    stages = [[start]]
    while len(stages) < MOST_IN_A_CHAIN:
        last = stages[-1]
        if len(stages) > 1 and routed.intersection(last):
            break  # its router begins a chain of its own
        found = links.behind(last)
        if len(last) > 1:
            found = found[:1]  # several steps lead to one
        elif len(found) > 1 and len(stages) == 2 and start in routed:
            break  # behind a router stands a list even of one, and a list leads to no list
        if not found:
            break
        if len(found) > 1:
            found = links.together(found) or found
        for step in found:
            links.take(last, step)
        stages.append(found)
    return Chain(stages, start in routed) if len(stages) > 1 else None
