"""How long to be silent after a refusal, and how far a server's `Retry-After` is to be believed.

Some servers mean it: they have room then, not earlier. Many name a round number and have room much sooner; waiting in full
would waste most of what they allow. So it is found out. The refused request waits as long as it was told. The others are
silent for a quarter of that; then one goes first, the scout. If it is refused as well, the server is believed four times as
much, which at first is in full. If it is accepted: a quarter as much, from the next refusal on. While scouts are refused the
silence doubles.
"""

from __future__ import annotations

import math

UNSAID_S = 1.0
"""What is taken for `Retry-After` when a refusal names no time."""
STEP = 4.0
LEAST_BELIEF, MOST_BELIEF = 1 / 256, STEP
LITTLE_BELIEF = 1 / 16
"""Believed no more than this, the scout need not go alone."""
SHORTEST_LESSON_S, LONGEST_LESSON_S = 0.02, 4.0
"""Silence after a scout that was refused, at least: the first for twice the shortest, then doubling up to the longest."""
LONGEST_STREAK = 20


class Silence:
    """`until`: nothing is sent before."""

    def __init__(self) -> None:
        self.until = -math.inf
        self._belief = 1.0  # share of Retry-After for the refused request; a STEP less for the others
        self._is_scout_due = False
        self._scout = 0  # its number
        self._scout_until = -math.inf  # by then its refusal would be here
        self._refused_scouts = 0  # in a row

    def refused(self, now: float, number: int, retry_after_s: float | None, echo_s: float, *, is_news: bool) -> float:
        """Seconds that the refused request should wait. A refusal takes `echo_s` to come back."""
        if number == self._scout:
            self._scout = 0
            self._refused_scouts = min(LONGEST_STREAK, self._refused_scouts + 1)
            self._belief = min(MOST_BELIEF, self._belief * STEP)
        asked_s = UNSAID_S if retry_after_s is None else retry_after_s
        if is_news:
            others_are_back_s = 1.5 * echo_s
            silence_s = max(others_are_back_s, self._lesson_s(), asked_s * min(1.0, self._belief / STEP))
            self.until = max(self.until, now + silence_s)
            self._is_scout_due = True
        return 0.0 if retry_after_s is None else asked_s * min(1.0, self._belief)

    def sent(self, now: float, number: int, echo_s: float) -> None:
        """A request leaves; the first one after a silence is the scout."""
        if not self._is_scout_due:
            return
        self._is_scout_due = False
        self._scout, self._scout_until = number, now + 2 * echo_s
        if self._belief > LITTLE_BELIEF:
            self.until = self._scout_until

    def look(self, now: float) -> None:
        """Has the scout been accepted?"""
        if self._scout and now >= self._scout_until:
            self._scout = self._refused_scouts = 0
            self._belief = max(LEAST_BELIEF, self._belief / STEP)

    def _lesson_s(self) -> float:
        return min(LONGEST_LESSON_S, SHORTEST_LESSON_S * 2.0**self._refused_scouts) if self._refused_scouts else 0.0
