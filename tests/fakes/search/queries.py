"""Which documents a query finds, with which score, and in which order."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Callable
from typing import Any, NamedTuple

from tests.fakes.search.documents import Document, Index, UnknownQuery, values_at


class Found(NamedTuple):
    name: str
    document: Document
    score: float


class Candidate(NamedTuple):
    name: str
    document: Document
    place: int


def search(index: Index, query: dict[str, Any] | None, sort: list[dict[str, Any]]) -> list[Found]:
    """The documents that a query finds, best first, or as `sort` says."""
    found = []
    for name, document in index.documents.items():
        score = score_of(query or {"match_all": {}}, Candidate(name, document, index.places[name]))
        if score > 0:
            found.append(Found(name, document, score))
    found.sort(key=lambda one: (-one.score, index.places[one.name]))
    for order in reversed(sort):
        found = _sorted(found, order)
    return found


def score_of(query: dict[str, Any], candidate: Candidate) -> float:
    """How well a document fits; 0 for not at all.

    Raises:
        UnknownQuery: The query is of a kind that Argilla's server does not send.
    """
    [(kind, body)] = query.items()
    if kind not in _KINDS:
        raise UnknownQuery(f"query {kind!r} is not known here")
    return float(_KINDS[kind](body, candidate))


def _listed(value: Any) -> list[Any]:
    if value is None:
        return []
    return value if isinstance(value, list) else [value]


def _bool(body: dict[str, Any], candidate: Candidate) -> float:
    must = [score_of(one, candidate) for one in _listed(body.get("must"))]
    if not all(must) or not all(score_of(one, candidate) for one in _listed(body.get("filter"))):
        return 0
    if any(score_of(one, candidate) for one in _listed(body.get("must_not"))):
        return 0
    should = [score_of(one, candidate) for one in _listed(body.get("should"))]
    needed = int(body.get("minimum_should_match") or (1 if should and not must else 0))
    return max([1.0, *must]) if sum(score > 0 for score in should) >= needed else 0


def _nested(body: dict[str, Any], candidate: Candidate) -> bool:
    path = body["path"]
    inside = _listed(candidate.document.get(path))
    return any(score_of(body["query"], candidate._replace(document={path: one})) for one in inside)


def _shuffled(body: dict[str, Any], candidate: Candidate) -> float:
    """Argilla shows records to each user in an order of the user's own."""
    if not score_of(body["query"], candidate):
        return 0
    [function] = body["functions"]
    seed = f"{function['random_score']['seed']} {candidate.place}"
    return (int(hashlib.sha256(seed.encode()).hexdigest()[:8], 16) + 1) / 2**32


def _words(body: dict[str, Any], candidate: Candidate) -> bool:
    """All words must stand in one of the fields."""
    texts = [str(value) for field in body["fields"] for value in values_at(candidate.document, field)]
    have = set(re.findall(r"\w+", " ".join(texts).lower()))
    return set(re.findall(r"\w+", body["query"].lower())) <= have


def _terms(body: dict[str, Any], candidate: Candidate) -> bool:
    [(field, wanted)] = ((field, wanted) for field, wanted in body.items() if field != "boost")
    wanted = wanted.get("value") if isinstance(wanted, dict) else wanted
    return bool({str(one) for one in _listed(wanted)} & {str(one) for one in values_at(candidate.document, field)})


def _range(body: dict[str, Any], candidate: Candidate) -> bool:
    [(field, limits)] = body.items()
    least, most = limits.get("gte"), limits.get("lte")
    return any(
        (least is None or value >= least) and (most is None or value <= most) for value in values_at(candidate.document, field)
    )


_KINDS: dict[str, Callable[[dict[str, Any], Candidate], float]] = {
    "match_all": lambda body, candidate: 1,
    "bool": _bool,
    "nested": _nested,
    "function_score": _shuffled,
    "simple_query_string": _words,
    "term": _terms,
    "terms": _terms,
    "range": _range,
    "exists": lambda body, candidate: bool(values_at(candidate.document, body["field"])),
}


def _sorted(found: list[Found], order: dict[str, Any]) -> list[Found]:
    """In the order of one field; documents without it come last."""
    [(field, how)] = order.items()
    if isinstance(how, dict):
        raise UnknownQuery(f"an order by {how!r} is not known here")
    keyed = [(values_at(one.document, field), one) for one in found]
    have = sorted((pair for pair in keyed if pair[0]), key=lambda pair: pair[0][0], reverse=how == "desc")
    return [one for _, one in have] + [one for values, one in keyed if not values]
