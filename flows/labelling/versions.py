"""The strategies of a project by version, and what each said of every item.

`strategies/0004.json` is version 4; a version is added when a strategy is learned that decides otherwise than the last one.
`history/0004-r5.json` is what it said while round 5 was open.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson

from flows.labelling.disk import disk
from flows.labelling.limits import Limits
from flows.labelling.log import bytes_in, encode, write_durably
from flows.labelling.scoring import Score
from steps.errors import RunError
from steps.wording import listed, quoted

if TYPE_CHECKING:
    from steps.labels.strategies.strategy import Strategy

_FILE = re.compile(r"(\d{4,})\.json")
_SAID = re.compile(r"(\d{4,})-r(\d+)\.json")


class UnknownVersion(RunError):
    """There is no such version of a strategy."""

    code = "unknown-version"


@dataclass(frozen=True, slots=True)
class Telling:
    """What a version said of an item in a round."""

    version: int
    round: int
    label: Any
    probability: float
    at: str


class Versions:
    """The folder of a project, as far as its strategies go."""

    def __init__(self, folder: Path, limits: Limits | None = None) -> None:
        self._folder = folder
        self._limits = limits
        self._strategies = folder / "strategies"
        self._history = folder / "history"
        self._read: dict[str, tuple[int, dict[str, Any]]] = {}

    def numbers(self) -> list[int]:
        """All versions, the oldest first."""
        return sorted(int(named[1]) for path in self._strategies.glob("*.json") if (named := _FILE.fullmatch(path.name)))

    def path(self, version: int) -> Path:
        """The file of a version.

        Raises:
            UnknownVersion: There is none.
        """
        path = self._strategies / f"{version:04d}.json"
        if not path.exists():
            known = listed(f"v{number}" for number in self.numbers()) or "none: nothing was learned yet"
            fix = f"there are: {known}; what is learned once more answers are in is the next, if it decides otherwise"
            raise UnknownVersion(f"there is no strategy v{version}", fix)
        return path

    def get(self, version: int) -> Strategy:
        """A strategy by its version.

        Raises:
            UnknownVersion: There is none.
            RunError: Its file was changed so that it is none.
        """
        from steps.labels.strategies.strategy import Strategy

        path = self.path(version)
        try:
            found = Strategy.load(path)
        except RunError as error:
            fix = "mend the file, or delete it: the version before it counts then, and a new one can be learned"
            raise RunError(error.message, fix) from None
        if found.version != version:
            raise RunError(f"{quoted(str(path))} holds v{found.version}, not v{version}", "give it back the name that it had")
        return found

    def keep(self, strategy: Strategy) -> tuple[Strategy, bool]:
        """Keep a strategy as the next version, if it decides otherwise than the last one; and whether it does."""
        numbers = self.numbers()
        if numbers and (last := self.get(numbers[-1])).hash == strategy.hash:
            return last, False
        kept = strategy.model_copy(update={"version": numbers[-1] + 1 if numbers else 1})
        self._write(self._strategies / f"{kept.version:04d}.json", kept.encoded(), f"strategy {kept.tag} was not kept")
        return kept, True

    def check(self, strategy: Strategy) -> None:
        """
        Raises:
            TooMuch: A strategy is larger than it may be on this server.
        """
        if self._limits:
            self._limits.check("strategy_bytes", len(strategy.encoded()))

    def _write(self, path: Path, data: bytes, what: str) -> None:
        if self._limits:
            self._limits.check("folder_bytes", bytes_in(self._folder) + len(data))
        with disk(what):
            path.parent.mkdir(exist_ok=True)
            write_durably(path, data)

    # ---- what they said
    def tell(self, version: int, round_number: int, scores: Mapping[str, Score]) -> None:
        """Keep what a version says of all items now; what it said in this round before is replaced."""
        at = datetime.now(UTC).isoformat(timespec="seconds")
        said = {item: [score.label, round(score.probability, 4)] for item, score in scores.items()}
        path = self._history / f"{version:04d}-r{round_number}.json"
        self._write(path, encode({"at": at, "items": said}), f"what strategy v{version} says of the items was not kept")

    def told_of(self, item: str) -> list[Telling]:
        """What every version said of an item, the oldest first."""
        found = []
        for version, number, said in self._tellings():
            told = said["items"].get(item)
            if isinstance(told, list) and len(told) == 2 and isinstance(told[1], (int, float)):
                found.append(Telling(version, number, told[0], told[1], str(said.get("at", ""))))
        return found

    def _tellings(self) -> list[tuple[int, int, dict[str, Any]]]:
        found = [
            (int(named[1]), int(named[2]), said)
            for path in self._history.glob("*.json")
            if (named := _SAID.fullmatch(path.name)) and (said := self._said(path)) is not None
        ]
        return sorted(found, key=lambda one: one[:2])

    def _said(self, path: Path) -> dict[str, Any] | None:
        """A file, read once for each time it was written. One that cannot be read tells nothing."""
        try:
            stamp = path.stat().st_mtime_ns
            if self._read.get(path.name, (0,))[0] != stamp:
                said = orjson.loads(path.read_bytes())
                self._read[path.name] = (stamp, said if isinstance(said.get("items"), dict) else {"items": {}})
            return self._read[path.name][1]
        except (OSError, ValueError, AttributeError):
            return None
