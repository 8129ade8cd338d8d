"""Where rows begin, as the scheduler sees it: how many there are so far, how many may be, and which wait for others.

Sources whose rows are matched go side by side: none is far ahead of the others, and a row that comes to nothing without its
partner is let go when that one has begun. A step that wants so many rows sets a quota.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from flows.engine.items import Item, prefix

LEAD_BATCHES = 2
"""Batches by which a source may be ahead of another one whose rows are matched with its own."""


@dataclass(slots=True, eq=False)
class Source:
    """The rows that begin in one stage. Of a step over all rows, where they begin anew, only `made` and `is_drained` matter."""

    stage: str
    batch_rows: int
    made: int = 0
    is_drained: bool = False
    """No more rows are taken from it: it has none, or none is wanted."""
    quota: float = math.inf
    """Rows that it may make so far; it grows while a step after it wants more."""
    partners: list[Source] = field(default_factory=list)
    """Sources whose rows are matched with those of this one."""
    ends_with: list[Source] = field(default_factory=list)
    """Partners without whose rows those of this one come to nothing."""
    ahead: list[Item] = field(default_factory=list)
    """Rows that wait for their partners to begin: nothing is paid for one that none is left for."""

    @property
    def end(self) -> float:
        """Rows that a partner is left for: no more than those that have ended made."""
        return min((other.made for other in self.ends_with if other.is_drained), default=math.inf)

    @property
    def may_make(self) -> float:
        """Rows that it may make now: within its quota, and not far ahead of those that its rows are matched with."""
        lead = LEAD_BATCHES * self.batch_rows
        bounds = [other.made + lead for other in self.partners if not other.is_drained]
        return min(self.quota, self.end + 1, *bounds) - self.made  # the one beyond the end tells that there was one

    @property
    def has_more(self) -> bool:
        return not self.is_drained and self.may_make > 0

    @property
    def is_alone(self) -> bool:
        """Whether it has made a row that no other is left for: so have all that it could still make."""
        return not self.is_drained and self.end < self.made

    @property
    def partners_begun(self) -> float:
        """Up to which position its partners have begun; `inf` where it waits for none."""
        return min((other.made for other in self.ends_with if not other.is_drained), default=math.inf)

    @property
    def begun(self) -> float:
        """Up to which position all its rows are on their way, or never will be."""
        return min(self.partners_begun, math.inf if self.is_drained else self.made)

    def drain(self) -> None:
        """Take no more rows from it."""
        self.is_drained = True

    def let_go(self) -> list[Item]:
        """The rows that may go on now. Those that no partner is left for are dropped."""
        waiting, self.ahead = self.ahead, []
        if not self.ends_with:
            return waiting
        end, reached = self.end, self.partners_begun
        ready: list[Item] = []
        for item in waiting:
            position = int(prefix(item.id, 1))
            if position < end:
                (ready if position < reached else self.ahead).append(item)
        return ready
