"""A strategy: what was learned of annotators, kept as JSON, and applied to whatever they say next."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any, Literal, Self

import numpy as np
from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from steps.errors import RunError
from steps.labels.annotations import AnnotatorKind, Text
from steps.labels.questions import QuestionType
from steps.labels.strategies.calibration import Calibration
from steps.labels.strategies.expectation import Ballots, Tables, clamped, logits, shares, spread
from steps.labels.strategies.families import family_weights
from steps.labels.strategies.sureness import DEGREES, bins_of, sureness_of
from steps.labels.strategies.verdicts import Verdicts
from steps.labels.strategy_names import BY_SHARES, StrategyName
from steps.labels.tags import strategy_tag
from steps.labels.votes import KINDS, Floats, Votes
from steps.wording import listed, quoted

Finite = Annotated[float, Field(allow_inf_nan=False)]
Share = Annotated[float, Field(ge=0, le=1, allow_inf_nan=False)]
Probability = Annotated[float, Field(gt=0, le=1, allow_inf_nan=False)]
Table = list[list[Probability]]
SEVERAL = ("multi_label", "spans")
"""Types of questions that take several answers at once."""


class Voice(BaseModel):
    """What was learned of one annotator.

    `confusion`: for each class, how often each answer is given. `weight`: how much an answer counts where shares are counted.
    `thirds`: where the thirds of their confidences begin.
    """

    model_config = ConfigDict(extra="forbid")

    kind: AnnotatorKind = "human"
    family: Text = ""
    answers: int = 0
    weight: Finite = 1.0
    confusion: Table = Field(default_factory=list)
    thirds: list[Finite] = Field(default_factory=list)


def _shape_of(table: Table) -> tuple[int, set[int]]:
    return len(table), {len(row) for row in table}


def _tells_degrees(table: Table) -> bool:
    return _shape_of(table) == (DEGREES, {2})


class Fitted(BaseModel):
    """What a strategy was learned from."""

    model_config = ConfigDict(extra="forbid")

    items: int = 0
    annotations: int = 0
    gold: int = 0
    rounds: list[int] = Field(default_factory=list)
    gold_items: list[str] | None = None
    """The items whose answer it was told, so that it is never measured by them; None where that is not known."""


class Strategy(BaseModel):
    """A way to turn many annotations of one item into one label with an uncertainty.

    Annotators of whom it knows nothing are taken for an average one of their kind (`strangers`).
    """

    model_config = ConfigDict(extra="forbid")

    distilflow_strategy: Literal[1] = 1
    """Version of the format."""
    name: StrategyName
    version: int = Field(default=1, ge=1)
    """Counts how often it was learned anew for a set of annotations."""
    question: QuestionType = "label"
    classes: list[Text]
    prior: list[Probability] = Field(default_factory=list)
    voices: dict[Text, Voice] = Field(default_factory=dict)
    strangers: dict[AnnotatorKind, Table] = Field(default_factory=dict)
    families: dict[Text, Share] = Field(default_factory=dict)
    """How far the errors of each family go together, from 0 to 1."""
    overlap: Share = 0.0
    """How far answers about one item go together beyond what its class explains, from 0 to 1."""
    sureness: dict[AnnotatorKind, Table] = Field(default_factory=dict)
    thirds: dict[AnnotatorKind, list[Finite]] = Field(default_factory=dict)
    """Where the thirds of the confidences of each kind begin, for strangers."""
    temperature: float = Field(default=1.0, gt=0, allow_inf_nan=False)
    lean: list[Finite] = Field(default_factory=list)
    parts: dict[Text, Strategy] = Field(default_factory=dict)
    """Where a question takes several answers at once: a strategy for each label, about yes and no."""
    fitted: Fitted = Field(default_factory=Fitted)
    why: Text = ""
    """Why this one was chosen, where it was chosen among others."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        if wrong := next(self._misfits(), None):
            raise ValueError(wrong)
        return self

    def _misfits(self) -> Iterator[str]:
        """What of it does not go with the rest: a file may come from anybody."""
        classes = len(self.classes)
        if len(set(self.classes)) < classes:
            yield "`classes` names one twice"
        if self.question in SEVERAL:
            if set(self.parts) != set(self.classes):
                yield f"`parts` are for {listed(self.parts) or 'nothing'}, `classes` are {listed(self.classes)}"
            if any(part.classes != ["no", "yes"] or part.parts for part in self.parts.values()):
                yield "each of `parts` has the classes no and yes, and no parts"
            return
        if self.question == "ranking":
            return
        if self.name in BY_SHARES:
            weights = [voice.weight for voice in self.voices.values()]
            if self.prior or any(weight < 0 for weight in weights) or (weights and not any(weights)):
                yield f"`{self.name}` has no prior, and weights from 0, not all 0"
            return
        if len(self.prior) != classes or len(self.lean) not in (0, classes):
            yield f"`prior` has {len(self.prior)} values and `lean` {len(self.lean)}, for {classes} classes"
        if set(self.strangers) != set(KINDS):
            yield f"`strangers` are {listed(self.strangers) or 'missing'}, not {listed(KINDS)}"
        tables = [*self.strangers.values(), *(voice.confusion for voice in self.voices.values() if voice.confusion)]
        if any(_shape_of(table) != (classes, {classes}) for table in tables):
            yield f"each confusion has {classes} rows of {classes} values"
        if self.sureness and (set(self.sureness) != set(KINDS) or not all(map(_tells_degrees, self.sureness.values()))):
            yield f"`sureness` has {DEGREES} rows of 2 values for each of {listed(KINDS)}"
        if any(len(edges) not in (0, 2) for edges in [*self.thirds.values(), *(one.thirds for one in self.voices.values())]):
            yield "`thirds` are two values"

    @property
    def counts_shares(self) -> bool:
        """Whether probabilities are shares of (weighted) votes, instead of being learned."""
        return not self.prior

    @property
    def hash(self) -> str:
        """Of all that decides over labels: 16 hex digits. Equal strategies have equal ones, whatever their version."""
        said = {"version": True, "why": True, "fitted": True}
        voices: Any = True if self.name == "majority" else {"__all__": {"answers"}}
        own = {**said, "voices": voices}
        content = self.model_dump(exclude={**own, "parts": {"__all__": own}})
        return hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()[:16]

    @property
    def stamp(self) -> dict[str, str | int]:
        """Name, version and hash, as rows name what made them."""
        return {"name": self.name, "version": self.version, "hash": self.hash}

    @property
    def tag(self) -> str:
        """Name, version and hash in short, as data sets are tagged: "learned-v4-1f0c9a2b"."""
        return strategy_tag(self.name, self.version, self.hash)

    # ---- use
    def apply(self, votes: Votes) -> Verdicts:
        """Labels for items, also such as were not learned from. Their gold, where known, is their label.

        Raises:
            ValueError: The votes are about other classes.
        """
        if list(votes.classes) != self.classes:
            raise ValueError(f"the votes are about {listed(votes.classes)}; the strategy knows {listed(self.classes)}")
        return self._by_shares(votes) if self.counts_shares else self._by_evidence(votes)

    def _by_shares(self, votes: Votes) -> Verdicts:
        weight = np.array([self.voices[voter.name].weight if voter.name in self.voices else 1.0 for voter in votes.voters])
        each = weight[votes.voter] if len(votes) else np.ones(0)
        posterior = clamped(shares(votes, each, shared=float(weight.mean()) if len(weight) else 1.0), votes)
        totals = np.bincount(votes.item, weights=each, minlength=len(votes.items))
        winner = posterior.argmax(axis=1)
        pull = each / totals[votes.item] * np.where(votes.label == winner[votes.item], 1.0, -1.0)
        said = np.zeros((len(votes), len(self.classes)))
        said[np.arange(len(votes)), votes.label] = each
        return Verdicts(votes, posterior, pull, said, by_shares=True)

    def _by_evidence(self, votes: Votes) -> Verdicts:
        weight = family_weights(votes, self.families)
        tables = self._tables(votes, weight)
        bins = None if tables.sureness is None else bins_of(votes, self._edges(votes))
        values = logits(votes, Ballots(votes, weight), tables, bins)
        posterior = clamped(Calibration(self.temperature, tuple(self.lean)).applied(values), votes)
        said = np.log(tables.confusion)[votes.voter, :, votes.label]
        if bins is not None and tables.sureness is not None:
            said[np.arange(len(votes)), votes.label] += sureness_of(votes, bins, tables.sureness)
        counts = weight / spread(votes, self.overlap)[votes.item] / self.temperature
        said *= counts[:, None]
        return Verdicts(votes, posterior, pulls(votes, posterior, said), said)

    def _tables(self, votes: Votes, weight: Floats) -> Tables:
        strangers = {kind: np.array(self.strangers[kind]) for kind in KINDS}
        known = [self.voices.get(voter.name) for voter in votes.voters]
        each = [
            np.array(voice.confusion) if voice and voice.confusion else strangers[voter.kind]
            for voice, voter in zip(known, votes.voters, strict=True)
        ]
        classes = len(self.classes)
        confusion = np.stack(each) if each else np.zeros((0, classes, classes))
        sure = np.stack([np.array(self.sureness[kind]) for kind in KINDS]) if self.sureness else None
        every_stranger = np.stack([strangers[kind] for kind in KINDS])
        log_prior = np.log(np.array(self.prior))
        return Tables(confusion, log_prior, every_stranger, overlap=self.overlap, weight=weight, sureness=sure)

    def _edges(self, votes: Votes) -> Floats:
        of_kind = dict(self.thirds)
        for voice in self.voices.values():
            if voice.thirds:  # files that were saved before `thirds` have none but these
                of_kind.setdefault(voice.kind, voice.thirds)
        known = [self.voices.get(voter.name) for voter in votes.voters]
        none = [float("inf"), float("inf")]
        return np.array(
            [
                voice.thirds if voice and voice.thirds else of_kind.get(voter.kind, none)
                for voice, voter in zip(known, votes.voters, strict=True)
            ]
        ).reshape(len(votes.voters), 2)

    # ---- files
    def save(self, path: Path) -> None:
        """Write it as JSON."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(self.encoded())

    def encoded(self) -> bytes:
        """As a file has it: JSON, with halves of characters as it writes them."""
        return json.dumps(self.model_dump(), indent=1).encode("ascii") + b"\n"

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote.

        Raises:
            RunError: There is no such file, or it holds no strategy.
        """
        try:
            return cls.model_validate(json.loads(path.read_bytes()))
        except (ValueError, RecursionError) as error:
            if isinstance(error, ValidationError):
                raise _no_strategy(path, error) from None
            what = f"{quoted(str(path))} holds no strategy: the file: it is no JSON: {error}"
            raise RunError(what, "name a file that a strategy was saved to") from None
        except OSError as error:
            raise RunError(f"strategy {quoted(str(path))} cannot be read: {error.strerror}", "check the path") from error


def _no_strategy(path: Path, error: ValidationError) -> RunError:
    first = error.errors()[0]
    where = ".".join(map(str, first["loc"])) or "the file"
    what = f"{quoted(str(path))} holds no strategy: {where}: {first['msg']}"
    return RunError(what, "name a file that a strategy was saved to")


def pulls(votes: Votes, posterior: Floats, said: Floats) -> Floats:
    """(m,): how far each vote pulls its item towards the label it got, in logarithms of odds against all others.

    `said` (m, K): what each vote says for each class. The others count by how probable they are beside each other.
    """
    winner = posterior.argmax(axis=1)
    others = posterior.copy()
    others[np.arange(len(winner)), winner] = 0
    rest = others.sum(axis=1, keepdims=True)
    even = np.ones_like(others) / max(others.shape[1] - 1, 1)
    even[np.arange(len(winner)), winner] = 0
    others = np.where(rest > 0, others / np.where(rest > 0, rest, 1), even)
    mine = said[np.arange(len(said)), winner[votes.item]]
    return np.asarray(mine - (said * others[votes.item]).sum(axis=1))


def tables_as_lists(table: Floats) -> list[Table]:
    """Tables (A, K, L) of probabilities as JSON has them: to six digits that count, so that none becomes 0."""
    scale = 10.0 ** (5 - np.floor(np.log10(np.maximum(table, 1e-300))))
    return [[[float(value) for value in row] for row in one] for one in np.round(table * scale) / scale]
