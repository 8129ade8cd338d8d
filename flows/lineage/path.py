"""The way of a row through the steps, by ids alone: which row each step took, and the keys by which its work is found.

An id holds all choices on the way: the position where the row began, and its number among its siblings for each step that
multiplied it. Given the key of the row where it began, every key follows as it did in the run.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field

from flows.engine.items import child_key, joined_key, prefix
from flows.engine.joins import Joiner
from flows.engine.stages import ROWS_OF, Stage, may_multiply, stages_of
from flows.engine.station import switch_of
from flows.plan import Plan, PlannedStep
from flows.plan.reach import first_before

Root = Callable[[str, int], bytes | None]
"""The key of the row that began at a step, by its position there; None when nobody knows."""
Origin = Callable[[str, int], tuple[int, str] | None]
"""Which row became this one of a step over all rows: the number of its branch, and its id there; None when nobody knows."""


@dataclass(slots=True)
class Visit:
    """A row at one step. `id` and `key` are those of the row that leaves it."""

    planned: PlannedStep
    id: str
    key: bytes | None
    taken: bytes | None
    """Key of the row that it took; its work is recorded under this one. None where the row begins, or the key is not known."""
    at: int | None
    """Its number among the rows that the step made of that one; None when the step makes one of each."""
    after: list[str] = field(default_factory=list)
    """The steps that it comes from, by name."""
    begins: bool = False
    """Whether it got its id here: in a source, or anew in a step over all rows."""

    @property
    def step(self) -> str:
        return self.planned.name


def leaf_step(plan: Plan, leaf: str) -> str | None:
    """The step that makes a leaf of the result, which is called "default" when it is the only one; None when it is no more."""
    step = leaf if leaf in plan.steps else next(iter(plan.leaves), leaf)
    return step if step in plan.steps else None


class Paths:
    """Finds the ways of rows through a plan."""

    def __init__(self, plan: Plan, root: Root, origin: Origin = lambda step, position: None) -> None:
        self._root = root
        self._origin = origin
        self._stages = stages_of(plan)
        self._stage_of = {planned.name: name for name, stage in self._stages.items() for planned in stage.steps}
        self._switches = {name: switch for name in self._stages if (switch := switch_of(plan, name, self._stages))}

    def to(self, step: str, item_id: str) -> list[Visit]:
        """All steps that a row passed on its way to the end of `step`'s stage, those before others first."""
        found: dict[tuple[str, str], Visit] = {}
        self._walk(self._stages[self._stage_of[step]], item_id, found)
        return list(found.values())

    def begin_of(self, step: str) -> str:
        """The step at which the rows that reach this one began: a source, or one that takes all rows."""
        begin = first_before(
            self._stage_of[step], lambda name: [] if self._stages[name].begins else self._stages[name].upstream
        )
        return self._stages[begin].head.name

    def _walk(self, stage: Stage, item_id: str, found: dict[tuple[str, str], Visit]) -> Visit:
        if (known := found.get((stage.name, item_id))) is not None:
            return known
        entry, numbers = item_id, list[int | None]()
        for planned in reversed(stage.steps[stage.begins :]):
            if may_multiply(planned):
                entry, _, last = entry.rpartition(".")
                numbers.append(int(last))
            else:
                numbers.append(None)
        numbers.reverse()
        if stage.begins:
            key, after = self._root(stage.head.name, int(entry)), self._origin_of(stage, int(entry), found)
            last_visit = self._add(Visit(stage.head, entry, key, None, None, after, begins=True), found)
            after = [stage.head.name]
        else:
            key, after = self._before(stage, entry, found)
        for planned, number in zip(stage.steps[stage.begins :], numbers, strict=True):
            taken, entry = key, entry if number is None else f"{entry}.{number}"
            key = child_key(taken, number) if taken is not None and number is not None else taken
            last_visit = self._add(Visit(planned, entry, key, taken, number, after), found)
            after = [planned.name]
        return last_visit

    def _origin_of(self, stage: Stage, position: int, found: dict[tuple[str, str], Visit]) -> list[str]:
        """The step whose row became this one of a step over all rows, as far as it is known."""
        if (origin := self._origin(stage.head.name, position)) is None or origin[0] >= len(stage.upstream):
            return []
        number, item_id = origin
        before = self._stages[stage.upstream[number]]
        while ROWS_OF in before.name and not before.begins:  # it only gathers what a router sent
            before = self._stages[before.upstream[0]]
        return [self._walk(before, item_id, found).step]

    def _before(self, stage: Stage, entry: str, found: dict[tuple[str, str], Visit]) -> tuple[bytes | None, list[str]]:
        """The key of the row that a stage took, and the steps it came from."""
        if not stage.is_join:
            before = self._walk(self._stages[stage.upstream[0]], entry, found)
            return before.key, [before.step]
        joiner = self._joiner(stage, entry)
        left_out = joiner.left_out(entry)
        parts = {name: part for name, part in joiner.parts_of(entry).items() if name not in left_out}
        visits = [self._walk(self._stages[name], part, found) for name, part in parts.items()]
        keys = [visit.key for visit in visits if visit.key is not None]
        is_known = bool(keys) and len(keys) == len(visits)
        key = joined_key(keys, list(parts), complete=not left_out) if is_known else None
        return key, [visit.step for visit in visits]

    def _joiner(self, stage: Stage, item_id: str) -> Joiner:
        """The join before a stage, told where routing sent this row."""
        joiner = Joiner(stage, self._stages)
        origin = prefix(item_id, joiner.depth)
        for name, switch in self._switches.items():
            if name not in self._reached(origin):
                continue
            steps = switch.choose(origin)
            targets = self._stages[name].downstream
            chosen = [after for after in targets if self._stages[after].entrance in steps]
            joiner.routed(name, origin, chosen, [after for after in targets if after not in chosen])
        return joiner

    def _reached(self, item_id: str) -> set[str]:
        """The stages to which routing leads a row."""
        reached: set[str] = set()
        for name, stage in self._stages.items():  # each stands after those it needs
            before = [upstream for upstream in stage.upstream if upstream in reached]
            if not stage.upstream or stage.is_global or any(self._leads(one, stage, item_id) for one in before):
                reached.add(name)
        return reached

    def _leads(self, before: str, stage: Stage, item_id: str) -> bool:
        switch = self._switches.get(before)
        return switch is None or stage.entrance in switch.choose(item_id)

    @staticmethod
    def _add(visit: Visit, found: dict[tuple[str, str], Visit]) -> Visit:
        return found.setdefault((visit.step, visit.id), visit)
