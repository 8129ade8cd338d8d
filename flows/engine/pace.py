"""How many rows to take at a time, where nobody else's work depends on it."""

from __future__ import annotations

SHORT_S, LONG_S = 0.005, 0.020
"""A batch that took less is worth doubling; one that took longer is halved, so that rows are seen, and stopped, soon."""
SMALL_BYTES, LARGE_BYTES = 2**18, 2**20
MOST_ROWS = 4096


class Pace:
    """Finds the batch that is large enough for the work on its rows to outweigh the work around it, and no larger."""

    def __init__(self) -> None:
        self._rows = 1

    def rows(self, least: int, most: int) -> int:
        """Rows to take now: `least` unless more have proved good, and never more than `most` then."""
        self._rows = max(self._rows, least)
        return max(least, min(self._rows, most))

    def took(self, rows: int, seconds: float, size: int) -> None:
        """So many rows were taken, of so many bytes together."""
        if rows < self._rows:  # something else was the limit
            return
        if seconds < SHORT_S and size < SMALL_BYTES:
            self._rows = min(2 * rows, max(rows, MOST_ROWS))
        elif seconds > LONG_S or size > LARGE_BYTES:
            self._rows = rows // 2
