"""Calls in a process of their own, for what strangers try: one that takes too long, or too much memory, is ended."""

from __future__ import annotations

import resource
import sys
from collections.abc import Callable
from multiprocessing.connection import Connection
from typing import Any, TypeVar

from flows.engine.hosts import context, start_process, warm_up
from steps.errors import DistilflowError, RunError

LONGEST_S = 60.0
LARGEST_MB = 1024
FIX = "try fewer or smaller rows, or do it on a machine of your own, or in a copy of this Space"
T = TypeVar("T")


def apart(function: Callable[..., T], *arguments: Any) -> T:
    """What a function returns, called in another process. Function, arguments and result are pickled.

    Raises:
        DistilflowError: That of the function.
        RunError: It took too long, or the process ended.
    """
    warm_up()
    heard, told = context.Pipe(duplex=False)
    process = context.Process(target=_call, args=(told, function, arguments), daemon=True)
    start_process(process)
    try:
        told.close()
        if not heard.poll(LONGEST_S):
            raise RunError(f"this took more than {LONGEST_S:g} s, which is as long as it may on this server", FIX)
        is_fine, result = heard.recv()
    except EOFError:
        raise RunError("this ended the process that tried it: it may have taken too much memory", FIX) from None
    finally:
        heard.close()
        process.kill()
        process.join()
    if not is_fine:
        raise result
    found: T = result
    return found


def _call(told: Connection, function: Callable[..., Any], arguments: tuple[Any, ...]) -> None:
    if sys.platform == "linux":  # elsewhere the limit counts what is mapped, not what is taken
        resource.setrlimit(resource.RLIMIT_DATA, (LARGEST_MB << 20, LARGEST_MB << 20))
    try:
        outcome = True, function(*arguments)
    except MemoryError:
        outcome = False, RunError(f"this takes more than {LARGEST_MB} MB, which is as much as it may on this server", FIX)
    except DistilflowError as error:
        outcome = False, error
    told.send(outcome)
