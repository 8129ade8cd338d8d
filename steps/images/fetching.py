"""Images that a server names by their address: fetched at once, since they are paid for and gone within the hour."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from urllib.parse import urlsplit

from steps import cassettes
from steps.errors import LLMError
from steps.images.files import MOST_BYTES, kind_of
from steps.llms.addresses import find_proxy, host_and_port, is_loopback, url_problem

ATTEMPTS = 5
PAUSE_S = 0.5
_TRANSLATED = ipaddress.ip_network("64:ff9b::/96")
"""Addresses of version 4 in those of version 6."""
_INSTEAD = "set response_format to b64_json in generation_kwargs: then the image comes with the reply"


async def fetch_image(url: str, asked: str, timeout_s: float) -> bytes:
    """The image at an address that the server `asked` gave.

    Raises:
        LLMError: The address is none that should be asked, or there is no image, also after several attempts. It is no error
            that another request would mend: each is paid for.
    """
    for problem in cassettes.passed_by("images that a server only names"):
        raise LLMError(*problem)
    if refusal := _refused(url, asked):
        raise LLMError(refusal, _INSTEAD)
    import aiohttp

    error: Exception | None = None
    for attempt in range(ATTEMPTS):
        if attempt:
            await asyncio.sleep(PAUSE_S * 2 ** (attempt - 1))
        try:
            return await _get(url, asked, timeout_s)
        except _Inside as inside:
            raise LLMError(str(inside), _INSTEAD) from inside
        except (OSError, aiohttp.ClientError) as failure:
            error = failure
    raise LLMError(f"the image was made and cannot be fetched from {host_and_port(url)}: {error}", _INSTEAD) from error


class _Inside(Exception):
    """A name stands for an address of the own network."""


async def _get(url: str, asked: str, timeout_s: float) -> bytes:
    import aiohttp
    from aiohttp.abc import ResolveResult

    class Outside(aiohttp.ThreadedResolver):
        """Looks names up at the moment of the connection: asked before, a server of names might say something else."""

        async def resolve(self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET) -> list[ResolveResult]:
            found = await super().resolve(host, port, family)
            if any(_is_inside(one["host"]) for one in found):
                raise _Inside(f"the image is said to be at {host}, which is inside of this network")
            return found

    timeout = aiohttp.ClientTimeout(total=timeout_s)
    proxy = find_proxy(url)
    is_free = proxy is not None or _host_of(url) == _host_of(asked)  # a proxy looks names up by itself
    connector = aiohttp.TCPConnector(resolver=None if is_free else Outside())
    async with (
        aiohttp.ClientSession(connector=connector, timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, proxy=proxy, allow_redirects=False) as response,
    ):
        if response.status != 200:
            raise OSError(f"it said {response.status}")
        file = bytearray()
        while len(file) <= MOST_BYTES and (more := await response.content.read(2**20)):
            file += more
    if len(file) > MOST_BYTES or kind_of(bytes(file[:16])) is None:
        raise OSError("there is no image")
    return bytes(file)


def _refused(url: str, asked: str) -> str:
    """Why an address should not be asked: nobody's model may send this machine looking around in its own network."""
    if url_problem(url):
        return f"the address of the image is none: {url[:100]!r}"
    if (host := _host_of(url)) == _host_of(asked):
        return ""
    return f"the image is said to be at {host}, inside of this network" if is_loopback(url) or _is_inside(host) else ""


def _host_of(url: str) -> str:
    return urlsplit(url).hostname or ""


def _is_inside(host: str) -> bool:
    """Whether an address is not one of the open network; of a name nobody knows yet."""
    try:
        address = ipaddress.ip_address(host.partition("%")[0])
    except ValueError:
        return False
    if isinstance(address, ipaddress.IPv6Address) and address in _TRANSLATED:
        address = ipaddress.IPv4Address(int(address) & 0xFFFFFFFF)
    return not address.is_global
