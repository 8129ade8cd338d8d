"""Where rows go from a stage: to those after it, by the routers' choice, and together again where branches meet."""

from __future__ import annotations

from collections.abc import Iterable

from flows.engine.groups import Groups
from flows.engine.items import Item
from flows.engine.source import Source
from flows.engine.spill import Spill
from flows.engine.station import Station


class Dispatch:
    """Hands rows on between the stations of a run."""

    def __init__(self, stations: dict[str, Station], groups: Groups, spill: Spill) -> None:
        self._stations = stations
        self._groups = groups
        self._spill = spill
        joiners = [station.joiner for station in stations.values() if station.joiner is not None]
        self._joins_around = {name: [joiner for joiner in joiners if name in joiner.region] for name in stations}
        """For each stage the joins that wait for the rows in it."""

    def hand_on(self, station: Station, items: list[Item]) -> None:
        targets = [name for name in station.stage.downstream if not self._stations[name].stage.is_global]
        for item in items if targets else ():
            for name in self._chosen(station, item, targets):
                target = self._stations[name]
                if target.joiner is not None:  # another branch may wait for its turn
                    target.joiner.arrived(station.stage.name, self._spill.put(item) if self._groups.are_waiting else item)
                else:
                    target.queue.append(self._set_aside(name, item))
                for joiner in self._joins_around[name]:
                    joiner.entered(item.id)

    def _chosen(self, station: Station, item: Item, targets: list[str]) -> list[str]:
        if station.switch is None:
            return targets
        steps = station.switch.choose(item.id)
        chosen = [name for name in targets if self._stations[name].stage.entrance in steps]
        others = [name for name in targets if name not in chosen]
        for other in self._stations.values():
            if other.joiner is not None:
                other.joiner.routed(station.stage.name, item.id, chosen, others)
        return chosen

    def _set_aside(self, name: str, item: Item) -> Item:
        """A row as it waits before a stage: what it holds lies on disk where the stage waits for its turn."""
        return self._spill.put(item) if self._groups.is_waiting(name) else item

    def begin(self, source: Source, items: list[Item]) -> None:
        """Hand on what a source made, as far as the sources have come that its rows are matched with."""
        source.ahead += items
        for one in (source, *source.partners):
            self.hand_on(self._stations[one.stage], one.let_go())
            for joiner in self._joins_around[one.stage]:
                joiner.begun(one.stage, one.begun)

    def drain(self, source: Source) -> None:
        """Take no more rows from a source, and let those know that its rows are matched with."""
        source.drain()
        self.begin(source, [])
        self.join()

    def join(self) -> None:
        """Queue the rows whose branches are complete; joins inside others come first."""
        for name, station in self._stations.items():
            if station.joiner is None:
                continue
            joined, used = station.joiner.ready(self._spill.body)
            station.queue.extend(self._set_aside(name, item) for item in joined)
            for outer in self._joins_around[name]:
                for item in joined:
                    outer.entered(item.id)
                for item in used:
                    outer.left(item.id)

    def left(self, station: Station, ids: Iterable[str]) -> None:
        """A stage is done with these rows; what came of them has been handed on already."""
        if joiners := self._joins_around[station.stage.name]:
            for item_id in ids:
                for joiner in joiners:
                    joiner.left(item_id)
