"""The Distiset in memory."""

from __future__ import annotations

import logging
import tempfile
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Never, Self

from flows.card import addressed, configs, read_front_matter, with_configs
from flows.distiset.artifacts import Artifact, Artifacts, artifacts_of, copy_artifacts, problems_of
from flows.distiset.folders import CARD, OWN_FILES, REPORT, leaves_in, replaced_folder
from flows.elsewhere import refuse_unknown
from flows.hub import check_repo_id, push_folder
from flows.parquet import file_name
from flows.runs import RunReport
from steps.errors import DistilflowError

if TYPE_CHECKING:
    from datasets import Dataset, DatasetDict

log = logging.getLogger(__name__)

MAX_IN_MEMORY = 256 * 2**20
"""Files up to this size are read into memory; larger ones are mapped, through the cache of `datasets`."""


class Distiset(dict[str, "DatasetDict"]):
    """For each leaf step its rows, as a `datasets.DatasetDict`; a single leaf is named "default".

    `files` holds what belongs to it: card, pipeline, report and log, by file name. `artifacts` are files that steps left
    beside the rows, by step and name; they stay where they lie, and go along when it is saved or pushed.
    """

    def __init__(
        self,
        leaves: Mapping[str, Any] | None = None,
        files: Mapping[str, bytes] | None = None,
        artifacts: Mapping[str, Mapping[str, Artifact]] | None = None,
    ) -> None:
        super().__init__({leaf: _split(data) for leaf, data in (leaves or {}).items()})
        self.files = dict(files or {})
        self.artifacts: Artifacts = {step: dict(named) for step, named in (artifacts or {}).items()}

    @property
    def card(self) -> str:
        return self.files.get(CARD, b"").decode(errors="replace")

    @property
    def report(self) -> RunReport | None:
        """How the run went that made it, if one did."""
        return RunReport.model_validate_json(self.files[REPORT]) if REPORT in self.files else None

    # ---- disk
    @classmethod
    def load_from_disk(cls, path: str | Path) -> Self:
        """Read a Distiset from its folder.

        Raises:
            NotADistiset: The folder holds none.
        """
        from datasets import DatasetDict

        folder = Path(path).expanduser()
        leaves = {
            leaf: DatasetDict({split: _read(files) for split, files in splits.items()})
            for leaf, splits in leaves_in(folder).items()
        }
        artifacts = artifacts_of(folder)
        for problem in problems_of(artifacts):
            log.warning(problem)
        return cls(leaves, {name: (folder / name).read_bytes() for name in OWN_FILES if (folder / name).is_file()}, artifacts)

    def save_to_disk(self, path: str | Path, **unknown: Never) -> None:
        """Write it to a folder; an earlier Distiset there is replaced as a whole.

        Raises:
            NotADistiset: Something else lies there.
        """
        refuse_unknown("save_to_disk", unknown, {"path"})
        with replaced_folder(Path(path)) as part:
            self._write(part)

    def _write(self, folder: Path) -> None:
        for leaf, splits in self.items():
            (folder / leaf).mkdir()
            for name, data in _split(splits).items():
                data.to_parquet(folder / leaf / file_name(name))
        files = {REPORT: self._made_report(), **self.files, CARD: with_configs(self.card, self._configs()).encode()}
        for name, content in files.items():
            (folder / name).write_bytes(content)
        copy_artifacts(self.artifacts, folder)

    def _configs(self) -> list[dict[str, Any]]:
        return configs({leaf: list(splits) for leaf, splits in self.items()})

    def _made_report(self) -> bytes:
        """The report of a Distiset that no run made: it marks the folder as ours."""
        rows = {leaf: sum(map(len, splits.values())) for leaf, splits in self.items()}
        return RunReport(run_id="none", pipeline="none", state="finished", rows=rows).model_dump_json(indent=1).encode()

    # ---- splits
    def train_test_split(self, train_size: float = 0.8, shuffle: bool = True, seed: int | None = None) -> Self:
        """A Distiset whose leaves have the splits "train" and "test".

        Raises:
            DistilflowError: A leaf has too few rows, or is split already.
        """
        if not 0 < train_size < 1:
            raise DistilflowError(f"train_size is {train_size}", "give the share of rows to train on, between 0 and 1")
        parted = {leaf: self._parted(leaf, train_size, shuffle, seed) for leaf in self}
        return type(self)(parted, self.files, self.artifacts)

    def _parted(self, leaf: str, train_size: float, shuffle: bool, seed: int | None) -> DatasetDict:
        splits = self[leaf]
        if list(splits) != ["train"]:
            raise DistilflowError(f"leaf {leaf!r} is split already: {', '.join(splits)}", "split it yourself, with `datasets`")
        try:
            return splits["train"].train_test_split(train_size=train_size, shuffle=shuffle, seed=seed)
        except ValueError as error:
            what = f"the {len(splits['train'])} rows of leaf {leaf!r} cannot be split into {train_size:g} and the rest"
            raise DistilflowError(what, "make more rows, or choose another train_size") from error

    # ---- Hub
    def push_to_hub(
        self,
        repo_id: str,
        *,
        private: bool = False,
        token: str | None = None,
        commit_message: str | None = None,
        generate_card: bool = True,
        create_pr: bool = False,
        revision: str | None = None,
        **unknown: Never,
    ) -> str:
        """Push all of it but the report to the Hub in one commit; returns the address of the commit or pull request.

        Other configurations in that repository stay. `generate_card=False` leaves its card as it is, but for the list of
        configurations. `revision`: a branch, made if there is none.

        Raises:
            PushFailed: It says what to do.
        """
        known = {"private", "token", "commit_message", "generate_card", "create_pr", "revision"}
        refuse_unknown("push_to_hub", unknown, known)
        check_repo_id(repo_id)
        rows = sum(len(data) for splits in self.values() for data in splits.values())

        def card(repo: str, present: str) -> str:
            text = addressed(self.card, repo) if generate_card else present
            return with_configs(text, self._configs(), read_front_matter(present)[0].get("configs") or ())

        with tempfile.TemporaryDirectory(prefix="distilflow-push-") as name:
            folder = Path(name) / "distiset"
            folder.mkdir()
            self._write(folder)
            (folder / REPORT).unlink()  # tells where things lie on this machine
            return push_folder(
                folder,
                repo_id,
                card,
                private=private,
                token=token,
                message=commit_message or f"Add {rows:,} rows made with distilflow",
                create_pr=create_pr,
                revision=revision,
            )


def _split(data: Any) -> Any:
    """A DatasetDict of what may be one data set without splits."""
    if isinstance(data, Mapping):
        return data
    from datasets import DatasetDict

    return DatasetDict({"train": data})


def _read(files: list[Path]) -> Dataset:
    from datasets import Dataset

    if sum(path.stat().st_size for path in files) > MAX_IN_MEMORY:
        return Dataset.from_parquet([str(path) for path in files])
    import pyarrow as pa
    import pyarrow.parquet as pq
    from datasets.table import InMemoryTable

    tables = [pq.ParquetFile(path).read() for path in files]
    return Dataset(InMemoryTable(pa.concat_tables(tables, promote_options="default")))
