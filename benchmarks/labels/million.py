"""A million annotations of 100,000 items: CPU time and memory, each way in a process of its own. Linux only."""

from __future__ import annotations

import os
import resource
import sys
import time
from collections.abc import Callable, Collection, Iterator
from importlib import import_module
from pathlib import Path

import numpy as np

from benchmarks.labels.crowds import markdown
from benchmarks.measuring import measure
from steps.base import Row
from steps.labels.votes import UNKNOWN, Ints, Voter, Votes

PEOPLE, CLASSES, GOLD = 500, 3, 0.01


class Answers(Collection[Row]):
    """Answers of people who are right in about 7 of 10 cases, as arrays and as rows that are made while they are read."""

    def __init__(self, annotations: int) -> None:
        rng = np.random.default_rng(3)
        self.items = max(annotations // 10, 1)
        self.item: Ints = np.repeat(np.arange(self.items), 10)[:annotations]
        self.truth: Ints = rng.integers(0, CLASSES, self.items)
        self.voter: Ints = rng.integers(0, PEOPLE, annotations)
        is_right = rng.random(annotations) < rng.uniform(0.4, 0.95, PEOPLE)[self.voter]
        self.label: Ints = np.where(is_right, self.truth[self.item], rng.integers(0, CLASSES, annotations))
        self.gold: Ints = np.where(rng.random(self.items) < GOLD, self.truth, UNKNOWN)

    def __len__(self) -> int:
        return len(self.item)

    def __contains__(self, row: object) -> bool:
        return any(row == one for one in self)

    def __iter__(self) -> Iterator[Row]:
        for item, voter, label in zip(self.item.tolist(), self.voter.tolist(), self.label.tolist(), strict=True):
            gold = str(self.gold[item]) if self.gold[item] != UNKNOWN else None
            yield {"item": f"item {item}", "annotator": f"person {voter}", "label": str(label), "gold": gold}

    @property
    def votes(self) -> Votes:
        people = [Voter(f"person {at}") for at in range(PEOPLE)]
        items, classes = [f"item {at}" for at in range(self.items)], [str(at) for at in range(CLASSES)]
        confidence = np.full(len(self), np.nan)
        return Votes(items, people, classes, self.item, self.voter, self.label, confidence, self.gold)


def from_arrays(name: str, answers: Answers) -> None:
    from steps.labels.strategies.choosing import choose
    from steps.labels.strategies.fitting import FITS, fit

    votes = answers.votes
    strategy = choose(votes) if name == "auto" else fit(next(one for one in FITS if one == name), votes)
    strategy.apply(votes)


def from_rows(name: str, answers: Answers) -> None:
    from steps.labels.settling.one_of import votes_in
    from steps.labels.strategies.fitting import FITS, fit
    from steps.labels.table import table_of

    votes = votes_in(table_of(answers))
    fit(next(one for one in FITS if one == name), votes).apply(votes)


def whole_step(name: str, answers: Answers) -> None:
    from steps.labels.consolidate_labels import ConsolidateLabels

    step = ConsolidateLabels.model_validate({"strategy": name})
    step.load()
    assert sum(1 for _ in step.process(answers)) == answers.items


WAYS: dict[str, Callable[[str, Answers], None]] = {"arrays": from_arrays, "rows": from_rows, "step": whole_step}
CASES = (("majority", "arrays"), ("learned", "arrays"), ("auto", "arrays"), ("learned", "rows"), ("learned", "step"))


def run_here(name: str, way: str, annotations: int) -> str:
    """One case in this process: CPU seconds of it, without making the answers and imports, and peak memory in MB."""
    for module in ("scipy.optimize", "scipy.sparse"):  # paid once, whatever is learned
        import_module(module)
    answers = Answers(annotations)
    if way == "rows" or way == "step":
        made = time.process_time()
        for _ in answers:
            pass
        made = time.process_time() - made
    else:
        made = 0.0
    started = time.process_time()
    WAYS[way](name, answers)
    used = time.process_time() - started - made
    return f"{used:.2f} {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3:.0f}"


def run(annotations: int, root: Path) -> str:
    """All cases, as a table."""
    rows = []
    for name, way in CASES:
        command = [sys.executable, "-m", "benchmarks.labels", "million", "--annotations", str(annotations), "--only", name, way]
        cost = measure(command, cwd=root, env=dict(os.environ), timeout_s=600)
        cpu_s, peak_mb = cost.output.split()[-2:]
        rows.append([f"{name}, from {way}", cpu_s, f"{cost.cpu_s:.1f}", peak_mb])
        print(*rows[-1], file=sys.stderr, flush=True)
    return markdown([f"{annotations:,} annotations", "CPU s", "CPU s of the whole process", "peak memory, MB"], rows)
