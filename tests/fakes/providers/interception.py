"""Requests to the real addresses of providers end at a local server: a proxy, and a certificate for their names.

Nothing of the client is changed but variables that networks with a proxy of their own set too.
"""

from __future__ import annotations

import asyncio
import datetime
import ssl
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from aiohttp import web
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from tests.fakes.providers.dialects import DIALECTS
from tests.fakes.providers.server import FakeProviders
from tests.fakes.serving import Fake


@dataclass(frozen=True, slots=True)
class Intercepted:
    """What `intercepting` set up."""

    providers: FakeProviders
    environment: dict[str, str]
    """Variables that lead requests here."""


@contextmanager
def intercepting(folder: Path, instead: Fake | None = None) -> Iterator[Intercepted]:
    """Play all providers that have hosts of their own, until the block ends; or let another server do so."""
    certificate = folder / "providers.pem"
    certificate.write_bytes(_certificate())
    providers = FakeProviders()
    loop = asyncio.new_event_loop()
    ready: Future[tuple[int, asyncio.Event]] = Future()
    thread = threading.Thread(target=_run, args=(loop, instead or providers, certificate, ready), name="providers", daemon=True)
    thread.start()
    port, stop = ready.result(10)
    proxy = f"http://127.0.0.1:{port}"
    try:
        yield Intercepted(
            providers, {"HTTPS_PROXY": proxy, "NO_PROXY": "127.0.0.1,localhost", "SSL_CERT_FILE": str(certificate)}
        )
    finally:
        loop.call_soon_threadsafe(stop.set)
        thread.join()


def _run(
    loop: asyncio.AbstractEventLoop,
    providers: Fake,
    certificate: Path,
    ready: Future[tuple[int, asyncio.Event]],
) -> None:
    async def serve() -> None:
        stop = asyncio.Event()
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        context.load_cert_chain(certificate)
        app = providers.build_app()
        assert isinstance(app, web.Application)
        runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context, backlog=1024).start()
        inner = int(runner.addresses[0][1])

        tunnels: set[asyncio.Task[None]] = set()

        async def tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            task = asyncio.current_task()
            assert task is not None
            tunnels.add(task)
            try:
                await _tunnel(reader, writer, inner)
            except asyncio.CancelledError:
                pass
            finally:
                tunnels.discard(task)

        proxy = await asyncio.start_server(tunnel, "127.0.0.1", 0, backlog=1024)
        ready.set_result((int(proxy.sockets[0].getsockname()[1]), stop))
        await stop.wait()
        proxy.close()
        for task in list(tunnels):
            task.cancel()
        await asyncio.gather(*tunnels, return_exceptions=True)
        await runner.cleanup()

    with asyncio.Runner(loop_factory=lambda: loop) as runner:
        try:
            runner.run(serve())
        except BaseException as error:
            if ready.done():
                raise
            ready.set_exception(error)


async def _tunnel(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, port: int) -> None:
    """One connection through the proxy: whoever it is meant for, the server here answers."""
    head = await reader.readuntil(b"\r\n\r\n")
    host = head.split(b" ")[1].partition(b":")[0].decode()
    if not head.startswith(b"CONNECT ") or host not in {dialect.host for dialect in DIALECTS.values()}:
        writer.write(b"HTTP/1.1 502 Bad Gateway\r\nContent-Length: 0\r\n\r\n")
        writer.close()
        return
    writer.write(b"HTTP/1.1 200 Connection established\r\n\r\n")
    inner_reader, inner_writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        there = asyncio.create_task(_copy(reader, inner_writer))
        back = asyncio.create_task(_copy(inner_reader, writer))
        await asyncio.wait([there, back], return_when=asyncio.FIRST_COMPLETED)
        for task in (there, back):
            task.cancel()
        await asyncio.gather(there, back, return_exceptions=True)
    finally:
        writer.close()
        inner_writer.close()


async def _copy(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(ConnectionError):
        while data := await reader.read(1 << 16):
            writer.write(data)
            await writer.drain()


@cache
def _certificate() -> bytes:
    """A certificate for all providers, with its key, which trusts itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "providers of a test")])
    now = datetime.datetime.now(datetime.UTC)
    hosts = [x509.DNSName(dialect.host) for dialect in DIALECTS.values() if dialect.host]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName(hosts), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    return private + certificate.public_bytes(serialization.Encoding.PEM)
