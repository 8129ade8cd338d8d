"""What a run that went to its end did not come to, though no row failed: its summary says so, as it tells the rows that did."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from steps.base import GeneratorStep
from steps.wording import listed

if TYPE_CHECKING:
    from flows.engine.station import Station


@dataclass(frozen=True, slots=True)
class Shortfall:
    """Rows that a step did not make, or sources made in vain."""

    step: str
    what: str
    fix: str

    def __str__(self) -> str:
        return f"step {self.step!r}: {self.what}"


def unmatched(stations: Mapping[str, Station], repeated: Collection[str]) -> list[Shortfall]:
    """The joins of sources of which some gave more rows than others. `repeated`: sources that end when there are enough."""
    found = []
    for station in stations.values():
        names = station.joiner.sources if station.joiner is not None else []
        if any(name in repeated for name in names):
            continue
        made = {stations[name].stage.entrance: source.made for name in names if (source := stations[name].source) is not None}
        fewest = min(made.values(), default=0)
        longer = listed(repr(name) for name, rows in made.items() if rows > fewest)
        short = [stations[name] for name in names if (source := stations[name].source) is not None and source.made == fewest]
        shorter = listed(repr(one.stage.entrance) for one in short)
        if longer:
            what = f"of {longer} only the first {fewest:,} rows are matched, since {shorter} gave no more"
            ways = [*_raised(short, fewest), "let these sources give as many rows as each other"]
            found.append(Shortfall(station.stage.entrance, what, ", or ".join(ways)))
    return found


def _raised(stations: Collection[Station], rows: int) -> Iterator[str]:
    """The parameters by which sources gave so few rows."""
    for station in stations:
        step = station.stage.head.step
        name = step.rows_set_by if isinstance(step, GeneratorStep) else ""
        if name and getattr(step, name) == rows:
            yield f"raise `{name}` of {station.stage.entrance!r}"
