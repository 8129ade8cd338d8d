"""Images that a server names by their address: fetched at once, since they are paid for and gone within the hour."""

from __future__ import annotations

import asyncio
import ipaddress
from urllib.parse import urlsplit

from steps import cassettes
from steps.errors import LLMError
from steps.images.files import MOST_BYTES, kind_of
from steps.llms.http import find_proxy, host_and_port, is_loopback

ATTEMPTS = 5
PAUSE_S = 0.5
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
            return await _get(url, timeout_s)
        except (OSError, aiohttp.ClientError) as failure:
            error = failure
    raise LLMError(f"the image was made and cannot be fetched from {host_and_port(url)}: {error}", _INSTEAD) from error


async def _get(url: str, timeout_s: float) -> bytes:
    import aiohttp

    timeout = aiohttp.ClientTimeout(total=timeout_s)
    async with (
        aiohttp.ClientSession(timeout=timeout, cookie_jar=aiohttp.DummyCookieJar()) as session,
        session.get(url, proxy=find_proxy(url), allow_redirects=False) as response,
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
    parts = urlsplit(url)
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"the address of the image is none: {url[:100]!r}"
    if parts.hostname == urlsplit(asked).hostname:
        return ""
    try:
        is_inside = not ipaddress.ip_address(parts.hostname).is_global
    except ValueError:
        is_inside = is_loopback(url)
    return f"the image is said to be at {parts.hostname}, inside of this network" if is_inside else ""
