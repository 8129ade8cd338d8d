"""Addresses of servers, and what the environment says of the way to them: proxies and certificates."""

from __future__ import annotations

import ipaddress
import os
import ssl
from functools import lru_cache
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit, urlunsplit
from urllib.request import getproxies, proxy_bypass

from steps.providers import Provider
from steps.secrets import may_name_key


def url_problem(url: str, parameter: str = "base_url", example: str = "https://host/v1") -> str | None:
    """What is wrong with an address, if anything. Does not repeat an address that holds a password."""
    try:
        parts = urlsplit(url)
        _ = parts.port
        if ":" not in (host := parts.hostname or ""):
            host.encode("idna")
    except UnicodeError:
        return f"{parameter} is not an address: no name of a host has two dots in a row, or 64 letters between two"
    except ValueError as error:
        return f"{parameter} is not an address: {error}"
    if parts.username or parts.password:
        return f"{parameter} holds a user or a password, which files and logs would show; put the key into api_key"
    if parts.scheme not in ("http", "https") or not parts.hostname:
        return f"{parameter} must look like {example}, not {url!r}"
    return None


def shown_key(url: str) -> str | None:
    """What is wrong with an address that holds a key as a parameter. Does not repeat it."""
    for name, value in parse_qsl(urlsplit(url).query):
        if value and may_name_key(name):
            return f"base_url holds a key in ?{name}=, which files and logs would show; put it into api_key or default_headers"
    return None


def url_of(base_url: str, path: str, query: str = "") -> str:
    """An address below another. The path goes before a query: Azure's addresses end in `?api-version=...`."""
    parts = urlsplit(base_url)
    below = f"{parts.path.rstrip('/')}/{path}" if path else parts.path
    return urlunsplit(parts._replace(path=below, query="&".join(filter(None, (parts.query, query)))))


def host_and_port(url: str) -> str:
    """`https://api.openai.com/v1` -> `api.openai.com:443`."""
    parts = urlsplit(url)
    return f"{parts.hostname}:{parts.port or (443 if parts.scheme == 'https' else 80)}"


def is_loopback(url: str) -> bool:
    """Whether the server is this machine."""
    host = urlsplit(url).hostname or ""
    if host == "localhost" or host.endswith(".localhost"):
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback or address.is_unspecified


def with_path(address: str, path: str) -> str:
    """An address as it is, or with `path` where it has none of its own."""
    if not address:
        return ""
    bare = address.rstrip("/")
    return bare + path if urlsplit(bare).path in ("", "/") and not urlsplit(bare).query else bare


def with_scheme(address: str, provider: Provider) -> str:
    """What a variable says; Ollama's may be a host alone."""
    address = address.strip()
    if not address or "://" in address:
        return address
    usual = urlsplit(provider.address)
    port = "" if ":" in address or not usual.port else f":{usual.port}"
    return f"{usual.scheme or 'https'}://{address}{port}"


@lru_cache(maxsize=64)
def host_of(url: str) -> str:
    """The name of the machine in an address."""
    return urlsplit(url).hostname or ""


# ---- the way there
def find_proxy(url: str) -> str | None:
    """The proxy that the environment names for this address. This machine itself is never asked for through one."""
    if is_loopback(url):
        return None
    parts = urlsplit(url)
    proxies = getproxies()
    proxy = proxies.get(parts.scheme) or proxies.get("all")
    if not proxy or proxy_bypass(parts.netloc):
        return None
    return proxy if "://" in proxy else f"http://{proxy}"


def environment_problems(url: str) -> list[str]:
    """What is wrong with the proxy and certificate variables, as far as this address is concerned."""
    found = []
    proxy = find_proxy(url)
    if proxy and urlsplit(proxy).scheme not in ("http", "https"):
        found.append(f"the proxy variables name a {urlsplit(proxy).scheme} proxy; only http proxies can be used")
    variable, path = _certificate_file()
    if path and urlsplit(url).scheme == "https" and not Path(path).exists():
        found.append(f"{variable} names {path!r}, which does not exist")
    return found


def _certificate_file() -> tuple[str, str | None]:
    for variable in ("SSL_CERT_FILE", "REQUESTS_CA_BUNDLE"):
        if path := os.environ.get(variable):
            return variable, path
    return "", None


def trusted_certificates(url: str) -> ssl.SSLContext | bool:
    _, path = _certificate_file()
    if not path or urlsplit(url).scheme != "https":
        return True
    if Path(path).is_dir():
        return ssl.create_default_context(capath=path)
    return ssl.create_default_context(cafile=path)
