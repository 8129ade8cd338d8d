"""The files that distilabel wrote of `distilabel_pipelines`, and the rows that it left out of them."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from typing import Any

import orjson
import yaml

from flows.importing import Imported, understand
from flows.spec import PipelineSpec, read_spec
from flows.spec.text import parse

FOLDER = Path(__file__).parent / "dumps"
SAMPLES = Path(os.environ.get("DISTILABEL_SAMPLES", "no-samples"))
"""Files that distilabel wrote of other pipelines, with its own texts: not kept here."""
_NO_PIPELINES = ("rows", "defaults")


@cache
def _kept(name: str) -> dict[str, Any]:
    found: dict[str, Any] = orjson.loads((FOLDER / f"{name}.json").read_bytes())
    return found


def defaults_of(class_name: str) -> dict[str, Any]:
    """What the parameters of a class of distilabel are where nobody sets them."""
    return _kept("defaults").get(class_name, {})  # type: ignore[no-any-return]


@dataclass(frozen=True)
class Dump:
    path: Path

    @property
    def name(self) -> str:
        return self.path.stem

    @cached_property
    def data(self) -> dict[str, Any]:
        """What is in the file."""
        found: dict[str, Any] = parse(self.path.read_text())[0]
        return found

    @property
    def steps(self) -> dict[str, dict[str, Any]]:
        return {entry["name"]: entry["step"] for entry in self.data["pipeline"]["steps"]}

    @cached_property
    def understood(self) -> Imported:
        return understand(self.path.read_text())

    @property
    def spec(self) -> PipelineSpec:
        """As `distilflow plan` and `load_spec` read it."""
        spec, problems = read_spec(self.understood.text)
        assert problems == []
        assert read_spec(self.path.read_text())[0] == spec
        return spec

    def with_rows(self, folder: Path, rows: list[dict[str, Any]] | None = None) -> PipelineSpec:
        """The pipeline with the rows that it had, as its user is told to enter them: in `data`, a file, or a folder.

        A loader of the Hub becomes one of rows, since nothing here reaches it. `rows` are for files that came without.
        """
        given = _kept("rows").get(self.name, {})
        if rows is not None:
            given = {name: rows for name, fields in self.steps.items() if fields["type_info"]["name"].startswith("LoadData")}
        spec, steps = self.spec, []
        for step in spec.steps:
            if step.name in given:
                step = _with_rows(step, given[step.name], folder)
            steps.append(step)
        return spec.read_as(steps, {})


def _with_rows(step: Any, rows: list[dict[str, Any]], folder: Path) -> Any:
    if step.use == "LoadDataFromFileSystem":
        (folder / step.params["data_files"]).write_bytes(b"\n".join(map(orjson.dumps, rows)))
    elif step.use == "LoadDataFromDisk":
        from datasets import Dataset

        Dataset.from_list(rows).save_to_disk(folder / step.params["dataset_path"])
    else:
        use = step.use if step.use != "LoadDataFromHub" else "LoadDataFromDicts"
        params = {**step.params, "data": rows} if use == step.use else {"data": rows}
        return step.model_copy(update={"use": use, "params": params})
    return step


DUMPS = [Dump(path) for path in sorted(FOLDER.iterdir()) if path.stem not in _NO_PIPELINES]
OTHERS = [Dump(path) for path in sorted(SAMPLES.glob("*.yaml"))]


def as_yaml(data: Any) -> str:
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True)
