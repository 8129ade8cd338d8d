"""Sources that are repeated: rows go in by the slice, until the step that wants them has enough.

A slice is what seems to be missing, by what came of the slices before. Only when it is through is anything counted, so which
rows leave in the end depends on the rows alone: a run that goes on sends the same slices, and pays for none of them twice.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Callable, Coroutine
from typing import Literal

from flows.engine.accepted import AcceptedRows
from flows.engine.origins import naming
from flows.engine.shelf import ShelfRows
from flows.engine.shortfalls import Shortfall
from flows.engine.source import Source
from flows.engine.stages import source_of, stages_before
from flows.engine.station import Station
from steps.base import LoopStep

PROBE = 0.1
"""Share of the rows wanted that is sent first where steps drop or multiply rows, so that nobody knows what comes of one."""
LEAST_YIELD = 0.1
"""Rows that are expected of a row at least: a slice is no larger than ten times what is missing."""
SPARE = 1.1
"""More than what seems to be missing is sent, by this factor: a further slice costs more time than a few rows."""
ROWS_IN_VAIN = 200
"""Rows in a row of which none counts before it is given up."""

Log = Callable[[Literal["info", "warning"], str], None]


class Loop:
    """One step that sends for more rows, and the source that it repeats."""

    def __init__(self, wanting: Station, stations: dict[str, Station], log: Log, *, may_repeat: bool) -> None:
        """`wanting`: where the step works. `may_repeat`: not when a run takes a few rows of its sources only."""
        stages = {name: station.stage for name, station in stations.items()}
        assert wanting.stage.repeats is not None
        self.step: LoopStep = wanting.stage.repeats
        source = stations[source_of(wanting.stage, stages).name].source
        assert source is not None
        self.source: Source = source
        self.is_over = False
        self.shortfall: Shortfall | None = None
        """Set when it is over and has fewer rows than it wants."""
        self.wanting = wanting
        self._before = stations[wanting.stage.upstream[0]]
        self._inside = [stations[name] for name in stages_before(wanting.stage, stages)]
        self._log = log
        self._looking = False
        self._counted = 0
        self._sent = 0
        self._in_vain = 0
        if may_repeat:
            is_one_each = self._before.stage.depth == 1
            self.source.quota = self.step.num_rows if is_one_each else math.ceil(PROBE * self.step.num_rows)

    @property
    def is_due(self) -> bool:
        """Whether all that was sent is through, so that it can be counted."""
        is_through = self.source.is_drained or self.source.quota <= self.source.made
        return is_through and not self.is_over and not self._looking and not any(one.is_busy for one in self._inside)

    def look(self) -> Coroutine[None, None, None]:
        """Count the rows that are wanted, and send for more or end it. Not due again until that is done."""
        self._looking = True
        return self._look()

    async def _look(self) -> None:
        self._before.shelf.show()
        counted = await asyncio.to_thread(self._count)
        gained, sent = counted - self._counted, self.source.made - self._sent
        self._in_vain = 0 if gained else self._in_vain + sent
        self._counted, self._sent = counted, self.source.made
        missing = self.step.num_rows - counted
        if missing <= 0 or self.source.is_drained or self._in_vain >= ROWS_IN_VAIN:
            self._end(missing)
        else:
            expected = max((gained + 1) / (sent + 1), LEAST_YIELD)  # of a short slice a little more: too few are sent again
            self.source.quota += max(math.ceil(SPARE * missing / expected), self._in_vain)
            self._log("info", f"step {self.step.name!r}: {counted} of {self.step.num_rows} rows; more are made")
        self._looking = False

    def _count(self) -> int:
        with naming(self.step):
            self.step.load()
            return self.step.count_enough(AcceptedRows(self.step, ShelfRows(self._before.shelf.path)))

    def _end(self, missing: int) -> None:
        self.is_over = True
        if missing > 0 and self.source.quota < math.inf:
            why = "the source has no more" if self.source.is_drained else f"of the last {self._in_vain:,} none counted"
            what = f"{self._counted:,} of {self.step.num_rows:,} rows, and {why}"
            fix = "loosen what counts, let the source make other rows, or raise max_rounds"
            self.shortfall = Shortfall(str(self.step.name), what, fix)
            self._log("warning", f"{self.shortfall}; {fix}")
