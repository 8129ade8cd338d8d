"""Addresses of data sets on the Hub, as people write them."""

from __future__ import annotations

import os
import re
from typing import NamedTuple
from urllib.parse import unquote, urlsplit

from flows.hub import check_repo_id
from steps.errors import SpecError

HUB = "https://huggingface.co"
PIPELINE = "pipeline.yaml"
_HOSTS = ("huggingface.co", "hf.co")
_PLAIN = re.compile(r"[A-Za-z0-9][\w.-]*/[A-Za-z0-9_][\w.-]*", re.ASCII)


class DataSet(NamedTuple):
    """A data set on the Hub."""

    repo_id: str
    revision: str | None = None


def hub_data_set(source: str) -> DataSet:
    """The data set that is meant: `owner/name`, `hf://datasets/owner/name@revision`, or the address of its page.

    Raises:
        SpecError: It is none of these, or an address of another host than the Hub's.
    """
    source = source.strip()
    if "://" in source and not source.startswith("hf://"):
        source = _of_address(source)
    name, _, revision = source.removeprefix("hf://").removeprefix("datasets/").partition("@")
    parts = name.strip("/").split("/")
    name = "/".join(parts[:2])
    if not _PLAIN.fullmatch(name) or len(parts) > 3 or (len(parts) == 3 and parts[2] != PIPELINE):
        raise SpecError(f"{source[:100]!r} is no data set on the Hub", "write owner/name, or the address of its page")
    check_repo_id(name)
    return DataSet(name, revision or None)


def _of_address(address: str) -> str:
    """An address of the Hub's pages as `owner/name@revision`."""
    try:
        parts = urlsplit(address)
        host, own = (parts.hostname or "").lower(), (urlsplit(endpoint()).hostname or "").lower()
    except ValueError as error:
        raise SpecError(f"{address[:100]!r} is no address: {error}", "copy it from the browser") from error
    if parts.scheme not in ("https", "http") or host not in (*_HOSTS, own):
        raise SpecError(
            f"{address[:100]!r} is not a page of the Hub", f"only {endpoint()} is asked; download the file and import that"
        )
    path = [unquote(part) for part in parts.path.split("/") if part]
    if path[:1] != ["datasets"] or len(path) < 3:
        raise SpecError(f"{address[:100]!r} is not the page of a data set", "its address has /datasets/owner/name in it")
    is_pinned = len(path) > 4 and path[3] in ("tree", "blob", "resolve", "raw")
    return f"{path[1]}/{path[2]}" + (f"@{path[4]}" if is_pinned else "")


def endpoint() -> str:
    """Where the Hub is."""
    return (os.environ.get("HF_ENDPOINT") or HUB).rstrip("/")
