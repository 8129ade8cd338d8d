"""What models cost: the table `prices.yaml`, one of the user's before it, and how a name is found there.

Nothing is ever guessed: a model that no table names at the server that is asked has no price, which is not the same as free.
"""

from __future__ import annotations

import os
import re
from collections.abc import Sequence
from fnmatch import fnmatch
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError, model_validator

from steps.errors import SpecError

if TYPE_CHECKING:
    from steps.llms.base import Usage

VARIABLE = "DISTILFLOW_PRICES"
"""Names a file of prices that comes before ours."""
OURS = Path(__file__).with_name("prices.yaml")
MILLION = 1_000_000

_VERSION = re.compile(r"[-@](\d{4}-\d{2}-\d{2}|\d{8}|\d{6}|\d{4}|\d{3}|latest)")


class Price(BaseModel):
    """USD per million tokens, and of pictures for each."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)

    input: float = Field(ge=0, description="USD per million tokens of the prompt.")
    output: float = Field(ge=0, description="USD per million tokens of the reply, reasoning included.")
    cached_input: float | None = Field(
        default=None, ge=0, description="USD per million tokens that the server had cached; empty: as `input`."
    )

    image: float | None = Field(
        default=None, ge=0, description="USD for each picture that is made; `input` and `output` may be left out then."
    )

    @model_validator(mode="before")
    @classmethod
    def _of_pictures(cls, data: Any) -> Any:
        is_of_pictures = isinstance(data, dict) and data.get("image") is not None
        return {"input": 0, "output": 0, **data} if is_of_pictures else data

    @property
    def is_free(self) -> bool:
        return not (self.input or self.output or self.cached_input or self.image)

    def at(self, rate: float) -> Price:
        """This price where only a share of it is charged."""
        if rate == 1:
            return self
        cached = None if self.cached_input is None else self.cached_input * rate
        return Price(input=self.input * rate, output=self.output * rate, cached_input=cached)

    def cost(self, usage: Usage) -> float | None:
        """USD for these tokens; None when the server did not count them."""
        pictures = usage.images * (self.image or 0.0)
        if not (usage.input_tokens or usage.output_tokens):
            return pictures if pictures or self.is_free else None
        cached = min(usage.cached_input_tokens, usage.input_tokens)
        cached_price = self.input if self.cached_input is None else self.cached_input
        fresh = usage.input_tokens - cached
        return pictures + (fresh * self.input + cached * cached_price + usage.output_tokens * self.output) / MILLION


FREE = Price(input=0, output=0)


class PriceList(BaseModel):
    """The prices of one provider."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    provider: str = ""
    hosts: tuple[str, ...] = ("*",)
    """Hosts it answers at; `*` stands for any letters."""
    source: str = ""
    known: str = ""
    """Month in which it was so."""
    models: dict[str, Price]

    def find(self, model: str, host: str) -> Price | None:
        """The price of the longest name that `model` is, or is a version of."""
        if not any(fnmatch(host.lower(), pattern.lower()) for pattern in self.hosts):
            return None
        named = [name for name in self.models if _is_version(model.lower(), name.lower())]
        return self.models[max(named, key=len)] if named else None


def _is_version(model: str, name: str) -> bool:
    return model.startswith(name) and (model == name or _VERSION.fullmatch(model[len(name) :]) is not None)


def find_price(model: str, host: str) -> Price | None:
    """What a model costs at a host; None when no table says so.

    Raises:
        SpecError: The user's table cannot be read.
    """
    own = os.environ.get(VARIABLE)
    lists = [*(read_prices(Path(own)) if own else ()), *read_prices(OURS)]
    return next((price for entry in lists if (price := entry.find(model, host)) is not None), None)


@cache
def read_prices(path: Path) -> Sequence[PriceList]:
    """The lists in a file of prices.

    Raises:
        SpecError: There is no such file, or it holds something else.
    """
    import yaml

    shape = "it is a list of {models: {NAME: {input: 0.15, output: 0.60}}}, in USD per million tokens"
    try:
        found = yaml.load(path.read_text(encoding="utf-8"), getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        return TypeAdapter(list[PriceList]).validate_python(found)
    except OSError as error:
        raise SpecError(f"the prices in ${VARIABLE}, {path}, cannot be read: {error.strerror}", "correct the path") from error
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        said = " ".join(str(error).split())
        raise SpecError(f"the prices in {path} are no YAML: {said}", shape) from error
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        where = ".".join(map(str, first["loc"])) or "its top"
        raise SpecError(f"the prices in {path} are wrong at {where}: {first['msg']}", shape) from error
