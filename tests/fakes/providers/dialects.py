"""What providers take, refuse and say: a file for each in `data/`, with what each answer is based on.

Nothing here is read from the table of the code under test: a mistake there is to be seen here.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import yaml

from tests.fakes.providers.failures import Failure

Refusal = Literal["argument", "property", "extra", "unknown-name", "anthropic-extra"]
"""How a server words that it does not know a parameter."""
DATA = Path(__file__).parent / "data"
PARAMETERS = "parameters.yaml"
FORMATS = ("text", "json_object", "json_schema")


@dataclass(frozen=True, slots=True)
class Dialect:
    """One provider. `None` for a failure: it has none of this kind."""

    name: str
    host: str
    """Empty for servers that people run themselves."""
    path: str
    unauthorized: Failure
    failed: Failure
    query: Mapping[str, str] = field(default_factory=dict)
    key_header: str = "authorization"
    headers: Mapping[str, str] = field(default_factory=dict)
    """Headers that a request must have."""
    takes: frozenset[str] = frozenset()
    """Parameters that it knows; empty: it minds none."""
    refusal: Refusal = "argument"
    most_n: int = 128
    refuses_n: bool = False
    """Whether more is an error. If not, it gives one reply."""
    refused: frozenset[str] = frozenset()
    formats: tuple[str, ...] = FORMATS
    strict: bool = False
    """Whether it wants schemas in OpenAI's strict form."""
    wants_word: bool = False
    """Whether `json_object` needs the word JSON in the prompt."""
    is_anthropic: bool = False
    knows_models: bool = True
    """Whether it minds which model a request names."""

    rate_limited: Failure | None = None
    too_long: Failure | None = None
    filtered: Failure | None = None
    unknown_model: Failure | None = None


def read(path: Path) -> Dialect:
    """The dialect that a file describes."""
    told: dict[str, Any] = yaml.safe_load(path.read_text(encoding="utf-8"))
    known = yaml.safe_load((DATA / PARAMETERS).read_text(encoding="utf-8"))
    takes = frozenset([*known[told.pop("takes")], *told.pop("takes_also", [])]) if "takes" in told else frozenset()
    told |= {name: Failure(**about) for name, about in told.pop("failures").items()}
    told["refused"], told["formats"] = frozenset(told.get("refused", ())), tuple(told.get("formats", FORMATS))
    return Dialect(name=path.stem, takes=takes, **told)


DIALECTS = {path.stem: read(path) for path in sorted(DATA.glob("*.yaml")) if path.name != PARAMETERS}
