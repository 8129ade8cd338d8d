"""Which row of the run each row of a result is: written beside the Distiset, so it is replaced together with it.

`distiset/.lineage/` is never uploaded. `<leaf>.npy` has a line for each stretch of rows whose ids count up: the id of the first
(a number for each of its places) and its number in the result; a result without gaps is one line. `<step>.keys` holds the
keys of the rows that began at a step (`flows.engine.roots`).
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from flows.engine.roots import root_key
from flows.engine.shelf import ShelfRows
from flows.engine.stages import may_multiply
from flows.plan import Plan
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
    for source in (run / "roots").glob("*.keys"):
        with suppress(FileNotFoundError):
            shutil.move(source, target / source.name)


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
        import numpy as np

        at = int(np.searchsorted(self._table[:, -1], index, side="right")) - 1
        *places, start = (int(value) for value in self._table[at])
        return ".".join(map(str, [*places[:-1], places[-1] + index - start]))

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


def _check(table: NDArray[np.int64]) -> None:
    """Refuse with a ValueError what `write_ids` never wrote."""
    if table.ndim != 2 or table.shape[1] < 2 or table.dtype.kind != "i" or (len(table) and table[0, -1] != 0):
        raise ValueError(f"a table of {table.dtype}, {table.shape}")
