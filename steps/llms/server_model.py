"""What all models behind a server have in common: an address, keys, headers, a time limit and a price."""

from __future__ import annotations

import hashlib
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar
from urllib.parse import quote, urlsplit

from pydantic import Field, PrivateAttr, SecretStr, field_serializer, field_validator

from steps.cassettes import is_replayed
from steps.errors import AuthFailed, Complaint, ModelNotFound, SpecError
from steps.llms.addresses import (
    environment_problems,
    host_of,
    is_loopback,
    shown_key,
    url_of,
    url_problem,
    with_path,
    with_scheme,
)
from steps.llms.base import Account, Responder
from steps.llms.http import Answer, JSONEndpoint, json_body
from steps.llms.prices import FREE, Price, find_price
from steps.llms.provider_errors import Target
from steps.providers import COMPATIBLE, Provider
from steps.secrets import TRANSPORT, Secret, may_name_key, referred, reveal, variable_of

_HEADER = re.compile(r"[\w!#$%&'*+.^`|~-]+", re.ASCII)
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f]")
_KEY_HEADERS = ("authorization", "api-key", "x-api-key")


@dataclass(frozen=True, slots=True)
class Key:
    """A key and where it comes from."""

    source: str
    value: str | None = field(repr=False)


@dataclass(frozen=True, slots=True)
class Wire:
    """What `load` makes: the connections, what all requests have in common, and for each key whom messages name."""

    endpoint: JSONEndpoint
    body: dict[str, Any]
    targets: list[Target]
    headers: list[dict[str, str]]
    """What only requests with that key have."""
    others: tuple[JSONEndpoint, ...] = ()
    """More connections, where some requests go elsewhere."""

    @property
    def all(self) -> tuple[JSONEndpoint, ...]:
        return (self.endpoint, *self.others)


class ServerModel(Responder):
    """A model behind a server."""

    reaches: ClassVar[str] = "a model server"
    served_by: ClassVar[Provider | None] = None
    """The row of the provider that the class stands for; None where the address tells."""

    model: str = Field(min_length=1, description="Model id as the server knows it.", examples=["gpt-4o-mini"])
    base_url: str | None = Field(default=None, description="Address of the API.")
    api_key: Secret | list[Secret] | None = Field(
        default=None,
        description="${NAME} of the variable that holds the key, or a list of them: each key has limits of its own, and all "
        "are used.",
        json_schema_extra={"writeOnly": True, **TRANSPORT},
    )
    default_headers: dict[str, str] = Field(
        default_factory=dict,
        repr=False,
        description="Headers sent with every request; a value may be ${NAME}.",
        json_schema_extra=TRANSPORT,
    )
    timeout: float = Field(default=120, gt=0, description="Seconds to wait for a reply.", json_schema_extra=TRANSPORT)

    _wire: Wire | None = PrivateAttr(default=None)

    @field_validator("api_key", mode="before")
    @classmethod
    def _refuse_no_keys(cls, value: Any) -> Any:
        if value == []:
            raise ValueError("it is an empty list; name the variable of at least one key")
        return value

    @field_validator("base_url")
    @classmethod
    def _refuse_passwords(cls, value: str | None) -> str | None:
        if value and "@" in urlsplit(value).netloc:
            raise ValueError(url_problem(value))
        if value and (problem := shown_key(value)):
            raise ValueError(problem)
        return value

    @field_serializer("default_headers")
    def _leave_keys_out(self, headers: dict[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if referred(value) or not may_name_key(name)}

    # ---- where and with what
    @property
    def provider(self) -> Provider:
        """Whose protocol the requests follow."""
        return self.served_by or COMPATIBLE

    @property
    def endpoint(self) -> str:
        """Base URL: steps with the same one share its limits."""
        provider = self.provider
        given = self._given_address or with_scheme(os.environ.get(provider.address_variable, ""), provider)
        return self._filled(with_path((given or provider.address).strip(), provider.path))

    @property
    def _given_address(self) -> str | None:
        return next((url for name in ("base_url", *self.provider.address_fields) if (url := getattr(self, name, None))), None)

    @property
    def address(self) -> str:
        """Where the requests go, once it is loaded."""
        return self.endpoint

    def _filled(self, url: str) -> str:
        """An address with the parameters that stand in it."""
        provider = self.provider
        names = (*provider.fills, "model") if "{" in url else ()
        for name in names:
            url = url.replace(f"{{{name}}}", quote(self._fill(name), safe=""))
        return url

    def _fill(self, name: str) -> str:
        value = getattr(self, name, None) or os.environ.get(self.provider.fills.get(name) or "", "")
        return str(value).strip()

    def problems(self) -> Sequence[Complaint]:
        provider = self.provider
        if not self.endpoint and provider.address_variable:
            names = " or ".join(provider.address_fields or ("base_url",))
            what = f"nothing says where {provider.title} is: {names} is empty, and ${provider.address_variable} is not set"
            return [(what, f"set {names} to the address of your resource")]
        if misspelt := url_problem(self.endpoint):
            return [misspelt]
        found: list[Complaint] = [*environment_problems(self.endpoint)]
        found += [
            (f"{name} is empty, and ${variable} is not set", f"set {name}, or export {variable}=...")
            for name, variable in provider.fills.items()
            if not self._fill(name) and f"{{{name}}}" in provider.address + provider.path
        ]
        try:
            self.find_price()
        except SpecError as error:
            found.append((error.message, error.fix))
        if problem := self._key_problem():
            found.append(problem)
        found += [
            f"header {name!r} needs the variable in {value.strip()}, which is not set"
            for name, value in self.default_headers.items()
            if reveal(SecretStr(value), "") is None and not is_replayed()
        ]
        if problem := self._header_problem():
            found.append(problem)
        return found

    @property
    def lacks(self) -> str:
        return "a key" if any(key.value is None for key in self._keys()) and not self._needs_no_key else ""

    def _header_problem(self) -> tuple[str, str] | None:
        """What is wrong with a header, if anything. Does not repeat its value, which may be a key."""
        for name, value in self.default_headers.items():
            if not _HEADER.fullmatch(name):
                return f"{name!r} in default_headers is no name of a header", "write letters, digits and dashes"
            if _CONTROL.search((reveal(SecretStr(value), "") or "").strip()):
                return f"the header {name!r} holds a line break, or another letter that no header may", "write it in one line"
        return None

    def find_price(self) -> Price | None:
        """`price`; of a server on this machine, or of replayed answers, nothing; else what the tables of prices say."""
        if is_replayed():
            return FREE
        if self.price is None and not is_loopback(self.endpoint):
            return find_price(self.model, self._host)
        return self.price or FREE

    @property
    def _host(self) -> str:
        return host_of(self.endpoint)

    @property
    def accounts(self) -> Sequence[Account]:
        """One for each key."""
        return [
            Account(
                key.source,
                hashlib.sha256((key.value or "").encode()).hexdigest(),
                has_key=bool(key.value) or self._has_key_header,
            )
            for key in self._keys()
        ]

    @property
    def _has_key_header(self) -> bool:
        return self.api_key is None and any(name.lower() in _KEY_HEADERS for name in self.default_headers)

    @property
    def _key_variable(self) -> str:
        """The variable that is looked into where nobody said which: the first that is set."""
        names = self._key_variables
        return next((name for name in names if os.environ.get(name)), names[0])

    @property
    def _key_variables(self) -> Sequence[str]:
        return self.provider.key_variables

    def _keys(self) -> list[Key]:
        """At least one, which may be None."""
        if self._has_key_header:
            return [Key("default_headers", None)]
        if not isinstance(self.api_key, list):
            variable = self._key_variable
            source = f"${variable}" if self.api_key is None else _source_of(self.api_key, "api_key")
            return [Key(source, _stripped(reveal(self.api_key, variable)))]
        return [
            Key(_source_of(secret, f"api_key[{at}]"), _stripped(reveal(secret, ""))) for at, secret in enumerate(self.api_key)
        ]

    def _key_problem(self) -> tuple[str, str] | None:
        keys = self._keys()
        if len({key.value for key in keys}) < len(keys) and all(key.value for key in keys):
            same = " and ".join(key.source for key in keys)
            return f"of the keys in {same}, some are the same", "name each key once: its limits count once"
        return next((problem for key in keys if (problem := self._problem_of(key))), None)

    @property
    def _needs_no_key(self) -> bool:
        is_own = self.served_by is not None and not self.served_by.needs_key
        return is_replayed() or self._has_key_header or (self.api_key is None and (is_own or is_loopback(self.endpoint)))

    def _problem_of(self, key: Key) -> tuple[str, str] | None:
        if key.value is None:
            if self._needs_no_key:
                return None
            what = f"there is no key for {self.endpoint}: {key.source} is not set"
            if (name := key.source.removeprefix("$")) == key.source:  # an empty `api_key`
                variable = self._key_variable
                return what, f"leave it out and set ${variable}, or write ${{NAME}} of the variable that holds the key"
            return what, f"set it: export {name}=..."
        if not key.value.isascii() or not key.value.isprintable() or " " in key.value:
            what = f"the key in {key.source} holds a space, a line break or a letter that no key has"
            return what, "copy it anew"
        return None

    # ---- life
    async def load(self) -> None:
        """Open connections. An LLM that several steps share is loaded by each of them."""
        if self._wire is None or not self._wire.endpoint.is_open:
            self._wire = self._prepare()
        for endpoint in self._wire.all:
            await endpoint.open()

    async def unload(self) -> None:
        """Close the connections, once every step that loaded them is done."""
        if (wire := self._wire) is not None:
            for endpoint in wire.all:
                await endpoint.close()
            if not wire.endpoint.is_open and self._wire is wire:
                self._wire = None

    @property
    def _loaded(self) -> Wire:
        if (wire := self._wire) is None:
            raise RuntimeError("load() must be awaited before complete()")
        return wire

    def _prepare(self) -> Wire:
        """What `load` opens.

        Raises:
            LLMError: The address or a key cannot be used.
        """
        raise NotImplementedError(f"{type(self).__name__}._prepare")

    def _wire_at(
        self,
        paths: Sequence[str],
        body: dict[str, Any],
        headers: dict[str, str] | None = None,
        *,
        most_bytes: int | None = None,
    ) -> Wire:
        """Connections to these paths below the address, the first of them the one that is meant where none is named."""
        if misspelt := url_problem(self.endpoint):
            raise ModelNotFound(misspelt, "correct base_url")
        if problem := self._key_problem():
            raise AuthFailed(*problem)
        if problem := self._header_problem():
            raise AuthFailed(*problem)
        given = {name: (reveal(SecretStr(value), "") or "").strip() for name, value in self.default_headers.items()}
        keys = self._keys()
        secrets = [key.value for key in keys if key.value]
        secrets += [value for name, value in given.items() if value and may_name_key(name)]
        sent = (headers or {}) | given
        first, *others = (JSONEndpoint(url_of(self.address, path), sent, self.timeout, most_bytes) for path in paths)
        targets = [Target(self.model, self.endpoint, key.source, tuple(secrets), f"/{paths[0]}") for key in keys]
        return Wire(first, body, targets, [self._key_headers(key) for key in keys], tuple(others))

    def _key_headers(self, key: Key) -> dict[str, str]:
        if not key.value:
            return {}
        header = self.provider.key_header
        return {header: f"Bearer {key.value}" if header == "Authorization" else key.value}

    async def _post(self, endpoint: JSONEndpoint, body: dict[str, Any], headers: dict[str, str]) -> Answer:
        return await endpoint.post(json_body(body), headers)


def _source_of(secret: SecretStr, otherwise: str) -> str:
    variable = variable_of(secret)
    return f"${variable}" if variable else otherwise


def _stripped(key: str | None) -> str | None:
    return (key or "").strip() or None
