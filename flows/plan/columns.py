"""Columns on their way through the pipeline: who makes them, who needs them, what they are called."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import replace
from functools import cached_property
from typing import NamedTuple

from flows.plan.kinds import fits, kind_made, kind_needed, parameter_with
from flows.plan.planned import MOST_PROBLEMS, PlannedStep, Problems
from flows.plan.settings import setting_that_does
from steps import registry
from steps.base import BaseStep, GeneratorStep, JoinStep, rename_in, rename_out
from steps.misfits import declared
from steps.tasks.base import Task
from steps.wording import did_you_mean, listed, nearest, quoted

MOST_NAMES = 1_000_000
MAP_IT = "map it with input_mappings"

_OTHER_NAMES = {
    "instruction": ("prompt", "question", "query", "input", "text"),
    "generation": ("completion", "response", "answer", "output"),
}
"""What data sets call the columns that steps need."""


class Lack(NamedTuple):
    """A step that needs a column which no step before it makes, and where its problem stands."""

    step: str
    problem: int


class Columns:
    """Follows columns from step to step, and gives up (None: unknown) where there are more than anyone needs."""

    def __init__(self, problems: Problems, unread: Mapping[str, set[str]]) -> None:
        self._problems = problems
        self._unread = unread
        self._left = MOST_NAMES
        self._followed: dict[str, PlannedStep] = {}
        self._source: dict[str, str | None] = {}
        """Of each step the one source of its rows; None where there are several."""
        self._needed: set[str] = set()
        self._lacks: dict[str, list[Lack]] = {}
        """Of the columns that steps need by a name of their own, which a source could give to all of them."""

    def follow(self, planned: PlannedStep, upstream: list[PlannedStep | None], *, sends: bool = True) -> None:
        """Find out what a step receives and sends. `sends`: whether it can say what leaves it."""
        step = planned.step
        self._followed[planned.name] = planned
        sources = {planned.name} if planned.is_source else {self._source.get(name) for name in planned.after}
        self._source[planned.name] = sources.pop() if len(sources) == 1 else None
        if {"input_mappings", "output_mappings", "after"} & self._unread.get(planned.name, set()):
            return
        if isinstance(step, GeneratorStep):
            sent = step.columns() if sends else None
            if sent is not None and self._is_affordable(planned, [sent]):
                planned.received = []
                self._set_sent(planned, list(sent))
            return
        branches = {before.name: before.sent for before in upstream if before is not None and before.sent is not None}
        if not branches or len(branches) < len(planned.spec.after) or not self._is_affordable(planned, list(branches.values())):
            return
        for before in upstream:
            planned.made_by.update(before.made_by if before else {})
            planned.kinds_received.update(before.kinds_sent if before else {})
        if not planned.matches_branches:
            _forget_mixed(planned, [before for before in upstream if before is not None])
        planned.received = list(dict.fromkeys(column for columns in branches.values() for column in columns))
        self._check_inputs(planned)
        self._needed.update(step.input_mappings.get(column, column) for column in step.needs())
        if isinstance(step, JoinStep) or not planned.matches_branches:
            renamed = {name: _renamed(columns, step) for name, columns in branches.items()}
            missing = self._check_branches(planned, renamed)
            own = {column: None for columns in renamed.values() for column in columns}
            if isinstance(step, JoinStep):
                sent = step.columns_joined([[*columns, *missing] for columns in renamed.values()])
            else:
                sent = step.columns_after(list(dict.fromkeys([*own, *missing])))
        else:
            own = _renamed(planned.received, step)
            missing = [column for column in step.needs() if column not in own]
            for column in missing:
                self._add_missing(column, planned, planned.received)
            sent = step.columns_after([*own, *missing])
        if sends:
            self._set_sent(planned, list(sent), {column for column in missing if column not in own})

    def _is_affordable(self, planned: PlannedStep, branches: list[list[str]]) -> bool:
        mappings = 1 + len(planned.step.input_mappings) + len(planned.step.output_mappings)
        self._left -= mappings * sum(map(len, branches))
        return self._left >= 0

    def _set_sent(self, planned: PlannedStep, sent: list[str], missing: Collection[str] = ()) -> None:
        """`missing` are columns that would be sent if they had been received: whoever needs them is told so too."""
        step = planned.step
        self._check_outputs(planned, sent)
        sent = [column for column in sent if column not in missing]
        before = dict.fromkeys(planned.received or ())
        planned.sent = list(rename_out(dict.fromkeys(sent), before, step))
        kept = {column for column in step.kept_outputs if column in before and column not in step.output_mappings}
        own = sent if planned.is_source else [column for column in step.makes() if column not in kept]
        made = {step.output_mappings.get(column, step.input_mappings.get(column, column)): column for column in own}
        planned.made_by = {c: planned.name if c in made else planned.made_by.get(c, planned.name) for c in planned.sent}
        kinds = {c: kind_made(step, made[c]) if c in made else planned.kinds_received.get(c) for c in planned.sent}
        planned.kinds_sent = {column: kind for column, kind in kinds.items() if kind is not None}

    # ---- mistakes
    def _check_branches(self, planned: PlannedStep, branches: Mapping[str, Mapping[str, None]]) -> list[str]:
        """A step that joins needs its columns in every branch."""
        missing: dict[str, None] = {}
        for column in planned.step.needs():
            without = [name for name, columns in branches.items() if column not in columns]
            if not without:
                continue
            missing[column] = None
            if len(without) == len(branches):
                self._add_missing(column, planned, planned.received or [])
            else:
                wanted = planned.step.input_mappings.get(column, column)
                what = f"needs column {quoted(wanted)} from every branch; {listed(map(repr, without))} sends none"
                fix = "name it so in that branch with output_mappings, or leave the branch out of `after`"
                self._problems.add("missing-column", what, fix, planned.name)
        return list(missing)

    def _add_missing(self, column: str, planned: PlannedStep, received: list[str]) -> None:
        step = planned.step
        wanted = step.input_mappings.get(column, column)
        arrives = listed(f"{quoted(name)} (from {planned.made_by.get(name, '?')})" for name in received) or "no columns"
        fitting = fitting_columns(planned, column)
        near = nearest(wanted, fitting)
        turned = None
        setting = setting_that_does(step, column, received, planned.kinds_received)
        ways = [f"set `{setting}`"] if setting else []
        if parameter := parameter_with(column, step):
            ways.append(f"write {quoted(near) if near else 'a column that it receives'} in `{parameter}`")
        else:
            near = near or self._other_name(wanted, received, fitting, step)
            turned = None if near else self._turned(column, planned)
            if turned or near or (fitting and not setting):
                ways.append(turned or f"{MAP_IT}: {{{column}: {near or '...'}}}")
            if wanted == column and len(self._problems) < MOST_PROBLEMS:
                self._lacks.setdefault(column, []).append(Lack(planned.name, len(self._problems)))
        if not turned and not setting and (maker := self._maker(wanted, received, planned.spec.use)):
            ways.append(f"add a {maker} step before it")
        fix = ", or ".join(ways) or "add a step before it that makes it"
        what = f"needs column {quoted(wanted)}; it receives {arrives}.{did_you_mean(wanted, fitting)}"
        self._problems.add("missing-column", what, fix, planned.name)

    def _other_name(self, wanted: str, received: Collection[str], fitting: Collection[str], step: BaseStep) -> str | None:
        """What may be the wanted column under another name: one of those it often has, or the only column there is."""
        free = [column for column in fitting if column not in step.needs()]
        known = next((name for name in _OTHER_NAMES.get(wanted, ()) if name in free), None)
        is_only = len(free) == len(received) == 1 and wanted not in self._makers
        return known or (free[0] if is_only else None)

    def suggest_sources(self) -> None:
        """Where several steps lack the same column, and their source has it under another name: say so, once for all."""
        for column, lacks in self._lacks.items():
            names = list(dict.fromkeys(lack.step for lack in lacks))
            sources = {self._source[name] for name in names}
            source = self._followed.get(sources.pop() or "") if len(sources) == 1 else None
            if len(names) < 2 or source is None or not source.sent:
                continue
            lacking = self._followed[names[0]].step
            needed = kind_needed(lacking, column)
            fitting = [name for name in source.sent if fits(needed, source.kinds_sent.get(name))]
            near = nearest(column, fitting) or self._other_name(column, source.sent, fitting, lacking)
            if near is None or near in self._needed:
                continue
            own = next((own for own, name in source.step.output_mappings.items() if name == near), near)
            fix = f"name it so for all of {listed(map(repr, names))}, in step {source.name!r}: "
            fix += f"output_mappings: {{{own}: {column}}}"
            for lack in lacks:
                self._problems[lack.problem] = replace(self._problems[lack.problem], fix=fix)

    def _check_inputs(self, planned: PlannedStep) -> None:
        """A mapping that takes a column which is not there. Those that are needed are reported as missing."""
        received = planned.received or []
        needed = set(planned.step.needs())
        for column, present in planned.step.input_mappings.items():
            if present not in received and column not in needed:
                what = f"input_mappings takes {quoted(present)} as {quoted(column)}, which it does not receive."
                fix = f"it receives {listed(received) or 'no columns'}"
                self._problems.add("unknown-column", what + did_you_mean(present, received), fix, planned.name)

    def _check_outputs(self, planned: PlannedStep, sent: list[str]) -> None:
        mappings = planned.step.output_mappings
        for column in mappings.keys() - set(sent):
            what = f"output_mappings renames {quoted(column)}, which it does not make.{did_you_mean(column, sent)}"
            self._problems.add("unknown-column", what, f"it makes {listed(planned.step.makes()) or 'no columns'}", planned.name)
        names = list(mappings.values())
        for name in {name for name in names if names.count(name) > 1}:
            what = f"output_mappings gives the name {quoted(name)} to several columns; only one would be left"
            self._problems.add("same-column", what, "give each a name of its own", planned.name)

    def _turned(self, column: str, planned: PlannedStep) -> str | None:
        """How to get the wanted column of one that holds the same as single values, or as lists."""
        wanted, needed = planned.step.input_mappings.get(column, column), kind_needed(planned.step, column)
        there = planned.kinds_received
        if needed == "list" and there.get(single := wanted.removesuffix("s")) == "single" and single != wanted:
            maker = self._followed[planned.made_by[single]]
            if isinstance(maker.step, Task) and maker.step.num_generations > 1:  # each is in a row of its own
                return f"set `group_generations: true` in step {maker.name!r}, and {MAP_IT}: {{{column}: {single}}}"
            return f"add a GroupColumns step before it, with: {{columns: [{single}], output_columns: [{wanted}]}}"
        if needed == "single" and there.get(several := f"{wanted}s") == "list":
            return f"add an ExpandColumns step before it, with: {{columns: {{{several}: {wanted}}}}}"
        return None

    def _maker(self, column: str, received: Collection[str], use: str) -> str | None:
        """A step that makes this column: one that has all it needs, if there is one, and is not the one that lacks it."""
        makers = {name: needed for name, needed in self._makers.get(column, {}).items() if name != use}
        return min(makers, key=lambda name: len(set(makers[name]) - set(received)), default=None)

    @cached_property
    def _makers(self) -> dict[str, dict[str, Sequence[str]]]:
        """Steps that make a column, by its name, and what they need."""
        makers: dict[str, dict[str, Sequence[str]]] = {}
        for name in registry.names("steps"):
            try:
                found = registry.resolve(name)
            except registry.UnknownComponent:
                continue
            if issubclass(found, BaseStep):
                for column in declared(found, "outputs"):
                    makers.setdefault(column, {})[name] = declared(found, "inputs")
        return makers


def fitting_columns(planned: PlannedStep, column: str) -> list[str]:
    """Of the columns that a step receives those that may stand for this one, as far as it is known what they hold."""
    needed = kind_needed(planned.step, column)
    return [name for name in planned.received or () if fits(needed, planned.kinds_received.get(name))]


def _forget_mixed(planned: PlannedStep, branches: Sequence[PlannedStep]) -> None:
    """Of rows that come one branch after the other, a column holds this or that where branches differ in it."""
    for column in list(planned.kinds_received):
        if len({before.kinds_sent.get(column) for before in branches if column in (before.sent or ())}) > 1:
            del planned.kinds_received[column]


def _renamed(columns: list[str], step: BaseStep) -> dict[str, None]:
    return rename_in(dict.fromkeys(columns), step.input_mappings)
