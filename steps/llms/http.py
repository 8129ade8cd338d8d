"""Requests to a model server: connections and time limit of the model clients.

A request costs about 0.2 ms of CPU (benchmarks/request_path.py). To keep it so, URL, headers and proxy are made once:
aiohttp's `trust_env` would look the proxy up in a thread pool for every request. aiohttp itself is imported when the
first connection is opened, not with this module.
"""

from __future__ import annotations

import asyncio
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

import orjson

from steps import cassettes
from steps.cassettes.exchanges import Sent
from steps.cassettes.recording import Recorder
from steps.errors import BadRequest, NetworkFailed, RunError, Unreachable
from steps.llms.addresses import find_proxy, host_and_port, trusted_certificates

if TYPE_CHECKING:
    from aiohttp import ClientResponse, ClientSession

KEEP_ALIVE_S = 60
DNS_CACHE_S = 300
CONNECT_S = 30.0
"""How long a connection may take; after that there is none to be had."""
LARGEST_REPLY_BYTES = 32 * 2**20
LARGE_BODY_BYTES = 2**20  # from here on aiohttp wants a file, and warns about bytes

Grown = Callable[[int], None]
"""Is told of how many bytes a file that comes in is going to be, and raises to have no more of it."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, whatever its status."""

    status: int
    headers: Mapping[str, str]
    body: bytes


@dataclass(slots=True)
class _Shared:
    session: ClientSession
    users: int = 1


def json_body(body: Mapping[str, Any]) -> bytes:
    """A body as it travels.

    Raises:
        BadRequest: It cannot be written.
    """
    try:
        return orjson.dumps(body, option=orjson.OPT_NON_STR_KEYS | orjson.OPT_SERIALIZE_NUMPY)
    except TypeError as error:
        raise BadRequest(f"this chat cannot be written as JSON: {error}", "mend the row's text") from error


class JSONEndpoint:
    """Posts JSON to one URL over connections that are kept open; other requests to its server go by them too (`send`).

    Several users may `open` it, and each closes it again; every event loop gets connections of its own.
    """

    def __init__(self, url: str, headers: Mapping[str, str], timeout_s: float, most_bytes: int | None = None) -> None:
        """`most_bytes`: how large a reply may be, where that is more than replies mostly are."""
        self._url = url
        self._most_bytes = most_bytes or LARGEST_REPLY_BYTES
        self._headers = {"Content-Type": "application/json", "Accept": "application/json", **headers}
        self._timeout_s = timeout_s
        self._proxy = find_proxy(url)
        self._where = host_and_port(url)
        self._shared: dict[asyncio.AbstractEventLoop, _Shared] = {}
        self._target: Any = None
        self._proxy_target: Any = None

    async def open(self) -> None:
        """Get ready to send from the running event loop."""
        loop = asyncio.get_running_loop()
        if shared := self._shared.get(loop):
            shared.users += 1
            return
        import aiohttp
        from yarl import URL

        self._target = URL(self._url, encoded=True)
        self._proxy_target = URL(self._proxy) if self._proxy else None
        connector = aiohttp.TCPConnector(
            limit=0, keepalive_timeout=KEEP_ALIVE_S, ttl_dns_cache=DNS_CACHE_S, ssl=trusted_certificates(self._url)
        )
        session = aiohttp.ClientSession(
            connector=connector,
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=None, sock_connect=CONNECT_S),  # `post` has its own for the whole
            headers=self._headers,
        )
        self._shared[loop] = _Shared(session)

    async def close(self) -> None:
        """Undo one `open`; the last one closes the connections."""
        loop = asyncio.get_running_loop()
        shared = self._shared.get(loop)
        if shared is None:
            return
        shared.users -= 1
        if not shared.users:
            del self._shared[loop]
            await shared.session.close()

    @property
    def headers(self) -> Mapping[str, str]:
        """Those of all requests."""
        return self._headers

    @property
    def is_open(self) -> bool:
        """Whether anyone uses it, on any event loop that still runs."""
        return any(not loop.is_closed() for loop in self._shared)

    def __getstate__(self) -> dict[str, Any]:
        return {**self.__dict__, "_shared": {}}  # a copy has no connections

    async def post(self, content: bytes, headers: Mapping[str, str] | None = None) -> Answer:
        """Send one body and wait for the answer. Redirects are answers too: keys must not travel to another host.

        `headers` are those of this request alone. A cassette that is in keeps the answer, or gives one.

        Raises:
            NetworkFailed: There was no answer, or not all of it; Unreachable where no connection could be made.
            NotRecorded: A cassette answers, and does not know this request.
        """
        if (tape := cassettes.current()) is None:
            return await self._post(content, headers)
        sent = Sent("POST", self._url, content, {**self._headers, **(headers or {})})
        if not isinstance(tape, Recorder):
            return Answer(*tape.answer(sent))
        try:
            answer = await self._post(content, headers)
        except NetworkFailed as error:
            tape.keep_failure(sent, error)
            raise
        tape.keep(sent, answer.status, answer.headers, answer.body)
        return answer

    async def _post(self, content: bytes, headers: Mapping[str, str] | None) -> Answer:
        shared = self._shared.get(asyncio.get_running_loop())
        if shared is None:
            raise RuntimeError("load() must be awaited on this event loop before complete()")
        data = content if len(content) < LARGE_BODY_BYTES else io.BytesIO(content)
        with self._told(self._timeout_s):
            async with (
                asyncio.timeout(self._timeout_s),
                shared.session.post(
                    self._target, data=data, headers=headers, proxy=self._proxy_target, allow_redirects=False
                ) as response,
            ):
                return Answer(response.status, response.headers, await self._body(response))

    async def send(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str],
        *,
        data: Any = None,
        into: Path | None = None,
        grown: Grown = lambda size: None,
        timeout_s: float | None = None,
    ) -> Answer:
        """Send one request to any URL of the same server, once it is open. What a good answer holds goes `into` a file, if
        one is named, as long as `grown` lets it; `data` may be a file or a form, which is sent piece by piece.

        Raises:
            NetworkFailed: As `post`.
            RunError: The file cannot be written; or a cassette is in, which keeps single requests only; or what `grown` raises.
        """
        import aiohttp
        from yarl import URL

        for problem in cassettes.passed_by("batches"):
            raise RunError(*problem)

        shared, timeout_s = self._shared[asyncio.get_running_loop()], timeout_s or self._timeout_s
        with self._told(timeout_s):
            async with (
                asyncio.timeout(timeout_s),
                shared.session.request(
                    method,
                    URL(url, encoded=True),
                    data=data,
                    headers=headers,
                    proxy=self._proxy_target,
                    allow_redirects=False,
                ) as response,
            ):
                if into is None or response.status >= 300:
                    return Answer(response.status, response.headers, await self._body(response))
                size = 0
                try:
                    with into.open("wb") as file:
                        async for part in response.content.iter_chunked(1 << 18):
                            grown(size := size + len(part))
                            file.write(part)
                except OSError as error:
                    if not error.errno or isinstance(error, aiohttp.ClientError):
                        raise
                    raise RunError(f"{into} cannot be written: {error.strerror}", "make room") from error
                return Answer(response.status, response.headers, b"")

    @contextmanager
    def _told(self, timeout_s: float) -> Iterator[None]:
        """Turn what can happen on the way into our errors."""
        import aiohttp

        try:
            yield
        except aiohttp.ConnectionTimeoutError as error:
            raise Unreachable(
                f"no connection to {self._via} within {CONNECT_S:g} s", "check the network and the server, or correct base_url"
            ) from error
        except TimeoutError as error:
            raise NetworkFailed(
                f"{self._via} did not answer within {timeout_s:g} s",
                "raise `timeout`, or lower `max_concurrency` if the server is overloaded",
            ) from error
        except aiohttp.ClientResponseError as error:
            # its repr holds the request with its headers, and so the key: not chained; its message may hold what was sent back
            raise NetworkFailed(
                f"{self._via} did not answer in HTTP: {error.status} {_without_bytes(error.message)[:200]!r}",
                "check base_url and the proxy variables",
            ) from None
        except (aiohttp.ClientError, OSError) as error:
            raise self._failure(error) from error

    async def _body(self, response: ClientResponse) -> bytes:
        """What was sent, unpacked; some hundred bytes can unpack to gigabytes.

        Raises:
            BadRequest: It is too large to be a reply.
        """
        most = self._most_bytes
        if (response.content_length or most) < most and not response.headers.get("Content-Encoding"):
            return await response.read()
        parts: list[bytes] = []
        size = 0
        async for part in response.content.iter_any():
            parts.append(part)
            if (size := size + len(part)) > most:
                raise BadRequest(
                    f"{self._via} sent a reply of more than {most // 2**20} MB",
                    "check base_url, and lower max_new_tokens",
                )
        return b"".join(parts)

    @property
    def _via(self) -> str:
        return f"{self._where} (through the proxy {host_and_port(self._proxy)})" if self._proxy else self._where

    def _failure(self, error: Exception) -> NetworkFailed:
        import aiohttp

        match error:
            case aiohttp.ClientProxyConnectionError():
                proxy = host_and_port(self._proxy or "")
                return Unreachable(
                    f"cannot connect to the proxy {proxy} on the way to {self._where}: {_reason(error.os_error)}",
                    "correct the variable HTTPS_PROXY or HTTP_PROXY, or name the host in NO_PROXY",
                )
            case aiohttp.ClientConnectorCertificateError() | aiohttp.ClientSSLError():
                return Unreachable(
                    f"{self._via} cannot be trusted: {str(error)[:200]}",
                    "check that base_url says https only where the server does, and set SSL_CERT_FILE to the file "
                    "with the certificate authority of your network, if it has one",
                )
            case aiohttp.ClientConnectorDNSError():
                host = urlsplit(self._url).hostname
                return Unreachable(
                    f"the name {host!r} cannot be found: it is misspelt, or there is no connection to the internet",
                    "correct base_url, or check the network",
                )
            case aiohttp.ClientConnectorError():
                return Unreachable(
                    f"cannot connect to {self._via}: {_reason(error.os_error)}",
                    "start the server, or correct base_url (with --llm: provider/MODEL@http://host:port/v1)",
                )
            case aiohttp.InvalidURL():
                return Unreachable(f"{self._where} is not an address that can be called", "correct base_url")
        return NetworkFailed(
            f"{self._via} closed the connection before it had answered ({type(error).__name__})",
            "look at the server's log; behind a gateway, its time limit may be the cause",
        )


_BYTES_SHOWN = re.compile(r"""\bb(['"]).*""", re.DOTALL)


def _without_bytes(message: str) -> str:
    """What was wrong with an answer, without the answer: servers that are none may send the key back."""
    return " ".join(_BYTES_SHOWN.sub("...", message).split())


def _reason(error: OSError) -> str:
    if error.errno and error.errno > 0:
        return os.strerror(error.errno)
    return error.strerror or str(error) or type(error).__name__
