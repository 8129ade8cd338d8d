"""Engines that several users in this process share: started by the first, closed by the last."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from steps.local.engine import Engine

_Key = tuple[int, str]


@dataclass(slots=True)
class _Shared:
    starting: asyncio.Future[Engine]
    users: int = 0


_engines: dict[_Key, _Shared] = {}


def _key(weights: str) -> _Key:
    return id(asyncio.get_running_loop()), weights


async def take(weights: str, start: Callable[[], Awaitable[Engine]]) -> Engine:
    """The engine of these weights on this event loop; `start` makes it if nobody has."""
    key = _key(weights)
    if (shared := _engines.get(key)) is None:
        shared = _engines[key] = _Shared(asyncio.ensure_future(start()))
    shared.users += 1
    try:
        return await asyncio.shield(shared.starting)
    except BaseException:
        await _leave(key, shared)
        raise


async def give_back(weights: str) -> None:
    """Undo one `take`."""
    key = _key(weights)
    if (shared := _engines.get(key)) is not None:
        await _leave(key, shared)


async def _leave(key: _Key, shared: _Shared) -> None:
    shared.users -= 1
    if shared.users:
        return
    if _engines.get(key) is shared:
        del _engines[key]
    if shared.starting.done():
        if not shared.starting.cancelled() and shared.starting.exception() is None:
            await shared.starting.result().close()
    else:
        shared.starting.cancel()
