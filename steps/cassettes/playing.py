"""A cassette that is played: the answer to a request that was recorded, and why there is none to another."""

from __future__ import annotations

import logging
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import orjson

from steps.cassettes.differences import differences
from steps.cassettes.exchanges import Asked, Sent, content_of, exchanges_in
from steps.cassettes.scrubbing import Scrubber
from steps.errors import LLMError, NetworkFailed, Unreachable

log = logging.getLogger(__name__)
_DIFFERENCES_SHOWN = 3


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
        log.warning("models are answered for by the cassette %s: nothing is sent, and nothing paid", path)

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
        nearest = min((_compared(one, asked) for one in alike), key=lambda found: (len(found[0]), -found[1]))[0]
        shown = "; ".join(nearest[:_DIFFERENCES_SHOWN])
        more = f"; and {len(nearest) - _DIFFERENCES_SHOWN} more" if len(nearest) > _DIFFERENCES_SHOWN else ""
        return f"the cassette {self._path} has no such {which}; the recorded one that is most like it differs in {shown}{more}"


def _compared(one: Asked, asked: Asked) -> tuple[list[str], int]:
    """In what a recorded request differs from this one, and how far both begin alike."""
    pairs = enumerate(zip(orjson.dumps(one.body), orjson.dumps(asked.body), strict=False))
    return differences(one.body, asked.body), next((at for at, (a, b) in pairs if a != b), sys.maxsize)


def _at_once(value: Any) -> Any:
    """A body in which Google asks nobody to wait."""
    if isinstance(value, list):
        return [_at_once(one) for one in value]
    if isinstance(value, dict):
        return {name: "0s" if name == "retryDelay" else _at_once(one) for name, one in value.items()}
    return value
