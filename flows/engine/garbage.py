"""How often Python looks for objects that refer to each other in circles."""

from __future__ import annotations

import gc


def collect_seldom() -> None:
    """Rows and requests come and go by the thousand, few of them in circles: looking often costs a tenth of the time."""
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
