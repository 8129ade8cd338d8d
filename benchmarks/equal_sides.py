"""The two sides of `equal_steps.py`: processes that take turns at a case."""

from __future__ import annotations

import json
import os
import pickle
import statistics
import subprocess
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks.equal_cases import Case
from benchmarks.equal_rows import Branches, Rows
from benchmarks.surroundings import OFFLINE, ROOT

LEAST_TURNS, MOST_TURNS = 5, 41
MOST_SECONDS = 60.0
"""Of turns at one case, once both have had two."""


@dataclass(frozen=True, slots=True)
class Made:
    """What a side made of a case, or why it did not; by how much its memory grew at most meanwhile."""

    rows: Rows
    peak_mb: float = 0.0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Measured:
    """What both sides made of a case, and the seconds of their turns: pairs of ours and theirs."""

    ours: Made
    theirs: Made
    turns: list[tuple[float, float]]

    def ours_ms(self) -> float:
        return 1000 * statistics.median(ours for ours, _ in self.turns)

    def theirs_ms(self) -> float:
        return 1000 * statistics.median(theirs for _, theirs in self.turns)

    def ratios(self) -> Sequence[float]:
        """Quartiles of the ratio of ours to theirs, turn by turn."""
        return statistics.quantiles((ours / theirs for ours, theirs in self.turns), n=4, method="inclusive")


class Side:
    """A process that makes and times steps when it is told to."""

    def __init__(self, python: Path, module: str, folder: Path, env: Mapping[str, str]) -> None:
        self._log = folder / f"{module}.log"
        with self._log.open("w") as log:
            self._process = subprocess.Popen(
                [str(python), "-m", f"benchmarks.{module}"],
                env={**os.environ, **OFFLINE, "PYTHONPATH": str(ROOT), **env},
                cwd=folder,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
            )

    @classmethod
    def ours(cls, folder: Path) -> Side:
        return cls(Path(sys.executable), "distilflow_equal_steps", folder, {})

    @classmethod
    def theirs(cls, python: Path, folder: Path) -> Side:
        packages = next(python.parents[1].glob("lib/python3*/site-packages"))
        env = {
            "HOME": str(folder),
            "HF_HOME": str(folder / "hf"),
            "HF_DATASETS_CACHE": str(folder / "hf/datasets"),
            "HF_DATASETS_DISABLE_PROGRESS_BARS": "1",
            "NLTK_DATA": str(packages / "llama_index/core/_static/nltk_cache"),
            "PYTHONWARNINGS": "ignore",
        }
        return cls(python, "distilabel_equal_steps", folder, env)

    def turn(self, asked: dict[str, Any]) -> dict[str, Any]:
        """Seconds, memory and error of one turn.

        Raises:
            SystemExit: The process has ended.
        """
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(asked) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            sys.exit(f"a side ended with {self._process.wait()} at {asked['step']}: {self._log.read_text()[-2000:]}")
        told: dict[str, Any] = json.loads(line)
        return told

    def end(self) -> None:
        with self._process:  # closes its input, and waits for it
            pass


def measure(case: Case, given: Branches, theirs: Side, ours: Side, folder: Path, seconds: float) -> Measured:
    """Both sides once for what they make, then in turns for so many seconds, who begins changing from turn to turn."""
    folder.mkdir()
    rows = folder / "rows.pickle"
    rows.write_bytes(pickle.dumps(given))
    asked = {"step": case.their_class, "parameters": case.parameters_there}, {"step": case.step, "parameters": case.parameters}
    of_theirs, of_ours = ({**one, "rows": str(rows), "output": None} for one in asked)
    their, our = _made(theirs, of_theirs, folder / "theirs.jsonl"), _made(ours, of_ours, folder / "ours.jsonl")
    turns: list[tuple[float, float]] = []
    spent = 0.0
    while not (their.error or our.error) and _is_wanted(len(turns), spent, seconds):
        if len(turns) % 2:
            our_s, their_s = _seconds(ours, of_ours), _seconds(theirs, of_theirs)
        else:
            their_s, our_s = _seconds(theirs, of_theirs), _seconds(ours, of_ours)
        turns.append((our_s, their_s))
        spent += our_s + their_s
    return Measured(our, their, turns)


def _is_wanted(turns: int, spent: float, seconds: float) -> bool:
    if turns < LEAST_TURNS:
        return turns < 2 or spent < MOST_SECONDS
    return spent < seconds and turns < MOST_TURNS


def _made(side: Side, asked: dict[str, Any], output: Path) -> Made:
    told = side.turn({**asked, "output": str(output)})
    rows = [] if told["error"] else [json.loads(line) for line in output.read_text().splitlines()]
    return Made(rows, told["peak_mb"], told["error"])


def _seconds(side: Side, asked: dict[str, Any]) -> float:
    return float(side.turn(asked)["seconds"])
