"""A cassette that is played: the answer to a request that was recorded, and why there is none to another."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from pathlib import Path
from typing import Any

import orjson

from steps.cassettes.differences import differences
from steps.cassettes.exchanges import Asked, Sent, content_of, exchanges_in
from steps.cassettes.scrubbing import Scrubber
from steps.errors import LLMError, NetworkFailed, Unreachable

_DIFFERENCES_SHOWN = 3
_COMPARED = 50
_ENDING_BYTES = 1000


class NotRecorded(LLMError):
    """A cassette answers, and this request is not on it."""

    code = "not-recorded"


class Player:
    """Answers each request as often as it was recorded, in the order of then."""

    def __init__(self, path: Path, how_to_record: str) -> None:
        self._path = path
        self._fix = f"if that is meant to be, record it anew: {how_to_record}"
        self._answers: dict[bytes, list[dict[str, Any]]] = {}
        for asked, told in exchanges_in(path):
            self._answers.setdefault(asked.digest, []).append(told)
        self._played: Counter[bytes] = Counter()

    def answer(self, sent: Sent) -> tuple[int, dict[str, str], bytes]:
        """Status, headers and body. Nobody is asked to wait: the server of then needs no rest.

        Raises:
            NotRecorded: There is none; it says what is other than on the cassette.
            NetworkFailed: There was none then either.
        """
        asked = Asked.of(sent, Scrubber.of_request(sent.headers))
        recorded = self._answers.get(asked.digest, [])
        played = self._played[asked.digest]
        if played >= len(recorded):
            raise NotRecorded(self._why_not(asked, len(recorded)), self._fix)
        self._played[asked.digest] += 1
        told = recorded[played]
        if (failed := told.get("failed")) is not None:
            kind = Unreachable if failed.get("code") == Unreachable.code else NetworkFailed
            raise kind(str(failed.get("message")), str(failed.get("fix")))
        answer = told["answer"]
        headers = {"content-type": str(answer.get("headers", {}).get("content-type", "application/json"))}
        if "location" in answer.get("headers", {}):
            headers["Location"] = str(answer["headers"]["location"])
        if int(answer["status"]) >= 400:
            headers["Retry-After"] = "0"
        return int(answer["status"]), headers, content_of(_at_once(answer.get("body")))

    def _why_not(self, asked: Asked, times: int) -> str:
        which = f"{asked.method} {asked.url}"
        if times:
            again = "once" if times == 1 else f"{times} times"
            return f"the cassette {self._path} has this request {again}, and it is sent once more: {which}"
        others = [one for one, _ in exchanges_in(self._path)]
        alike = [one for one in others if (one.method, one.url) == (asked.method, asked.url)]
        if not alike:
            known = ", ".join(sorted({f"{one.method} {one.url}" for one in others})) or "nothing"
            return f"the cassette {self._path} has no request to {which}; it has {known}"
        nearest = _nearest(alike, asked)
        shown = "; ".join(nearest[:_DIFFERENCES_SHOWN])
        more = f"; and {len(nearest) - _DIFFERENCES_SHOWN} more" if len(nearest) > _DIFFERENCES_SHOWN else ""
        return f"the cassette {self._path} has no such {which}; the recorded one that is most like it differs in {shown}{more}"


def _nearest(alike: list[Asked], asked: Asked) -> list[str]:
    """In what the recorded request that is most like this one differs from it."""
    sent = _ending(asked)
    found = [(differences(one.body, asked.body), _ending(one)) for one in alike]
    fewest = sorted(found, key=lambda one: len(one[0]))[:_COMPARED]
    return min(fewest, key=lambda one: (len(one[0]), -SequenceMatcher(None, sent, one[1]).ratio()))[0]


def _ending(asked: Asked) -> str:
    """Where requests to the same model differ most: what is asked last."""
    return orjson.dumps(asked.body)[-_ENDING_BYTES:].decode(errors="replace")


def _at_once(value: Any) -> Any:
    """A body in which Google asks nobody to wait."""
    if isinstance(value, list):
        return [_at_once(one) for one in value]
    if isinstance(value, dict):
        return {name: "0s" if name == "retryDelay" else _at_once(one) for name, one in value.items()}
    return value
