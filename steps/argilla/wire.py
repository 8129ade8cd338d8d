"""What Argilla 2.8 answers, as far as it is read here. A server may be sick, of another version, or no Argilla at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from typing_extensions import TypedDict

from steps.errors import RunError

_OPEN = ConfigDict(extra="allow")
MOST_RECORDS: Final = 10_000_000
"""More than any data set of Argilla has: a server that says so is sick."""


def _time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


def _name(text: str) -> str:
    if not text.strip():
        raise ValueError("it is blank")
    return text


Name = Annotated[str, AfterValidator(_name)]
Time = Annotated[str, AfterValidator(_time)]


class Me(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    id: Name
    username: Name
    role: str


class User(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    id: Name
    username: Name


class Named(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    id: Name
    name: Name


class Told(Named):
    """A data set, before its parts are asked for."""

    status: str
    workspace_id: Name


class Settings(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    type: str


class AField(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    name: Name
    required: bool
    settings: Settings


class Option(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    value: str | int | float


class Asking(TypedDict, total=False):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    options: list[Option] | None
    field: str | None


class Kind(Asking):
    type: str


class AQuestion(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    id: Name
    name: Name
    settings: Kind


class MetadataSettings(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    type: Literal["terms", "integer", "float"]


class Property(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    name: Name
    settings: MetadataSettings


class Vectors(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    name: Name
    dimensions: int


class Value(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    value: Any


class AResponse(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    id: Name
    user_id: Name
    status: str
    values: dict[str, Value] | None
    inserted_at: Time
    updated_at: Time


class ASuggestion(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    id: Name
    question_id: Name
    value: Any
    score: Any
    agent: str | None
    updated_at: Time


class _Parts(TypedDict, total=False):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    responses: list[AResponse] | None
    suggestions: list[ASuggestion] | None


class ARecord(_Parts):
    id: Name
    external_id: str | None
    fields: dict[str, Any]
    metadata: dict[str, Any] | None


class Page(TypedDict):
    __pydantic_config__ = _OPEN  # type: ignore[misc]
    items: list[ARecord]
    total: Annotated[int, Field(ge=0, le=MOST_RECORDS)]


T = TypeVar("T")
_SHAPES: dict[Any, TypeAdapter[Any]] = {}


def read(shape: type[T], told: Any, where: str) -> T:
    """An answer in the form that it should have.

    Raises:
        RunError: It has another one.
    """
    adapter = _SHAPES.setdefault(shape, TypeAdapter(shape)) if shape not in _SHAPES else _SHAPES[shape]
    try:
        found: T = adapter.validate_python(told)
    except ValidationError as error:
        raise RunError(*odd(where, error)) from None
    return found


def odd(where: str, error: ValidationError) -> tuple[str, str]:
    """What is wrong with an answer, and what to do."""
    first = error.errors(include_input=False, include_url=False)[0]
    place = ".".join(map(str, first["loc"])) or "all of it"
    what = f"{where} answers in a form that Argilla 2.8 does not have: {place[:200]}: {first['msg'][:200]}"
    return what, "check the address, and the server's version and log"


def items_of(shape: type[T], told: Mapping[str, Any] | Any, where: str) -> list[T]:
    """The items of a list in their form."""
    items = told.get("items") if isinstance(told, Mapping) else None
    return read(list[shape], items, where)  # type: ignore[valid-type]
