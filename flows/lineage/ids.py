"""Which row of the run each row of a result is: written beside the Distiset, so it is replaced together with it.

`distiset/.lineage/` is never uploaded. `<leaf>.npy` has a line for each stretch of rows whose ids count up: the id of the first
(a number for each of its places) and its number in the result; a result without gaps is one line. `<step>.keys` holds the
keys of the rows that began at a step (`flows.engine.roots`). Where a step over all rows keeps each of them, the ids that they
had before it are in `<step>.from.0.npy`, `.1.npy` and so on, branch by branch, and how many those are in `<step>.from.json`.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

import orjson

from flows.engine.roots import root_key
from flows.engine.shelf import SHELF, SHELVES, ShelfRows
from flows.engine.stages import Stage, may_multiply, stages_of
from flows.plan import Plan
from steps.base import GlobalStep
from steps.errors import RunError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

LINEAGE = ".lineage"
"""Its folder."""


class NoLineage(RunError):
    """Nothing is known of where the rows of a result came from."""

    code = "no-lineage"


def write_ids(folder: Path, plan: Plan, leaves: Mapping[str, ShelfRows], steps: Mapping[str, str], run: Path) -> None:
    """Write down which rows make up a Distiset, into its folder.

    `leaves`: the rows of each leaf; `steps`: the leaf steps by leaf; `run`: the run's folder, which the keys are taken from.
    """
    import numpy as np

    target = folder / LINEAGE
    target.mkdir()
    for leaf, rows in leaves.items():
        planned = plan.steps.get(steps[leaf])
        np.save(target / f"{leaf}.npy", rows.ids(has_children=planned is not None and may_multiply(planned)))
    stages = stages_of(plan)
    for stage in stages.values():
        if isinstance(step := stage.head.step, GlobalStep) and step.keeps_every_row and stage.is_global:
            _write_branches(target, stage, stages, run / SHELVES)
    for source in (run / "roots").glob("*.keys"):
        with suppress(FileNotFoundError):
            shutil.move(source, target / source.name)


def _write_branches(target: Path, stage: Stage, stages: Mapping[str, Stage], shelves: Path) -> None:
    """Write down which rows a step over all rows got, branch by branch."""
    import numpy as np

    counts = []
    for number, name in enumerate(stage.upstream):
        try:
            rows = ShelfRows(shelves / f"{name}{SHELF}")
        except FileNotFoundError:  # it found all its rows finished, and was stopped before it looked at them
            return
        ids = rows.ids(has_children=may_multiply(stages[name].steps[-1]))
        np.save(target / f"{stage.head.name}.from.{number}.npy", ids)
        counts.append(len(rows))
    (target / f"{stage.head.name}.from.json").write_bytes(orjson.dumps(counts))


class RowIds:
    """The ids of the rows of one leaf, and the keys of the rows that they came from."""

    def __init__(self, distiset: Path, leaf: str) -> None:
        """Look into the folder of a Distiset.

        Raises:
            NoLineage: It was not written by a run, or by an earlier release, or is torn.
        """
        import numpy as np

        self._folder = distiset / LINEAGE
        try:
            table: NDArray[np.int64] = np.load(self._folder / f"{leaf}.npy", mmap_mode="r", allow_pickle=False)
            _check(table)
        except (EOFError, OSError, ValueError) as error:
            fix = "run its pipeline again with the same --run-id: what is finished is not done again"
            raise NoLineage(f"nothing is noted of where the rows of {leaf!r} came from", fix) from error
        self._table = table

    def id_of(self, index: int) -> str:
        """The id of a row, by its number in the result."""
        return _id_in(self._table, index)

    def origin(self, step: str, position: int) -> tuple[int, str] | None:
        """Which row a step over all rows got that became this one of its own: the number of its branch, and its id there.

        None where it does not keep each row, or nothing was noted of that.
        """
        import numpy as np

        with suppress(OSError, ValueError):
            before = 0
            for number, count in enumerate(orjson.loads((self._folder / f"{step}.from.json").read_bytes())):
                if position < before + count:
                    table = np.load(self._folder / f"{step}.from.{number}.npy", mmap_mode="r", allow_pickle=False)
                    _check(table)
                    return number, _id_in(table, position - before)
                before += count
        return None

    def places(self, count: int) -> NDArray[np.int64]:
        """The ids of the first `count` rows, a line for each row and a column for each place."""
        import numpy as np

        starts = np.asarray(self._table[:, -1])
        lengths = np.diff(starts, append=count)
        ids = np.repeat(np.asarray(self._table[:, :-1]), lengths, axis=0)
        ids[:, -1] += np.arange(count) - np.repeat(starts, lengths)
        return ids

    def root(self, step: str, position: int) -> bytes | None:
        """The key of a row that began at this step."""
        return root_key(self._folder / f"{step}.keys", position)

    def roots(self, step: str) -> NDArray[np.void] | None:
        """The keys of all rows that began at this step, by position."""
        import numpy as np

        path = self._folder / f"{step}.keys"
        return np.fromfile(path, dtype="V16") if path.is_file() else None


def _id_in(table: NDArray[np.int64], index: int) -> str:
    import numpy as np

    at = int(np.searchsorted(table[:, -1], index, side="right")) - 1
    *places, start = (int(value) for value in table[at])
    return ".".join(map(str, [*places[:-1], places[-1] + index - start]))


def _check(table: NDArray[np.int64]) -> None:
    """Refuse with a ValueError what `write_ids` never wrote."""
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind != "i" or (len(table) and table[0, -1] != 0):
        raise ValueError(f"a table of {table.dtype}, {table.shape}")
