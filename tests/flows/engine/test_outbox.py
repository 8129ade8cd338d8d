"""Messages of one turn of the event loop travel together, in their order, and none is left behind."""

from __future__ import annotations

import asyncio
import socket

from flows.engine.outbox import Outbox
from flows.engine.worker import message


async def test_what_is_said_in_one_turn_arrives_in_one_piece_and_in_order() -> None:
    mine, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=mine)
    outbox = Outbox(writer)

    outbox.put(b"A", b"one")
    outbox.put(b"B")
    theirs.setblocking(False)
    assert nothing_in(theirs)
    await asyncio.sleep(0)
    first = theirs.recv(1 << 16)
    outbox.put(b"C", b"three")
    outbox.flush()
    second = theirs.recv(1 << 16)

    assert first == message(b"A", b"one") + message(b"B")
    assert second == message(b"C", b"three")
    writer.close()
    theirs.close()


async def test_nothing_is_written_to_a_stream_that_was_closed_meanwhile() -> None:
    mine, theirs = socket.socketpair()
    _, writer = await asyncio.open_connection(sock=mine)
    outbox = Outbox(writer)

    outbox.put(b"A", b"too late")
    writer.close()
    await asyncio.sleep(0.01)

    assert theirs.recv(1 << 16) == b""
    theirs.close()


def nothing_in(sock: socket.socket) -> bool:
    try:
        sock.recv(1)
    except BlockingIOError:
        return True
    return False
