"""Where branches meet: rows are matched by the row they came from, once nothing of it is under way any more.

A row that failed or was dropped in one branch is not joined. A branch that routing did not choose is not waited for.
Rows of different sources are matched by their position: the first with the first, and so on.
"""

from __future__ import annotations

import math
from collections import Counter, defaultdict
from collections.abc import Callable
from itertools import product

from flows.engine.items import Item, joined_key, order_of, prefix
from flows.engine.stages import Stage, branches_of, fork_depth
from flows.plan.reach import reached


class Joiner:
    """Matches the rows that arrive at one stage. `region` are the stages between the fork and this one."""

    def __init__(self, stage: Stage, stages: dict[str, Stage]) -> None:
        self.name = stage.name
        self.upstream = list(stage.upstream)
        self.region = branches_of(stage, stages)
        self._depth = fork_depth(stage, stages)
        self._places = {name: stages[name].depth - self._depth for name in self.upstream}
        self._leads_to = {name: self._reachable(name, stages) for name in self.region}
        self.sources = sorted(name for name in self.region if stages[name].is_source)
        """The sources whose rows are matched; none where all branches begin in one row."""
        self._begun = dict.fromkeys(self.sources, 0.0)
        self._under_way: Counter[str] = Counter()
        self._parts: dict[str, dict[str, list[Item]]] = defaultdict(dict)
        self._left_out: dict[str, set[str]] = {}
        self._touched: set[str] = set()

    def entered(self, item_id: str) -> None:
        """A row was handed to a stage of the region."""
        origin = prefix(item_id, self._depth)
        self._under_way[origin] += 1

    def left(self, item_id: str) -> None:
        """A stage of the region is done with a row; what came of it has been handed on already."""
        origin = prefix(item_id, self._depth)
        self._under_way[origin] -= 1
        self._touched.add(origin)

    def arrived(self, upstream: str, item: Item) -> None:
        """A row is through one branch."""
        origin = prefix(item.id, self._depth)
        self._parts[origin].setdefault(upstream, []).append(item)
        self._touched.add(origin)

    def begun(self, source: str, rows: float) -> None:
        """Of a source all rows up to this position are on their way, or never will be; `inf` when there are no more."""
        self._begun[source] = rows

    def routed(self, at: str, item_id: str, chosen: list[str], others: list[str]) -> None:
        """A row was sent from stage `at` to some of the next stages only: branches behind the others do not take part."""
        taken = {name for stage in chosen for name in self._branches(at, stage)}
        missed = {name for stage in others for name in self._branches(at, stage)} - taken
        if missed:
            self._left_out.setdefault(prefix(item_id, self._depth), set()).update(missed)

    def left_out(self, item_id: str) -> set[str]:
        """The branches that a row does not pass, as far as routing was told of it."""
        return self._left_out.get(prefix(item_id, self._depth), set())

    @property
    def depth(self) -> int:
        """Places of an id by which branches are matched."""
        return self._depth

    def parts_of(self, item_id: str) -> dict[str, str]:
        """The ids, in each branch, of the rows that a joined row was made of; of all branches, also those left out."""
        places = item_id.split(".")
        origin, at, found = places[: self._depth], self._depth, {}
        for name in self.upstream:
            found[name] = ".".join([*origin, *places[at : at + self._places[name]]])
            at += self._places[name]
        return found

    def ready(self, body: Callable[[Item], bytes]) -> tuple[list[Item], list[Item]]:
        """Rows that were joined since the last call, and the rows that went into them or were given up.

        `body`: finds the JSON of a row.
        """
        joined: list[Item] = []
        used: list[Item] = []
        reached = min(self._begun.values(), default=math.inf)
        waiting = set()
        for origin in sorted(self._touched, key=order_of):
            if reached < math.inf and int(origin) >= reached:
                waiting.add(origin)
            elif self._under_way[origin] == 0:
                del self._under_way[origin]
                parts = self._parts.pop(origin, {})
                joined += self._join(origin, parts, self._left_out.pop(origin, set()), body)
                used += [item for items in parts.values() for item in items]
        self._touched = waiting
        return joined, used

    def _join(self, origin: str, parts: dict[str, list[Item]], left_out: set[str], body: Callable[[Item], bytes]) -> list[Item]:
        names = [name for name in self.upstream if name not in left_out]
        branches = [sorted(parts.get(name, []), key=lambda item: order_of(item.id)) for name in names]
        joined = []
        for items in product(*branches) if branches else ():
            own = {name: item.id[len(origin) :] for name, item in zip(names, items, strict=True)}
            suffix = "".join(own.get(name, ".0" * self._places[name]) for name in self.upstream)  # as many places in every id
            key = joined_key([item.key for item in items], names, complete=not left_out)
            joined.append(Item(origin + suffix, key, b"[" + b",".join(map(body, items)) + b"]"))
        return joined

    def _branches(self, at: str, stage: str) -> set[str]:
        """Branches of this join behind a stage that comes after `at`; the join itself is the branch without a step."""
        return {at} if stage == self.name else self._leads_to.get(stage, set())

    def _reachable(self, name: str, stages: dict[str, Stage]) -> set[str]:
        met = reached([name], lambda at: [after for after in stages[at].downstream if after in self.region])
        return set(met).intersection(self.upstream)


def ends_with(stages: dict[str, Stage]) -> dict[str, list[str]]:
    """For each source those without whose rows its own come to nothing: it ends when one of them does."""
    found: dict[str, list[str]] = {name: [] for name, stage in stages.items() if stage.is_source}
    for name, stage in stages.items():
        sources = Joiner(stage, stages).sources if stage.is_join else []
        for source in sources:
            if not _gets_around(source, name, stages):
                found[source] += [other for other in sources if other != source]
    return found


def _gets_around(source: str, join: str, stages: dict[str, Stage]) -> bool:
    """Whether rows of a source reach the end of the pipeline without this join."""
    ways = reached([source], lambda name: [after for after in stages[name].downstream if after != join])
    return any(not stages[name].downstream for name in ways)
