"""What all steps share that speak to Argilla: which server, whose key, which data set."""

from __future__ import annotations

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import Annotated, ClassVar

from pydantic import Field, PrivateAttr

from steps.argilla.api import KEY_VARIABLE, URL_VARIABLE, ArgillaAPI
from steps.argilla.wire import Me
from steps.base import BaseStep
from steps.errors import Complaint, RunError
from steps.llms.addresses import url_problem
from steps.secrets import TRANSPORT, Secret, reveal

ArgillaKey = Annotated[
    Secret | None,
    Field(
        description=f"${{NAME}} of the variable that holds the key. Empty for ${KEY_VARIABLE}.",
        json_schema_extra={"writeOnly": True, **TRANSPORT},
    ),
]


class ArgillaStep(BaseStep):
    """A step that works with one data set of an Argilla server."""

    reaches: ClassVar[str] = "Argilla"

    dataset_name: str | None = Field(default=None, description="Data set in Argilla.", examples=["answers"])
    dataset_workspace: str | None = Field(
        default=None, description="Workspace that holds the data set; empty for the first one that the key may use."
    )
    api_url: str | None = Field(default=None, description=f"Address of the server. Empty for ${URL_VARIABLE}.")
    api_key: ArgillaKey = None

    _api: ArgillaAPI | None = PrivateAttr(default=None)

    def check(self) -> Iterable[Complaint]:
        if not self.dataset_name:
            yield "`dataset_name` is missing: which data set of Argilla?"
        if self.api_url is not None and (complaint := _complaint_about(self.api_url)):
            yield complaint

    def fingerprint(self) -> str:
        """The server, where the environment names it: rows sent to one are not there at another."""
        return self._url() or ""

    @contextmanager
    def _at_work(self) -> Iterator[None]:
        """Let go of the connection when the run ends with an error: the engine lets go of workers then, not of steps."""
        try:
            yield
        except RunError:
            self.unload()
            raise

    def unload(self) -> None:
        if self._api is not None:
            self._api.close()
            self._api = None

    def _url(self) -> str | None:
        return (self.api_url or os.environ.get(URL_VARIABLE) or "").strip().rstrip("/") or None

    def _connect(self) -> ArgillaAPI:
        """The server, asked for the first time where it was not yet.

        Raises:
            RunError: Address or key are missing, the server cannot be reached, or does not take the key.
        """
        if self._api is None:
            url, key = self._url(), (reveal(self.api_key, KEY_VARIABLE) or "").strip()
            if url is None:
                raise RunError("the address of Argilla's server is not known", f"set `api_url` or ${URL_VARIABLE}")
            if complaint := _complaint_about(url):
                raise RunError(complaint, f"correct `api_url` or ${URL_VARIABLE}")
            if not key or not key.isascii() or not key.isprintable():
                what = "there is no key for" if not key else "a letter that no key has is in the key for"
                raise RunError(f"{what} Argilla at {url}", f"set `api_key` or ${KEY_VARIABLE}")
            self._api = ArgillaAPI(url, key)
            self._api.get("me", Me)
        return self._api


def _complaint_about(url: str) -> str | None:
    return url_problem(url, "api_url", "https://host")
