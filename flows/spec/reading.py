"""From other people's text to a spec: what can be understood of it, and everything that is wrong with its form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from flows.spec.model import MAX_STEPS, PipelineSpec, StepSpec
from flows.spec.text import MAX_BYTES, check_data, parse
from steps.errors import PlanError, Problem, SpecError
from steps.mistakes import remedy, words
from steps.shipped import here_or_shipped
from steps.wording import did_you_mean, listed, nearest, quoted

_DATA = (".jsonl", ".ndjson", ".csv", ".tsv", ".parquet", ".arrow", ".gz")
LONGEST_NAME = 200  # shown in messages; a valid one has 80 characters at most
Model = TypeVar("Model", bound=BaseModel)


def load_spec(source: str | Path) -> PipelineSpec:
    """Read a pipeline file (YAML or JSON).

    Raises:
        SpecError: It cannot be read, or is no pipeline.
        PlanError: It has keys that pipelines do not have, or values of the wrong type; all of them are listed.
    """
    spec, problems = read_spec(read_file(Path(source)))
    if problems:
        raise PlanError(problems)
    return spec


def read_file(path: Path) -> str:
    """Text of a pipeline file.

    Raises:
        SpecError: There is no such file, it is too large, or not UTF-8.
    """
    path = here_or_shipped(path)
    try:
        if path.is_dir():
            raise SpecError(f"{path} is a folder", "name the pipeline file in it")
        with path.open("rb") as file:
            _check_kind(path)
            content = file.read(MAX_BYTES + 1)
        if len(content) > MAX_BYTES:
            raise SpecError(
                f"{path} has more than {MAX_BYTES / 1e6:.0f} MB, the most a pipeline may have",
                "keep data in files of its own and load them with LoadDataFromFileSystem",
            )
        return content.decode("utf-8")
    except FileNotFoundError as error:
        raise SpecError(f"there is no file {path}", "check the path; `distilflow new NAME` writes a first one") from error
    except UnicodeDecodeError as error:
        raise SpecError(f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from error
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}", "check that you may read it") from error
    except ValueError as error:  # a NUL in the path
        raise SpecError(f"{str(path)!r} is no path: {error}", "check the path") from error


def _check_kind(path: Path) -> None:
    """Refuse what its name says is something else: the reader's complaint about its first line would help nobody."""
    kind = path.suffix.lower()
    if kind == ".py":
        raise SpecError(
            f"{path} is Python, not a pipeline file",
            f"run it with `python {path}`; to rehearse it, write `pipeline.run(rehearse=True)` there",
        )
    if kind in _DATA:
        raise SpecError(
            f"{path} is data, not a pipeline",
            f"`distilflow new NAME` writes a pipeline; let its first step read the data: use: LoadDataFromFileSystem, "
            f"with: {{data_files: {path}}}",
        )


def read_spec(text: str) -> tuple[PipelineSpec, list[Problem]]:
    """What can be understood of a pipeline text, and everything that is wrong with its form.

    Raises:
        SpecError: It is not YAML, or not a mapping with `steps`: there is nothing to plan.
    """
    data, duplicates = parse(text)
    spec, problems = spec_from(data)
    twice = [
        Problem(
            "duplicate-key",
            f"line {line}" if line else "pipeline",
            f"the key {quoted(key)} stands a second time in one mapping; the first one would be lost",
            "keep one of the two",
        )
        for key, line in duplicates
    ]
    return spec, [*twice, *problems]


def spec_from(data: Any) -> tuple[PipelineSpec, list[Problem]]:
    """Like `read_spec`, of data that is parsed already."""
    if data is None:
        raise SpecError("there is nothing in it", "`distilflow new NAME` writes a pipeline to start from")
    if not isinstance(data, dict):
        raise SpecError(f"a pipeline is a mapping with `steps`, not {quoted(data)}", "`distilflow new NAME` writes one")
    if "distilabel" in data:
        data = _converted(data)
    if type(version := data.get("distilflow", 1)) is not int or version != 1:
        raise SpecError(f"`distilflow: {quoted(version)}`: this release reads version 1", "write `distilflow: 1`, or upgrade")
    check_data(data)
    return _Form().pipeline(data)


def _converted(data: dict[str, Any]) -> dict[str, Any]:
    """A distilabel pipeline as one of ours."""
    from flows.compat import convert, is_theirs  # late: it knows the steps

    check_data(data)
    if not is_theirs(data):
        raise SpecError("this is a distilabel pipeline without its `pipeline`", "export the pipeline from distilabel again")
    return convert(data).data


def read_step(data: Mapping[str, Any], at: int = 0) -> tuple[StepSpec | None, set[str], list[Problem]]:
    """One step, the keys of it that could not be read, and why."""
    form = _Form()
    step = form.step(data, at)
    return step, set().union(*form.unread.values()), form.problems


class _Form:
    """Reads with open eyes: what does not fit is left out, noted in `unread`, and becomes a problem."""

    def __init__(self) -> None:
        self.problems: list[Problem] = []
        self.unread: dict[str, set[str]] = {}

    def pipeline(self, data: Mapping[str, Any]) -> tuple[PipelineSpec, list[Problem]]:
        kept = self._known(data, PipelineSpec, "pipeline", None)
        steps = [step for at, raw in enumerate(_step_list(kept.pop("steps", []))) if (step := self.step(raw, at))]
        spec = self._fitting(PipelineSpec, kept, "pipeline", None) or PipelineSpec()
        return spec.read_as(steps, {name: keys for name, keys in self.unread.items() if keys}), self.problems

    def step(self, raw: Any, at: int) -> StepSpec | None:
        where = f"step {at + 1}"
        if not isinstance(raw, dict):
            self.unread.setdefault(str(raw)[:80], set()).add("use")
            self._add("bad-step", where, f"is {quoted(raw)}, not a mapping", "write `- name: ...` and `use: ...`")
            return None
        name = f"step_{at + 1}"
        if isinstance(raw.get("name"), (str, int, float)) and str(raw["name"]):
            name = str(raw["name"])[:LONGEST_NAME]
            where = f"step {quoted(name)}"
        kept = self._known(raw, StepSpec, where, name)
        unread = self.unread.setdefault(name, set())
        for key in ("name", "use"):
            if kept.get(key) in (None, "") and key not in unread:
                self._add(f"missing-{key}", where, f"has no `{key}`", f"add `{key}: ...`", name)
                kept.pop(key, None)
                unread.add(key)
        step = self._fitting(StepSpec, {"name": name, "use": "", **kept}, where, name)
        return None if step is None or "use" in unread else step

    def _known(self, data: Mapping[Any, Any], model: type[BaseModel], where: str, step: str | None) -> dict[str, Any]:
        """What is known and not null. A misspelt key counts as one that could not be read."""
        known = [field.alias or name for name, field in model.model_fields.items()]
        unread = self.unread.setdefault(step or "", set())
        for key in data:
            if key not in known:
                if (meant := nearest(key, known)) and meant not in data:
                    unread.add(meant)
                hint = did_you_mean(key, known)
                self._add("unknown-key", where, f"has no key {quoted(key)}.{hint}", f"known: {listed(known)}", step)
        return {key: value for key, value in data.items() if key in known and value is not None}

    def _fitting(self, model: type[Model], data: dict[str, Any], where: str, step: str | None) -> Model | None:
        """The model, without the values that do not fit it: each of those becomes a problem."""
        try:
            return model.model_validate(data)
        except ValidationError as error:
            bad = {str(detail["loc"][0]) for detail in error.errors()}
            for detail in error.errors():
                self._add("bad-value", where, misfit(detail), remedy(detail), step)
            self.unread.setdefault(step or "", set()).update(bad)
            good = {key: value for key, value in data.items() if key not in bad}
            if model is StepSpec:
                good = {"use": "", **good, "name": "unnamed"} if "name" in bad else {"use": "", **good}
            fitting = model.model_validate(good)
            return fitting.model_copy(update={"name": step}) if "name" in bad and step else fitting

    def _add(self, code: str, where: str, what: str, fix: str, step: str | None = None) -> None:
        self.problems.append(Problem(code, where, what, fix, step))


def _step_list(steps: Any) -> list[Any]:
    if isinstance(steps, dict):  # `steps: {load: {use: ...}}`
        steps = [{"name": name, **step} if isinstance(step, dict) else step for name, step in steps.items()]
    if not isinstance(steps, list):
        raise SpecError(f"`steps` is a list, not {quoted(steps)}", "write each step as `- name: ...`")
    check_length(steps)
    return steps


def check_length(steps: Sequence[Any]) -> None:
    """Check that these are no more steps than a pipeline may have.

    Raises:
        SpecError: They are.
    """
    if len(steps) > MAX_STEPS:
        raise SpecError(f"it has {len(steps):,} steps; a pipeline may have {MAX_STEPS:,}", "make several pipelines of it")


def misfit(detail: Mapping[str, Any]) -> str:
    """What is wrong with a value."""
    return f"`{'.'.join(map(str, detail['loc']))[:80]}`: {words(detail)}; seen {quoted(detail['input'])}"
