"""Annotations as arrays: what strategies count with. A million of them take about 50 MB.

Needs numpy, so steps import it in `process`.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any

import numpy as np
import xxhash
from numpy.typing import NDArray

from steps.labels.annotations import AnnotatorKind

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
KINDS: tuple[AnnotatorKind, ...] = ("human", "llm", "template")
_RANGE = 2.0**64
UNKNOWN = -1
"""Stands for no label: of gold where none is known, of a vote for something that is none of the classes."""


@dataclass(frozen=True)
class Voter:
    """An annotator, as far as it is known before anything is learned."""

    name: str
    kind: AnnotatorKind = "human"
    family: str = ""


@dataclass(frozen=True)
class Votes:
    """Who said what about which item: `item`, `voter`, `label` (m,) index the lists; `confidence` (m,) is NaN where unknown.

    `gold` (n,) is the class that is known to be right, or UNKNOWN.
    """

    items: Sequence[str]
    voters: Sequence[Voter]
    classes: Sequence[str]
    item: Ints
    voter: Ints
    label: Ints
    confidence: Floats
    gold: Ints

    def __len__(self) -> int:
        return len(self.item)

    @cached_property
    def per_item(self) -> Ints:
        """Votes of each item (n,)."""
        return np.bincount(self.item, minlength=len(self.items))

    @cached_property
    def per_voter(self) -> Ints:
        """Votes of each voter."""
        return np.bincount(self.voter, minlength=len(self.voters))

    @cached_property
    def kind(self) -> Ints:
        """The kind of each voter, as a place in KINDS."""
        return np.array([KINDS.index(voter.kind) for voter in self.voters], dtype=np.int64)

    @cached_property
    def counts(self) -> Floats:
        """How often each item was given each class (n, K)."""
        classes = len(self.classes)
        flat = np.bincount(self.item * classes + self.label, minlength=len(self.items) * classes)
        return flat.reshape(len(self.items), classes).astype(float)

    @property
    def has_gold(self) -> Ints:
        """Places of the items whose class is known."""
        return np.flatnonzero(self.gold >= 0)

    def item_lots(self, seed: int) -> Floats:
        """(n,): a number between 0 and 1 for each item, drawn by its name: the order in which rows came changes nothing."""
        return lots_of(self.items, seed)

    def lots(self, seed: int) -> Floats:
        """(m,): one for each vote, drawn by item and voter."""
        items, voters = _drawn(self.items, seed), _drawn([voter.name for voter in self.voters], seed + 1)
        mixed = (items[self.item] ^ (voters[self.voter] * np.uint64(0x9E3779B97F4A7C15))) * np.uint64(0xBF58476D1CE4E5B9)
        return np.asarray((mixed ^ (mixed >> np.uint64(31))) / _RANGE)

    def without_gold(self, hidden: Ints | slice = slice(None)) -> Votes:
        """The same votes, with the gold of these items hidden."""
        gold = self.gold.copy()
        gold[hidden] = UNKNOWN
        return replace(self, gold=gold)

    def only(self, chosen: NDArray[np.bool_]) -> Votes:
        """Some of the votes; items, voters and classes stay, also those without a vote."""
        parts = {name: getattr(self, name)[chosen] for name in ("item", "voter", "label", "confidence")}
        return replace(self, **parts)

    def in_order(self) -> Votes:
        """The same votes by the names of items and voters: sums come out alike, in whichever order rows came."""
        item, items = _by_name(self.items)
        voter, names = _by_name([one.name for one in self.voters])
        order = np.lexsort((self.label, voter[self.voter], item[self.item]))
        return replace(
            self,
            items=[self.items[at] for at in items],
            voters=[self.voters[at] for at in names],
            item=item[self.item][order],
            voter=voter[self.voter][order],
            label=self.label[order],
            confidence=self.confidence[order],
            gold=self.gold[items],
        )

    def on_items(self, chosen: NDArray[np.bool_]) -> Votes:
        """The votes on some of the items (n,), which alone stay."""
        place = np.cumsum(chosen) - 1
        votes = self.only(chosen[self.item])
        kept = [self.items[at] for at in np.flatnonzero(chosen).tolist()]
        return replace(votes, items=kept, item=place[votes.item], gold=self.gold[chosen])


def lots_of(names: Sequence[str], seed: int) -> Floats:
    """A number between 0 and 1 for each name."""
    return _drawn(names, seed) / _RANGE


def _drawn(names: Sequence[str], seed: int) -> NDArray[np.uint64]:
    hashes = (xxhash.xxh3_64_intdigest(name.encode("utf-8", "surrogatepass"), seed) for name in names)
    return np.fromiter(hashes, np.uint64, len(names))


def _by_name(names: Sequence[str]) -> tuple[Ints, list[int]]:
    """The place of each name when they are sorted, and the names' places in that order."""
    order = sorted(range(len(names)), key=names.__getitem__)
    places = np.empty(len(names), dtype=np.int64)
    places[order] = np.arange(len(names))
    return places, order


class Codes:
    """Numbers for names, in the order in which they first came."""

    def __init__(self, names: Iterable[str] = ()) -> None:
        self.of: dict[str, int] = {}
        for name in names:
            self.code(name)

    def code(self, name: str) -> int:
        return self.of.setdefault(name, len(self.of))

    @property
    def names(self) -> list[str]:
        return list(self.of)


def votes_of(
    items: Sequence[str],
    annotators: Sequence[str],
    labels: Sequence[str],
    *,
    classes: Sequence[str] = (),
    confidences: Sequence[float | None] | None = None,
    voters: Mapping[str, Voter] | None = None,
    gold: Mapping[str, str] | None = None,
) -> Votes:
    """Votes from columns of equal length. `classes`: all that a label may be, in order; empty for those that occur, sorted.

    Raises:
        ValueError: A label or a gold answer is none of `classes`.
    """
    gold = gold or {}
    order = Codes(classes or _sorted({*labels, *gold.values()}))
    places, people = Codes(), Codes()
    item = np.fromiter(map(places.code, items), np.int64, len(items))
    voter = np.fromiter(map(people.code, annotators), np.int64, len(annotators))
    label = np.fromiter((order.of.get(name, UNKNOWN) for name in labels), np.int64, len(labels))
    known = np.full(len(places.of), UNKNOWN, dtype=np.int64)
    for name, answer in gold.items():
        if name in places.of:
            known[places.of[name]] = order.of.get(answer, UNKNOWN)
            if answer not in order.of:
                raise ValueError(f"gold answer {answer!r} of item {name!r} is none of {order.names}")
    if len(label) and label.min() == UNKNOWN:
        raise ValueError(f"label {labels[int(label.argmin())]!r} is none of {order.names}")
    sure = np.full(len(item), np.nan) if confidences is None else np.array(confidences, dtype=float)
    known_voters = voters or {}
    everybody = [known_voters.get(name) or Voter(name) for name in people.names]
    return Votes(places.names, everybody, order.names, item, voter, label, sure, known)


def _sorted(labels: set[str]) -> list[str]:
    """Labels in the order of their numbers, if they are numbers; else by letter."""

    def key(label: str) -> Any:
        try:
            return (0, float(label), label)
        except ValueError:
            return (1, 0.0, label)

    return sorted(labels, key=key)
