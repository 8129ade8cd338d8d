"""Argilla's HTTP API: requests, those that are worth another attempt, and what refusals mean.

It is spoken to directly and not by Argilla's own client: that one drops the time of responses, cannot go on with a data set
that was half made, and prints to the terminal.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar
from urllib.parse import urlsplit

import orjson

from steps.argilla.wire import items_of, read
from steps.errors import RunError
from steps.llms.addresses import is_loopback
from steps.wording import quoted

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")
URL_VARIABLE = "ARGILLA_API_URL"
KEY_VARIABLE = "ARGILLA_API_KEY"
TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Between attempts, once the server has answered: as long as it may take to start again."""
FIRST_PAUSES_S = (0.5,)
"""The same before it has: most likely its address is wrong."""
LONGEST_REPLY_S = 180.0
"""For one answer in all, however busy it seems."""
LARGEST_REPLY_BYTES = 64 * 2**20
MOST_TOLD = 20
"""Complaints of the server that are repeated."""
MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
NO_FAULTS = frozenset({"builtins.ConnectionError", "builtins.OSError", "builtins.TimeoutError"})
"""Errors of Python that a server has because of another one."""
UNREACHABLE_FIX = f"start it, or correct `api_url` or ${URL_VARIABLE}"
KEY_FIX = f"give the key of an owner, or of an admin of the workspace, in `api_key` or ${KEY_VARIABLE}"


class TooLarge(RunError):
    """An answer is larger than any should be."""


class Refused(Exception):
    """The server does not take what was sent; `status` is HTTP's, `detail` its own words."""

    def __init__(self, status: int, detail: str) -> None:
        super().__init__(f"{status}: {detail}")
        self.status = status
        self.detail = detail


def _is_own_space(url: str) -> bool:
    """Whether an address is that of the user's own Space: the environment names it. Others' pipelines may name any."""
    own = (os.environ.get("ARGILLA_API_URL") or "").rstrip("/")
    parts = urlsplit(url)
    return url == own and parts.scheme == "https" and (parts.hostname or "").endswith(".hf.space")


class ArgillaAPI:
    """A server, as the user of a key. A server that cannot be reached, or does not take the key, ends the run."""

    def __init__(self, url: str, key: str) -> None:
        import httpx

        self.url = url.rstrip("/")
        headers = {"X-Argilla-Api-Key": key}
        if _is_own_space(self.url) and (token := os.environ.get("HF_TOKEN")):
            headers["Authorization"] = f"Bearer {token}"  # a private Space asks for it before Argilla asks for the key
        self._client: httpx.Client = httpx.Client(
            base_url=f"{self.url}/api/v1/",
            headers=headers,
            timeout=httpx.Timeout(TIMEOUT_S, connect=CONNECT_TIMEOUT_S),
            trust_env=not is_loopback(url),  # no proxy leads to this machine itself
            verify=urlsplit(url).scheme == "https",  # else it would read the certificates for nothing
        )
        self._has_answered = False

    def close(self) -> None:
        self._client.close()

    def get(self, path: str, shape: type[T], **query: Any) -> T:
        """What a path holds, in its form."""
        return read(shape, self.ask("GET", path, query=query), f"{self.url}, asked for {path!r},")

    def listed(self, path: str, shape: type[T], **query: Any) -> list[T]:
        """The items of a list that comes in one piece."""
        return items_of(shape, self.ask("GET", path, query=query), f"{self.url}, asked for {path!r},")

    def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The server's answer, as JSON.

        Raises:
            Refused: It does not take the request.
            TooLarge: Its answer is larger than any should be.
            RunError: It cannot be reached, breaks, dawdles, does not take the key, or is something else.
        """
        import httpx

        content = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        for pause in self._pauses():
            try:
                response = self._exchanged(method, path, content, query)
            except httpx.TransportError as error:
                seen = f"cannot be reached: {error or type(error).__name__}"
            except httpx.DecodingError as error:
                raise RunError(f"Argilla at {self.url} answers what cannot be unpacked: {error}", UNREACHABLE_FIX) from error
            else:
                self._has_answered = True
                if response.status_code not in MAY_PASS or _is_fault(response):
                    return self._read(response)
                seen = f"answers {response.status_code}: {_detail(response)}"
            if pause is None:
                break
            time.sleep(pause)  # the step has a worker process to itself
        raise RunError(f"Argilla at {self.url} {seen}", UNREACHABLE_FIX)

    def _exchanged(self, method: str, path: str, content: bytes | None, query: Mapping[str, Any] | None) -> httpx.Response:
        """One request and its whole answer, within a time: a server may send a letter now and then, and never end.

        A thread does it, for nothing else ends what waits for headers; one that is given up ends with the process.
        """
        outcome: list[httpx.Response | Exception] = []

        def exchange() -> None:
            try:
                outcome.append(self._whole(method, path, content, query))
            except Exception as error:
                outcome.append(error)

        thread = threading.Thread(target=exchange, daemon=True)
        thread.start()
        thread.join(LONGEST_REPLY_S)
        if not outcome:
            what = f"Argilla at {self.url} took more than {LONGEST_REPLY_S:g} s for an answer to {method} {path}"
            raise RunError(what, "look at the server's log, then run it again")
        if isinstance(outcome[0], Exception):
            raise outcome[0]
        return outcome[0]

    def _whole(self, method: str, path: str, content: bytes | None, query: Mapping[str, Any] | None) -> httpx.Response:
        import httpx

        headers = {"Content-Type": "application/json", "Accept-Encoding": "gzip"}
        with self._client.stream(method, path, content=content, params=query, headers=headers) as response:
            parts, size = list[bytes](), 0
            for part in response.iter_bytes():
                size += len(part)
                if size > LARGEST_REPLY_BYTES:
                    what = f"Argilla at {self.url} answers {method} {path} with more than {LARGEST_REPLY_BYTES // 2**20} MB"
                    raise TooLarge(what, "look at the server's log, and at how large its records are")
                parts.append(part)
            kept = {name: value for name, value in response.headers.items() if name != "content-encoding"}
            return httpx.Response(response.status_code, headers=kept, content=b"".join(parts), request=response.request)

    def _pauses(self) -> Sequence[float | None]:
        """Pauses after each attempt; None after the last one."""
        return [*(PAUSES_S if self._has_answered else FIRST_PAUSES_S), None]

    def _read(self, response: httpx.Response) -> Any:
        status = response.status_code
        if status == 401:
            raise RunError(f"Argilla at {self.url} does not take the key", KEY_FIX)
        if status == 403:
            what = f"the user of the key may not do this at {self.url}: {response.request.method} {response.request.url.path}"
            raise RunError(what, KEY_FIX)
        if _is_fault(response) or (response.is_client_error and "json" in response.headers.get("content-type", "")):
            raise Refused(status, _detail(response))
        if not response.is_success:
            raise RunError(f"{self.url} is no Argilla server: it answers {status}", UNREACHABLE_FIX)
        try:
            return orjson.loads(response.content) if response.content else None
        except ValueError as error:
            raise RunError(f"{self.url} is no Argilla server: it answers {quoted(response.text)}", UNREACHABLE_FIX) from error


def _is_fault(response: httpx.Response) -> bool:
    """Whether the server met a fault in its own code, which the same request meets again.

    A record with a response that was discarded without any answer is such a case: it is changed, and then cannot be indexed.
    """
    try:
        told = orjson.loads(response.content)["detail"]["params"]["type"] if response.status_code == 500 else ""
    except (ValueError, LookupError, TypeError):
        return False
    return str(told).startswith("builtins.") and told not in NO_FAULTS


def _detail(response: httpx.Response) -> str:
    """What the server says of an error, in one line."""
    try:
        told = orjson.loads(response.content)
    except ValueError:
        return quoted(response.text)
    detail = told.get("detail", told.get("message", told)) if isinstance(told, dict) else told
    if isinstance(detail, dict):  # checks of the request's form come with a list of what is wrong
        params = detail.get("params")
        params = params if isinstance(params, dict) and params else detail
        errors = params.get("errors")
        told = "; ".join(map(_complaint, errors[:MOST_TOLD])) if isinstance(errors, list) else params.get("message")
        detail = told or detail
    text = " ".join(str(detail).split())
    return text if len(text) <= 500 else f"{text[:500]}..."


def _complaint(error: Any) -> str:
    """One of several things that are wrong with a request: where, and what."""
    if not isinstance(error, dict):
        return str(error)
    loc = error.get("loc")
    where = ".".join(str(part) for part in loc if part != "body") if isinstance(loc, list) else ""
    return f"{where}: {error.get('msg', '')}"
