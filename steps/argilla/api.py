"""Argilla's HTTP API: requests, those that are worth another attempt, and what refusals mean.

It is spoken to directly and not by Argilla's own client: that one drops the time of responses, cannot go on with a data set
that was half made, and prints to the terminal.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from steps.errors import RunError
from steps.llms.http import is_loopback
from steps.wording import quoted

if TYPE_CHECKING:
    import httpx

URL_VARIABLE = "ARGILLA_API_URL"
KEY_VARIABLE = "ARGILLA_API_KEY"
TIMEOUT_S = 60.0
CONNECT_TIMEOUT_S = 10.0
PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0)
"""Between attempts, once the server has answered: as long as it may take to start again."""
FIRST_PAUSES_S = (0.5,)
"""The same before it has: most likely its address is wrong."""
MAY_PASS = frozenset({408, 425, 429, 500, 502, 503, 504})
NO_FAULTS = frozenset({"builtins.ConnectionError", "builtins.OSError", "builtins.TimeoutError"})
"""Errors of Python that a server has because of another one."""
UNREACHABLE_FIX = f"start it, or correct `api_url` or ${URL_VARIABLE}"
KEY_FIX = f"give the key of an owner, or of an admin of the workspace, in `api_key` or ${KEY_VARIABLE}"


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

    def get(self, path: str, **query: Any) -> Any:
        """What a path holds."""
        return self.ask("GET", path, query=query)

    def listed(self, path: str, **query: Any) -> list[dict[str, Any]]:
        """The items of a list that comes in one piece."""
        items: list[dict[str, Any]] = self.get(path, **query)["items"]
        return items

    def ask(self, method: str, path: str, body: Any = None, query: Mapping[str, Any] | None = None) -> Any:
        """The server's answer, as JSON.

        Raises:
            Refused: It does not take the request.
            RunError: It cannot be reached, breaks, does not take the key, or is something else.
        """
        import httpx

        content = None if body is None else json.dumps(body, ensure_ascii=False, allow_nan=False).encode()
        for pause in self._pauses():
            try:
                response = self._client.request(
                    method, path, content=content, params=query, headers={"Content-Type": "application/json"}
                )
            except httpx.TransportError as error:
                seen = f"cannot be reached: {error or type(error).__name__}"
            else:
                self._has_answered = True
                if response.status_code not in MAY_PASS or _is_fault(response):
                    return self._read(response)
                seen = f"answers {response.status_code}: {_detail(response)}"
            if pause is None:
                break
            time.sleep(pause)  # the step has a worker process to itself
        raise RunError(f"Argilla at {self.url} {seen}", UNREACHABLE_FIX)

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
            return response.json() if response.content else None
        except ValueError as error:
            raise RunError(f"{self.url} is no Argilla server: {quoted(response.text)}", UNREACHABLE_FIX) from error


def _is_fault(response: httpx.Response) -> bool:
    """Whether the server met a fault in its own code, which the same request meets again.

    A record with a response that was discarded without any answer is such a case: it is changed, and then cannot be indexed.
    """
    try:
        told = response.json()["detail"]["params"]["type"] if response.status_code == 500 else ""
    except (ValueError, LookupError, TypeError):
        return False
    return str(told).startswith("builtins.") and told not in NO_FAULTS


def _detail(response: httpx.Response) -> str:
    """What the server says of an error, in one line."""
    try:
        told = response.json()
    except ValueError:
        return quoted(response.text)
    detail = told.get("detail", told.get("message", told)) if isinstance(told, dict) else told
    if isinstance(detail, dict):  # checks of the request's form come with a list of what is wrong
        params = detail.get("params") or detail
        errors = params.get("errors")
        told = "; ".join(map(_complaint, errors)) if isinstance(errors, list) else params.get("message")
        detail = told or detail
    text = " ".join(str(detail).split())
    return text if len(text) <= 500 else f"{text[:500]}..."


def _complaint(error: Any) -> str:
    """One of several things that are wrong with a request: where, and what."""
    if not isinstance(error, dict):
        return str(error)
    where = ".".join(str(part) for part in error.get("loc", ()) if part != "body")
    return f"{where}: {error.get('msg', '')}"
