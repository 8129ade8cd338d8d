"""What Argilla 2.8 answers, as far as it is read here. A server may be sick, of another version, or no Argilla at all."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Annotated, Any, Final, Literal, TypeVar

from pydantic import AfterValidator, Field, TypeAdapter, ValidationError, with_config
from typing_extensions import TypedDict

from steps.errors import RunError

_open = with_config(extra="allow")
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


@_open
class Me(TypedDict):
    id: Name
    username: Name
    role: str


@_open
class User(TypedDict):
    id: Name
    username: Name


@_open
class Named(TypedDict):
    id: Name
    name: Name


class Told(Named):
    """A data set, before its parts are asked for."""

    status: str
    workspace_id: Name


@_open
class Settings(TypedDict):
    type: str


@_open
class AField(TypedDict):
    name: Name
    required: bool
    settings: Settings


@_open
class Option(TypedDict):
    value: str | int | float


@_open
class Asking(TypedDict, total=False):
    options: list[Option] | None
    field: str | None


class Kind(Asking):
    type: str


@_open
class AQuestion(TypedDict):
    id: Name
    name: Name
    settings: Kind


@_open
class MetadataSettings(TypedDict):
    type: Literal["terms", "integer", "float"]


@_open
class Property(TypedDict):
    name: Name
    settings: MetadataSettings


@_open
class Vectors(TypedDict):
    name: Name
    dimensions: int


@_open
class Value(TypedDict):
    value: Any


@_open
class AResponse(TypedDict):
    id: Name
    user_id: Name
    status: str
    values: dict[str, Value] | None
    inserted_at: Time
    updated_at: Time


@_open
class ASuggestion(TypedDict):
    id: Name
    question_id: Name
    value: Any
    score: Any
    agent: str | None
    updated_at: Time


@_open
class _Parts(TypedDict, total=False):
    responses: list[AResponse] | None
    suggestions: list[ASuggestion] | None


class ARecord(_Parts):
    id: Name
    external_id: str | None
    fields: dict[str, Any]
    metadata: dict[str, Any] | None


@_open
class Page(TypedDict):
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
    return read(list[shape], items, where)  # type: ignore[valid-type] # a shape that the caller names
