"""A strategy learned anew from all that was said, and how good its labels are."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter, ValidationError

from flows.labelling.disk import disk
from flows.labelling.log import write_durably
from flows.labelling.project import LabelProject
from flows.labelling.scoring import mean_uncertainty, scores_of, table_from
from steps.errors import RunError
from steps.extras import extra
from steps.labels.annotations import AnnotatorKind
from steps.labels.gain import COUNTED
from steps.labels.table import AnnotationTable

if TYPE_CHECKING:
    from steps.labels.questions import QuestionType
    from steps.labels.strategies.strategy import Strategy
    from steps.labels.strategy_names import StrategyName
    from steps.labels.votes import Floats, Ints, Votes

MEASURES = "measures.json"
MOST_ANNOTATORS = 500
MOST_ROUNDS = 12


class _Part(BaseModel):
    model_config = ConfigDict(extra="allow")


class _Interval(_Part):
    value: float | None
    low: float | None
    high: float | None


class _Partner(_Part):
    annotator: str
    correlation: float
    shared: int = Field(ge=1)


class _Measured(_Part):
    """One annotator, as far as anybody reads what was measured."""

    annotator: str
    kind: AnnotatorKind
    family: str
    answers: int
    reliability: _Interval
    bias: dict[str, float]
    drift: Any
    confusion: Any
    errs_with: list[_Partner]


class _Quality(_Part):
    items: int
    accuracy: _Interval


class _Point(_Part):
    round: int
    annotations: int
    learned: _Interval | None = None
    majority: _Interval | None = None
    uncertainty: float | None = None


class _Measures(_Part):
    """What `measures.json` holds."""

    version: int = 0
    uncertainty: float | None = None
    alpha: float | None = None
    families: dict[str, float] = Field(default_factory=dict)
    annotators: list[_Measured] = Field(default_factory=list)
    annotators_in_all: int = 0
    curve: list[_Point] = Field(default_factory=list)
    quality: _Quality | None = None


_MEASURES = TypeAdapter(_Measures)


@dataclass(frozen=True, slots=True)
class Learned:
    """A strategy that was learned, and whether it decides otherwise than the one before."""

    strategy: Strategy
    is_new: bool


def learn_anew(project: LabelProject, *, measures: bool = True) -> Learned:
    """Learn a strategy from all annotations, keep it as the next version if it decides otherwise, and measure it.

    Raises:
        RunError: There are no annotations, or the question has no label to settle.
        OtherProject: Another project took its name meanwhile; nothing was kept.
    """
    extra("scipy", "labels", "learning of labels")
    from steps.labels.settling import learn

    with project.reading():
        about = project.about
        if project.limits:
            project.limits.check("labels", len(project.labels))
        table = table_from(project.said, about.question)
    strategy = learn(table, about.strategy)
    project.versions.check(strategy)
    scores_of(table, strategy)  # one that is too much to apply is not kept, for then nobody could open the project
    with project.writing():
        project.check_is(about.identity)
        kept, is_new = project.versions.keep(strategy)
        standing = project.standing
        assert standing is not None
        number = about.open_round.number if about.open_round else project.last_round
        project.versions.tell(kept.version, number, standing.scores)
        if measures:
            uncertainty = mean_uncertainty(standing.scores)
    if measures:
        found = {"version": kept.version, "uncertainty": uncertainty, **measure(table, kept)}
        with project.writing(), disk("what was measured was not kept"):
            project.check_is(about.identity)
            write_durably(project.folder / MEASURES, orjson.dumps(_finite(found), option=orjson.OPT_NON_STR_KEYS))
    return Learned(kept, is_new)


def measures_of(folder: Path) -> dict[str, Any]:
    """What was measured at the last learning; empty before it.

    Raises:
        RunError: The file was edited so that it says nothing.
    """
    path = folder / MEASURES
    try:
        return _MEASURES.validate_json(path.read_bytes()).model_dump(exclude_unset=True)
    except FileNotFoundError:
        return {}
    except OSError as error:
        raise RunError(f"{path} cannot be read: {error.strerror}", "delete it, and learn anew") from error
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(map(str, first["loc"])) or "the file"
        raise RunError(f"{path} says nothing: {where}: {first['msg']}", "delete it, and learn anew") from None


def measure(table: AnnotationTable, strategy: Strategy) -> dict[str, Any]:
    """How good labels are by gold that was hidden, and what annotators are like, as far as a type of question tells."""
    if table.question.type not in COUNTED:
        return _measure_settled(table, strategy)
    from steps.labels.measures import quality, scored
    from steps.labels.report import crowd_report
    from steps.labels.settling.one_of import votes_in
    from steps.labels.strategies.hidden_gold import ENOUGH_GOLD

    votes = votes_in(table, strategy.classes)
    crowd = crowd_report(strategy, strategy.apply(votes), table.rounds)
    found: dict[str, Any] = {
        "alpha": crowd.alpha,
        "families": crowd.families,
        "annotators": [asdict(one) for one in crowd.annotators[:MOST_ANNOTATORS]],
        "annotators_in_all": len(crowd.annotators),
        "curve": learning_curve(table, votes, strategy.name, strategy.question),
    }
    if len(known := votes.has_gold) >= ENOUGH_GOLD:
        found["quality"] = asdict(quality(scored(_hidden(strategy.name, votes, strategy.question), votes.gold[known])))
    return found


def _measure_settled(table: AnnotationTable, strategy: Strategy) -> dict[str, Any]:
    """The same where answers are made of parts: what can be told of the whole."""
    from steps.labels.comparing import contend
    from steps.labels.settling import learn, settle
    from steps.labels.strategies.hidden_gold import ENOUGH_GOLD

    curve = []
    for number in sorted(set(table.rounds))[-MOST_ROUNDS:]:
        seen = table.some([at for at, one in enumerate(table.rounds) if one <= number])
        unsure = [one.uncertainty for one in settle(seen, learn(seen, strategy.name)) if not one.is_gold]
        mean = sum(unsure) / len(unsure) if unsure else 0.0
        curve.append({"round": number, "annotations": len(seen), "uncertainty": mean})
    found: dict[str, Any] = {"curve": curve}
    if len(table.gold) >= ENOUGH_GOLD and (judged := contend(table, strategy.name).quality):
        found["quality"] = asdict(judged)
    return found


def _hidden(name: StrategyName, votes: Votes, question: QuestionType) -> Floats:
    from steps.labels.strategies.fitting import fit
    from steps.labels.strategies.hidden_gold import hidden_gold

    return hidden_gold(votes, lambda seen: fit(name, seen, question))


def learning_curve(
    table: AnnotationTable, votes: Votes, name: StrategyName, question: QuestionType = "label"
) -> list[dict[str, Any]]:
    """How good labels are after each round: by hidden gold, else by how unsure they are.

    Items about which nobody had answered by then take no part, nor do rounds without any others.
    """
    import numpy as np

    from steps.labels.strategies.fitting import fit
    from steps.labels.strategies.hidden_gold import ENOUGH_GOLD

    in_round = np.array(table.rounds)
    rounds = sorted(set(table.rounds))[-MOST_ROUNDS:]
    by_gold = len(votes.has_gold) >= ENOUGH_GOLD
    found = []
    for number in rounds:
        seen = votes.only(in_round <= number)
        point: dict[str, Any] = {"round": number, "annotations": len(seen)}
        if by_gold:
            answered = seen.per_item[seen.has_gold] > 0
            if not answered.any():
                continue
            truth = seen.gold[seen.has_gold][answered]
            point["learned"] = _accuracy(_hidden(name, seen, question)[answered], truth)
            point["majority"] = _accuracy(_hidden("majority", seen, question)[answered], truth)
        else:
            answered = (seen.per_item > 0) & (seen.gold < 0)
            posterior = fit(name, seen, question).apply(seen).posterior[answered]
            point["uncertainty"] = float(1 - posterior.max(axis=1).mean()) if answered.any() else 0.0
        found.append(point)
    return found


def _accuracy(posterior: Floats, truth: Ints) -> dict[str, float]:
    """The share that is right, with the interval of that many items."""
    from steps.labels.measures import proportion

    return asdict(proportion(float((posterior.argmax(axis=1) == truth).sum()), len(truth)))


def _finite(value: Any) -> Any:
    """The same without what JSON cannot hold."""
    match value:
        case float():
            return value if value == value and abs(value) != float("inf") else None
        case dict():
            return {key: _finite(one) for key, one in value.items()}
        case list():
            return [_finite(one) for one in value]
    return value
