"""What the way to a server has to say to people: a key that is given up, a wait for a server that is gone."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Literal

import orjson


@dataclass(frozen=True, slots=True)
class Notice:
    """`waiting`: the run waits for this endpoint, until `over`. `warning`: something to know."""

    kind: Literal["warning", "waiting", "over"]
    endpoint: str
    text: str
    level: Literal["info", "warning"] = "warning"
    """How much it matters."""

    def to_bytes(self) -> bytes:
        return orjson.dumps(asdict(self))

    @classmethod
    def from_bytes(cls, data: bytes) -> Notice:
        return cls(**orjson.loads(data))


Tell = Callable[[Notice], None]


def tell_nobody(notice: Notice) -> None:
    """For those who do not want to know."""
