"""What a run would take: a few rows go through all steps, and what they used is projected to all rows.

Rows differ, so each figure has a margin: two standard errors of the sample. What came of one row of the source counts as one
observation, however many rows and requests that were.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.engine.joins import ends_with
from flows.engine.limits import Limit, Limits, read_limits
from flows.engine.observer import Observer
from flows.engine.outcome import Counts, Failure
from flows.engine.spread import Spread
from flows.engine.stages import stages_of
from flows.engine.tally import Tally
from flows.plan import Plan
from flows.runners.inline import run_to_end, sampled
from steps.base import GeneratorStep
from steps.columns.embedding_generation import EmbeddingGeneration
from steps.embeddings.rehearsal_embeddings import RehearsalEmbeddings
from steps.errors import RunError, SpecError
from steps.llms.base import Completion, Responder
from steps.llms.prices import Price
from steps.tasks.asking import AskingStep
from steps.tasks.base import Task

Models = Mapping[str, Mapping[str, Responder]]
"""The models that are asked, by step and by the names that the step has for them (`Plan.llms`)."""
SAMPLE = 5
"""Rows of the source in a sample."""


@dataclass(frozen=True, slots=True)
class Range:
    """A projected number: `mean`, give or take `margin`."""

    mean: float = 0.0
    margin: float = 0.0

    @property
    def low(self) -> float:
        return max(0.0, self.mean - self.margin)

    @property
    def high(self) -> float:
        return self.mean + self.margin

    def over(self, divisor: float) -> Range:
        return Range(self.mean / divisor, self.margin / divisor)


@dataclass(frozen=True, slots=True)
class ModelEstimate:
    """What one of the models of a step would be asked. `asked_as`: its name there, or its names."""

    asked_as: str
    model: str
    requests: Range
    input_tokens: Range
    output_tokens: Range
    cost: Range | None


@dataclass(frozen=True, slots=True)
class StepEstimate:
    """What one step would take. `model` is empty where none is asked; `cost`, in USD, is None where nobody knows the price.

    `models`: each of them, where the step asks several.
    """

    step: str
    model: str
    rows_in: float
    rows_out: float
    requests: Range = Range()
    input_tokens: Range = Range()
    output_tokens: Range = Range()
    cost: Range | None = Range()
    models: tuple[ModelEstimate, ...] = ()


@dataclass(frozen=True, slots=True)
class Estimate:
    """What a run of `rows` rows of the source would take, by a sample of `sampled` of them."""

    rows: int
    sampled: int
    steps: list[StepEstimate]
    requests: Range
    input_tokens: Range
    output_tokens: Range
    cost: Range
    """USD, without the requests whose price nobody knows."""
    unpriced: list[str]
    """Steps whose model has no known price."""
    seconds: Range | None
    """Time for requests and replies, if the server stays as fast as it was; None of a rehearsal."""
    sample: Tally
    """What the sample itself used; replies that an earlier sample or preview got cost nothing again."""
    failed: int
    """Rows of the sample that failed."""
    batched: list[str] = field(default_factory=list)
    """Steps that go by batch, whose replies take as long as the provider likes, up to a day."""

    @property
    def is_rehearsal(self) -> bool:
        return self.seconds is None


def estimate(
    plan: Plan,
    rows: int | None = None,
    sample: int = SAMPLE,
    priced: Models | None = None,
    *,
    runs_dir: Path = Path("runs"),
) -> Estimate:
    """Run a sample and project it to all rows of the source: `rows`, or as many as the source says there are.

    Replies of the sample are kept as those of previews are: for the next ones, and for the runs of the runs folder.

    `priced`: for a rehearsal, the models that would be asked, by step; the sample then costs nothing, its replies are made up,
    and so is how long they are.

    Raises:
        SpecError: The source cannot say how many rows there are.
        RunError: The sample cannot run, or got no reply.
    """
    totals = {name: rows if rows is not None else _count(plan, name) for name in plan.sources}
    plan = _with_vectors_asked_for(plan, priced or {})
    return run_to_end(_estimate(plan, rows, totals, min([sample, *totals.values()]), priced, runs_dir))


def _with_vectors_asked_for(plan: Plan, priced: Models) -> Plan:
    """The plan, where rehearsed vectors are asked for as those of a server would be: then it is seen what is asked."""
    steps = dict(plan.steps)
    for name, planned in plan.steps.items():
        step = planned.step
        if name in priced and isinstance(step, EmbeddingGeneration) and isinstance(step.embeddings, RehearsalEmbeddings):
            asking = step.model_copy(update={"embeddings": step.embeddings.asked()})
            steps[name] = replace(planned, step=asking, pool=asking.preferred_pool())
    return replace(plan, steps=steps)


def _count(plan: Plan, name: str) -> int:
    source = plan.steps[name].step
    assert isinstance(source, GeneratorStep)
    count = source.count()
    if count is None:
        raise SpecError(f"step {name!r} cannot say how many rows there are without reading them", "say it: --rows 1000")
    if not count:
        raise SpecError(f"step {name!r} has no rows", "add rows to its source")
    return count


@dataclass(frozen=True, slots=True)
class _Reply:
    """One reply of the sample; `unit` is the row of the source, or of a step over all rows, that it goes back to."""

    step: str
    model: str
    """Which of the step's models, by its name there."""
    unit: str
    used: Tally
    is_new: bool
    limits: Limits | None


class _Sample(Observer):
    def __init__(self) -> None:
        self.replies: list[_Reply] = []
        self.failures: list[Failure] = []

    def replied(self, step: str, row: str, model: str, completion: Completion, used: Tally, is_new: bool) -> None:
        self.replies.append(_Reply(step, model, row.partition(".")[0], used, is_new, read_limits(completion.headers)))

    def failed(self, failure: Failure) -> None:
        self.failures.append(failure)


async def _estimate(
    plan: Plan,
    rows: int | None,
    totals: dict[str, int],
    sample: int,
    priced: Models | None,
    runs_dir: Path,
) -> Estimate:
    seen = _Sample()
    async with sampled(plan, sample, seen, runs_dir=runs_dir) as (engine, _):
        counts = engine.counts
    if rows is None:
        totals = _repeated(plan, totals, counts)
    matched = _matched(plan)
    totals = {name: min(totals[one] for one in (name, *matched[name])) for name in totals}
    if plan.llms and not seen.replies and seen.failures:
        first = seen.failures[0]
        raise RunError(f"no row of the sample got a reply; row {first.id} in step {first.step!r}: {first.message}", first.fix)
    return _Projection(plan, counts, totals, matched, seen, priced).estimate()


def _matched(plan: Plan) -> dict[str, list[str]]:
    """For each source those that it ends with, since its rows are matched with theirs."""
    stages = stages_of(plan)
    return {stages[name].entrance: [stages[other].entrance for other in others] for name, others in ends_with(stages).items()}


def _repeated(plan: Plan, totals: Mapping[str, int], counts: Mapping[str, Counts]) -> dict[str, int]:
    """Rows of each source, where a step repeats one until it has enough: as many as it takes by what the sample brought."""
    found = dict(totals)
    for name, planned in plan.steps.items():
        if (loop := planned.repeats) is not None:
            source = plan.source_of(name)
            most, brought = totals[source] * loop.max_rounds, counts[name].made
            wanted = loop.num_rows * counts[source].made
            found[source] = min(most, math.ceil(wanted / brought)) if brought else most
    return found


def _groups(matched: Mapping[str, Sequence[str]]) -> list[set[str]]:
    """Sources whose rows count once, since they are matched; most stand alone."""
    groups: list[set[str]] = []
    for name, others in matched.items():
        group = {name, *others}
        apart = [one for one in groups if one.isdisjoint(group)]
        groups = [*apart, group.union(*(one for one in groups if one not in apart))]
    return groups


Observation = tuple[str, str]
"""The step where a row began, and its number there."""


class _Projection:
    """Turns what a sample used into what all rows would use."""

    def __init__(
        self,
        plan: Plan,
        counts: Mapping[str, Counts],
        totals: Mapping[str, int],
        matched: Mapping[str, Sequence[str]],
        seen: _Sample,
        priced: Models | None,
    ) -> None:
        self._plan = plan
        self._counts = counts
        self._totals = totals
        self._groups = _groups(matched)
        self._seen = seen
        self._is_rehearsal = priced is not None
        self._llms = {**plan.llms, **(priced or {})}
        self._begin: dict[str, str] = {}
        for name in plan.steps:
            self._begin[name] = self._beginning(name)
        self._prices = {
            (step, name): self._price_in(step, llm) for step, models in self._llms.items() for name, llm in models.items()
        }

    def _price_in(self, step: str, llm: Responder) -> Price | None:
        task = self._plan.steps[step].step
        return task.price_of(llm) if isinstance(task, AskingStep) else llm.find_price()

    def _batched(self) -> list[str]:
        steps = {name: planned.step for name, planned in self._plan.steps.items()}
        return [
            name
            for name, step in steps.items()
            if isinstance(step, Task) and step.batch and any(not llm.is_free for llm in self._llms.get(name, {}).values())
        ]

    def estimate(self) -> Estimate:
        replies = self._seen.replies
        made = {name: self._counts[name].made for name in self._totals}
        sampled, rows = (sum(max(count[name] for name in group) for group in self._groups) for count in (made, self._totals))
        used = Tally()
        for reply in replies:
            if reply.is_new:
                used.add(reply.used)
        return Estimate(
            rows=rows,
            sampled=sampled,
            steps=[self._step(name) for name in self._plan.steps],
            requests=self._sum(replies, self._requests),
            input_tokens=self._sum(replies, _input_tokens),
            output_tokens=self._sum(replies, _output_tokens),
            cost=self._sum(replies, self._cost),
            unpriced=[name for name in self._llms if self._is_unpriced(name)],
            seconds=None if self._is_rehearsal else self._seconds(),
            sample=Tally() if self._is_rehearsal else used,
            failed=len(self._seen.failures),
            batched=self._batched(),
        )

    def _step(self, name: str) -> StepEstimate:
        scale, counts = self._scale(self._begin[name]), self._counts[name]
        if name not in self._llms:
            return StepEstimate(name, "", counts.taken * scale, counts.made * scale)
        replies = [reply for reply in self._seen.replies if reply.step == name]
        return StepEstimate(
            step=name,
            model=", ".join(dict.fromkeys(llm.model_name for llm in self._llms[name].values())),
            rows_in=counts.taken * scale,
            rows_out=counts.made * scale,
            requests=self._sum(replies, self._requests),
            input_tokens=self._sum(replies, _input_tokens),
            output_tokens=self._sum(replies, _output_tokens),
            cost=None if self._is_unpriced(name) else self._sum(replies, self._cost),
            models=self._models(name, replies),
        )

    def _models(self, step: str, replies: list[_Reply]) -> tuple[ModelEstimate, ...]:
        names: dict[int, list[str]] = defaultdict(list)
        for name, llm in self._llms[step].items():
            names[id(llm)].append(name)
        if len(names) < 2:
            return ()
        found = []
        for group in names.values():
            mine = [reply for reply in replies if reply.model in group]
            is_known = all(self._prices[step, name] is not None for name in group)
            found.append(
                ModelEstimate(
                    asked_as=", ".join(group),
                    model=self._llms[step][group[0]].model_name,
                    requests=self._sum(mine, self._requests),
                    input_tokens=self._sum(mine, _input_tokens),
                    output_tokens=self._sum(mine, _output_tokens),
                    cost=self._sum(mine, self._cost) if is_known else None,
                )
            )
        return tuple(found)

    # ---- money
    def _cost(self, reply: _Reply) -> float:
        return self._money_for(reply) or 0.0

    def _money_for(self, reply: _Reply) -> float | None:
        """By today's price, whatever it cost when it was got; None when nobody knows, or the server counts no tokens."""
        price = self._prices[reply.step, reply.model]
        if price is None:
            return None
        found = price.cost(reply.used.usage)
        if found is None and price.image is not None and self._is_rehearsal:
            return price.image
        if found is None and not reply.used.unpriced and not self._is_rehearsal:  # a picture, or less than a token of a request
            return reply.used.known_cost
        return found

    def _together(self, reply: _Reply) -> int:
        """Rows that would travel in one request with this one, where there are enough of them."""
        return self._llms[reply.step][reply.model].rows_per_request

    def _requests(self, reply: _Reply) -> float:
        together = self._together(reply)
        return 1 / together if together > 1 else reply.used.requests

    def _took(self, reply: _Reply) -> float:
        """Seconds of its request, or its share of them."""
        together = self._together(reply)
        if together == 1:
            return reply.used.seconds
        seen = [one.used.seconds for one in self._seen.replies if (one.step, one.model) == (reply.step, reply.model)]
        asked = [seconds for seconds in seen if seconds]
        return sum(asked) / max(1, len(asked)) / together

    def _is_unpriced(self, name: str) -> bool:
        replies = (reply for reply in self._seen.replies if reply.step == name)
        is_known = all(self._prices[name, model] is not None for model in self._llms[name])
        return not is_known or any(self._money_for(reply) is None for reply in replies)

    # ---- from the sample to all rows
    def _beginning(self, name: str) -> str:
        """The source, or the step over all rows, where the rows of a step got their ids: of several the one with the fewest."""
        planned = self._plan.steps[name]
        if planned.begins:
            return name
        return min((self._begin[before] for before in planned.after), key=lambda begin: self._totals[self._source(begin)])

    def _source(self, begin: str) -> str:
        while begin not in self._totals:
            begin = self._begin[self._plan.steps[begin].after[0]]
        return begin

    def _scale(self, begin: str) -> float:
        """All rows, for each row of the sample. A step over all rows makes more of more rows."""
        if begin in self._totals:
            return self._totals[begin] / max(1, self._counts[begin].made)
        planned = self._plan.steps[begin]
        scales = {before: self._scale(self._begin[before]) for before in planned.after}
        sampled = sum(self._counts[before].made for before in planned.after)
        if planned.matches_branches or not sampled:
            return scales[planned.after[0]]
        return sum(self._counts[before].made * scale for before, scale in scales.items()) / sampled

    def _sum(self, replies: list[_Reply], amount: Callable[[_Reply], float]) -> Range:
        """What all rows would use, by what these replies used."""
        used: dict[str, dict[str, float]] = defaultdict(lambda: defaultdict(float))
        for reply in replies:
            used[self._begin[reply.step]][reply.unit] += amount(reply)
        mean = variance = 0.0
        for begin, units in used.items():
            found = self._project(begin, list(units.values()))
            mean += found.mean
            variance += found.margin**2
        return Range(mean, math.sqrt(variance))

    def _project(self, begin: str, used: list[float]) -> Range:
        sampled, scale = max(self._counts[begin].made, len(used)), self._scale(begin)
        spread = Spread()
        for value in [*used, *[0.0] * (sampled - len(used))]:
            spread.add(value)
        mean = spread.mean * sampled * scale
        if scale <= 1:
            return Range(mean)
        if sampled == 1:  # one row says nothing about how much rows differ
            return Range(mean, mean)
        error = sampled * scale * spread.deviation / math.sqrt(sampled)
        return Range(mean, 2 * error * math.sqrt(1 - 1 / scale))

    # ---- time
    def _seconds(self) -> Range:
        """Time of the endpoint that takes longest, and of the first row's way through all steps."""
        askers: dict[str, list[tuple[str, str]]] = defaultdict(list)
        for step, models in self._llms.items():
            for name, llm in models.items():
                askers[llm.endpoint].append((step, name))
        longest = max((self._seconds_of(asking) for asking in askers.values()), key=lambda found: found.mean, default=Range())
        return Range(longest.mean + self._way(), longest.margin)

    def _seconds_of(self, asking: list[tuple[str, str]]) -> Range:
        """`asking`: the steps that ask an endpoint, and which of their models it is."""
        replies = [reply for reply in self._seen.replies if (reply.step, reply.model) in asking]
        step, name = asking[0]
        llm = self._llms[step][name]
        at_once = self._sum(replies, self._took).over(llm.max_concurrency)
        requests, tokens = self._sum(replies, self._requests), self._sum(replies, _tokens)
        limited = [
            time_under([reply.limits.requests for reply in replies if reply.limits], requests),
            time_under([reply.limits.tokens for reply in replies if reply.limits], tokens),
        ]
        for amount, per_minute in ((requests, llm.requests_per_minute), (tokens, llm.tokens_per_minute)):
            if per_minute:
                limited.append(amount.over(per_minute * len(llm.accounts) / 60))
        return max([at_once, *limited], key=lambda found: found.mean)

    def _way(self) -> float:
        """Seconds of the longest chain of requests that wait for each other."""
        ends: dict[str, float] = {}
        for name, planned in self._plan.steps.items():
            took: dict[str, list[float]] = defaultdict(list)
            for reply in self._seen.replies:
                if reply.step == name:
                    took[reply.model].append(reply.used.seconds)
            own = max((sum(seconds) / len(seconds) for seconds in took.values()), default=0.0)  # models are asked side by side
            ends[name] = own + max((ends[before] for before in planned.after), default=0.0)
        return max(ends.values(), default=0.0)


def time_under(told: list[Limit | None], amount: Range) -> Range:
    """Seconds that a limit makes an amount take, by what the server said of it when most of it was used up."""
    limits = [limit for limit in told if limit is not None and limit.reset_s > 0 and limit.remaining < limit.limit]
    if not limits:
        return Range()
    limit = max(limits, key=lambda limit: limit.limit - limit.remaining)
    rate = (limit.limit - limit.remaining) / limit.reset_s
    return Range(max(0.0, amount.mean - limit.limit) / rate, amount.margin / rate)


def _input_tokens(reply: _Reply) -> float:
    return reply.used.input_tokens


def _output_tokens(reply: _Reply) -> float:
    return reply.used.output_tokens


def _tokens(reply: _Reply) -> float:
    return reply.used.tokens
