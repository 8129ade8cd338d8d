"""Load groups: stages that start only when those of the groups before them have ended, and have let go of what they held."""

from __future__ import annotations

from flows.engine.stages import ALL_OF, ROWS_OF
from flows.engine.station import Station
from flows.plan import PlannedStep
from flows.plan.grouping import LoadGroups

NO_TURN = -1


class Groups:
    """Whose turn it is. A step in no group never waits, and cheap steps that work in one stage wait for the first of them."""

    def __init__(self, groups: LoadGroups, stations: dict[str, Station]) -> None:
        turns = {step: number for number, group in enumerate(groups) for step in group}
        self._groups = groups
        self._stations = stations
        self._turn: dict[str, int] = {}
        for name, station in stations.items():
            if (turn := min(turns.get(_named(planned), NO_TURN) for planned in station.stage.steps)) != NO_TURN:
                self._turn[name] = turn

        self._now = min(self._turn.values(), default=0)

    def is_waiting(self, name: str) -> bool:
        """Whether a stage's turn has not come."""
        return self._turn.get(name, NO_TURN) > self._now

    @property
    def are_waiting(self) -> bool:
        """Whether any stage's turn has not come."""
        return self._now < max(self._turn.values(), default=0)

    def advance(self) -> tuple[str, ...]:
        """The steps whose turn has come now; empty while the group before is at work."""
        if not self.are_waiting or not all(self._has_ended(name) for name, turn in self._turn.items() if turn <= self._now):
            return ()
        self._now = min(turn for turn in self._turn.values() if turn > self._now)
        return self._groups[self._now]

    def _has_ended(self, name: str) -> bool:
        station = self._stations[name]
        return station.is_done and not station.hosts and not station.leases


def _named(planned: PlannedStep) -> str:
    """The step of the pipeline with which a step takes its turn.

    One that only gathers rows for a step over all of them takes none: a loop counts what it has gathered.
    """
    if ROWS_OF in planned.name and not planned.is_source:
        return planned.name
    return planned.name.removesuffix(ROWS_OF).removesuffix(ALL_OF)
