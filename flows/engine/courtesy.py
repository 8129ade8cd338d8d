"""How the engine shares processors with those that compute for it."""

from __future__ import annotations

import contextlib
import os


def let_others_finish() -> None:
    """From now on this process interrupts no other one when it has something to do: it waits for its turn, a few ms at most.

    The engine wakes for every reply, and each time it would push aside whoever computes the next ones. Where all processors are
    busy that costs a tenth of the speed of a model on this machine; where one is idle it changes nothing. Processes that are
    started from here would inherit it: the one that workers are forked from has to be there already. Linux only; elsewhere,
    and where it is forbidden, nothing happens.

    See the policy SCHED_BATCH in https://man7.org/linux/man-pages/man7/sched.7.html
    """
    if hasattr(os, "SCHED_BATCH"):
        with contextlib.suppress(OSError):
            os.sched_setscheduler(0, os.SCHED_BATCH, os.sched_param(0))
