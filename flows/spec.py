"""The pipeline as data: what canvas, YAML, Python, command line and Hub all share.

A file is other people's input: it is read with limits, names components only through the registry, and holds no secrets.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, Literal, TypeVar

import orjson
import yaml
from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from steps.base import StepResources
from steps.errors import PlanError, Problem, SpecError

MAX_BYTES = 10_000_000
MAX_VALUES = 1_000_000
MAX_DEPTH = 60
Model = TypeVar("Model", bound=BaseModel)
NAME = r"^[A-Za-z0-9][A-Za-z0-9_\-]{0,79}$"


class StepSpec(BaseModel):
    """One step of a pipeline: what it is, what it comes after, its parameters and its place."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    name: str = Field(pattern=NAME)
    use: str
    after: list[str] = Field(default_factory=list)
    params: dict[str, Any] = Field(default_factory=dict, alias="with")
    input_mappings: dict[str, str] = Field(default_factory=dict)
    output_mappings: dict[str, str] = Field(default_factory=dict)
    pool: str | None = None
    batch_size: int | None = Field(default=None, ge=1)
    resources: StepResources | None = None

    @field_validator("after", mode="before")
    @classmethod
    def _one_name_or_several(cls, value: Any) -> Any:
        return [value] if isinstance(value, str) else value or []


class RouterSpec(BaseModel):
    """How a step's batches are shared among the steps after it."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    use: str
    params: dict[str, Any] = Field(default_factory=dict, alias="with")


class PipelineSpec(BaseModel):
    """A pipeline: named steps that form a graph without cycles."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True)

    distilflow: Literal[1] = 1
    name: str = Field(default="pipeline", pattern=NAME)
    description: str | None = None
    steps: list[StepSpec] = Field(default_factory=list)
    routing: dict[str, RouterSpec] = Field(default_factory=dict)

    def step(self, name: str) -> StepSpec:
        """The step of this name.

        Raises:
            KeyError: There is none.
        """
        for step in self.steps:
            if step.name == name:
                return step
        raise KeyError(name)

    def names(self) -> list[str]:
        return [step.name for step in self.steps]

    def to_dict(self) -> dict[str, Any]:
        """Plain data with only what was set: what `from_dict` reads back exactly."""
        return {"distilflow": 1, **self.model_dump(mode="json", by_alias=True, exclude_defaults=True)}

    def to_yaml(self) -> str:
        """The YAML text that `read_spec` reads back exactly."""
        data = self.to_dict()
        for step in data.get("steps", []):
            if len(step.get("after", ())) == 1:
                step["after"] = step["after"][0]
        return yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)

    def save(self, path: Path) -> None:
        path.write_text(self.to_yaml(), encoding="utf-8")


# ---- reading


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
    try:
        if path.is_dir():
            raise SpecError(f"{path} is a folder", "name the pipeline file in it")
        if (size := path.stat().st_size) > MAX_BYTES:
            raise SpecError(
                f"{path} has {size / 1e6:.0f} MB; a pipeline may have {MAX_BYTES / 1e6:.0f}",
                "keep data in files of its own and load them with LoadDataFromFileSystem",
            )
        return path.read_text(encoding="utf-8")
    except FileNotFoundError as error:
        raise SpecError(f"there is no file {path}", "check the path; `distilflow new NAME` writes a first one") from error
    except UnicodeDecodeError as error:
        raise SpecError(f"{path} is not UTF-8 text (byte {error.start})", "save it as UTF-8") from error
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}") from error


def read_spec(text: str) -> tuple[PipelineSpec, list[Problem]]:
    """What can be understood of a pipeline text, and everything that is wrong with its form.

    Raises:
        SpecError: It is not YAML, or not a mapping with `steps`: there is nothing to plan.
    """
    return spec_from(_parse(text))


def spec_from(data: Any) -> tuple[PipelineSpec, list[Problem]]:
    """Like `read_spec`, of data that is parsed already."""
    if not isinstance(data, dict):
        raise SpecError(f"a pipeline is a mapping with `steps`, not {_seen(data)}", "`distilflow new NAME` writes one")
    if "distilabel" in data:
        raise SpecError("this is a distilabel pipeline", "those cannot be read yet; `distilflow new NAME` starts one of ours")
    if (version := data.get("distilflow", 1)) != 1:
        raise SpecError(f"`distilflow: {version!r}`: this release reads version 1", "write `distilflow: 1`, or upgrade")
    problems: list[Problem] = []
    kept = _known_keys(data, PipelineSpec, "pipeline", None, problems)
    listed = kept.pop("steps", None) or []
    if isinstance(listed, dict):  # `steps: {load: {use: ...}}`
        listed = [{"name": name, **step} if isinstance(step, dict) else step for name, step in listed.items()]
    if not isinstance(listed, list):
        raise SpecError(f"`steps` is a list, not {_seen(listed)}", "write each step as `- name: ...`")
    steps = [step for at, raw in enumerate(listed) if (step := _read_step(raw, at, problems))]
    spec = _validated(PipelineSpec, kept, "pipeline", None, problems) or PipelineSpec()
    return spec.model_copy(update={"steps": steps}), problems


def _read_step(raw: Any, at: int, problems: list[Problem]) -> StepSpec | None:
    where = f"step {at + 1}"
    if not isinstance(raw, dict):
        problems.append(Problem("bad-step", where, f"is {_seen(raw)}, not a mapping", "write `- name: ...` and `use: ...`"))
        return None
    name = str(raw.get("name") or f"step_{at + 1}")
    if raw.get("name"):
        where = f"step {name!r}"
    kept = _known_keys(raw, StepSpec, where, name, problems)
    problems += [
        Problem(f"missing-{required}", where, f"has no `{required}`", f"add `{required}: ...`", name)
        for required in ("name", "use")
        if not kept.get(required)
    ]
    if not kept.get("use"):
        return None
    return _validated(StepSpec, {**kept, "name": name, "use": str(kept["use"])}, where, name, problems)


def _known_keys(
    data: Mapping[Any, Any], model: type[BaseModel], where: str, step: str | None, problems: list[Problem]
) -> dict[str, Any]:
    known = {field.alias or name for name, field in model.model_fields.items()}
    for key in data.keys() - known:
        hint = did_you_mean(str(key), known)
        problems.append(Problem("unknown-key", where, f"has no key {key!r}.{hint}", f"known: {', '.join(sorted(known))}", step))
    return {key: value for key, value in data.items() if key in known}


def _validated(model: type[Model], data: dict[str, Any], where: str, step: str | None, problems: list[Problem]) -> Model | None:
    """The model, without the values that do not fit it: each of those becomes a problem."""
    try:
        return model.model_validate(data)
    except ValidationError as error:
        bad = set()
        for detail in error.errors():
            path = ".".join(map(str, detail["loc"]))
            bad.add(detail["loc"][0])
            problems.append(
                Problem("bad-value", where, f"{path}: {detail['msg']}; seen {_seen(detail['input'])}", "correct it", step)
            )
        good = {key: value for key, value in data.items() if key not in bad}
        if "name" in bad and step is not None:
            good["name"] = "".join(c if c.isascii() and c.isalnum() else "_" for c in step)[:79] or "step"
        try:
            return model.model_validate(good)
        except ValidationError:
            return None


def _parse(text: str) -> Any:
    if len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise SpecError(f"the text has more than {MAX_BYTES / 1e6:.0f} MB", "keep data in files of its own")
    if text.lstrip().startswith("{"):
        try:
            return orjson.loads(text)
        except orjson.JSONDecodeError:
            pass  # YAML has such mappings too
    try:
        _check_size(text)
        return yaml.load(text, Loader=_Loader)
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        place = f" (line {mark.line + 1}, column {mark.column + 1})" if mark else ""
        raise SpecError(
            f"this is not YAML: {error.problem or error.context}{place}", "check indents and quotes there"
        ) from error
    except (yaml.YAMLError, ValueError, RecursionError) as error:
        raise SpecError(f"this is not YAML: {str(error).splitlines()[0]}", "save it as UTF-8 text") from error


def _check_size(text: str) -> None:
    """Refuse text that is small but grows when its aliases are followed, or that nests too deep to be read."""
    anchors: dict[str, int] = {}
    open_nodes: list[tuple[str | None, int]] = []
    total = 0
    for event in yaml.parse(text, Loader=_Loader):
        if isinstance(event, yaml.AliasEvent):
            total += anchors.get(str(event.anchor), 1)
        elif isinstance(event, yaml.ScalarEvent):
            total += 1
            if event.anchor:
                anchors[event.anchor] = 1
        elif isinstance(event, yaml.CollectionStartEvent):
            total += 1
            open_nodes.append((event.anchor, total))
        elif isinstance(event, yaml.CollectionEndEvent):
            anchor, before = open_nodes.pop()
            if anchor:
                anchors[anchor] = total - before + 1
        if total > MAX_VALUES:
            raise SpecError(f"the file has more than {MAX_VALUES:,} values", "keep data in files of its own")
        if len(open_nodes) > MAX_DEPTH:
            raise SpecError(f"the file nests deeper than {MAX_DEPTH} levels", "this is no pipeline that a person wrote")


_Loader: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, short lists on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style="|" if "\n" in text else None)


def _represent_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    short = all(isinstance(item, (str, int, float)) for item in items) and sum(len(str(item)) for item in items) < 80
    return dumper.represent_sequence("tag:yaml.org,2002:seq", items, flow_style=short)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)


# ---- parameters given at the start of a run


def parse_parameter(text: str) -> tuple[str, Any]:
    """`answer.llm.generation_kwargs.max_new_tokens=512` as path and value; the value is read as YAML.

    Raises:
        SpecError: There is no `=` or no dot in it.
    """
    path, sign, value = text.partition("=")
    if not sign or "." not in path:
        raise SpecError(f"--param {text!r} is not of the form step.parameter=value", "e.g. --param answer.llm.model=gpt-4o")
    return path.strip(), _parse(value) if value.strip() else ""


def with_parameters(spec: PipelineSpec, parameters: Mapping[str, Any]) -> PipelineSpec:
    """The pipeline with some parameters replaced: `{"answer.llm.temperature": 0}` or `{"answer": {"llm": {...}}}`.

    Raises:
        PlanError: It names a step that does not exist.
    """
    data = spec.to_dict()
    steps = {step["name"]: step for step in data.get("steps", [])}
    problems = []
    for path, value in _flat(parameters):
        name, *keys = path
        if name not in steps:
            hint = did_you_mean(name, steps)
            problems.append(
                Problem("unknown-step", "parameters", f"{'.'.join(path)}: there is no step {name!r}.{hint}", _list_of(steps))
            )
            continue
        own = keys[0] not in StepSpec.model_fields.keys() - {"params", "name", "use", "after"}
        target = steps[name].setdefault("with", {}) if own else steps[name]
        for key in keys[:-1]:
            if not isinstance(target.get(key), dict):
                target[key] = {}
            target = target[key]
        target[keys[-1]] = value
    if problems:
        raise PlanError(problems)
    changed, wrong = spec_from(data)
    if wrong:
        raise PlanError(wrong)
    return changed


def _flat(parameters: Mapping[str, Any]) -> Iterable[tuple[list[str], Any]]:
    for key, value in parameters.items():
        path = key.split(".")
        if len(path) == 1 and isinstance(value, Mapping):
            yield from (([key, *rest], leaf) for rest, leaf in _leaves(value))
        elif len(path) == 1:
            yield [key, "?"], value
        else:
            yield path, value


def _leaves(value: Mapping[str, Any]) -> Iterable[tuple[list[str], Any]]:
    for key, inner in value.items():
        if isinstance(inner, Mapping) and inner and key in ("llm", "generation_kwargs", "resources"):
            yield from (([key, *rest], leaf) for rest, leaf in _leaves(inner))
        else:
            yield key.split("."), inner


def did_you_mean(word: str, options: Iterable[str]) -> str:
    """ " Did you mean 'x'?" or nothing."""
    matches = difflib.get_close_matches(word, list(options), n=1, cutoff=0.6)
    return f" Did you mean {matches[0]!r}?" if matches else ""


def _list_of(names: Iterable[str]) -> str:
    return f"the steps are {', '.join(names)}"


def _seen(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= 60 else f"{text[:57]}..."
