"""Mean and spread of numbers that come one by one, none of which is kept."""

from __future__ import annotations

import math
from dataclasses import dataclass


@dataclass(slots=True)
class Spread:
    """By Welford's method: exact also for large numbers that lie close together."""

    count: int = 0
    mean: float = 0.0
    _squares: float = 0.0

    def add(self, value: float) -> None:
        self.count += 1
        off = value - self.mean
        self.mean += off / self.count
        self._squares += off * (value - self.mean)

    @property
    def deviation(self) -> float:
        """Standard deviation of the sample; 0 of fewer than two numbers."""
        return math.sqrt(self._squares / (self.count - 1)) if self.count > 1 else 0.0
