"""A spec as Python code."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Any

from flows.spec.model import PipelineSpec
from flows.spec.python.literals import INDENT, WIDTH, Call, Code, is_name, text, written
from flows.spec.python.parts import Class
from flows.spec.python.wires import Chain, chains
from flows.spec.text import check_data
from steps import registry
from steps.base import GeneratorStep
from steps.models import models_of

BESIDE_PARAMS = ("input_mappings", "output_mappings", "pool", "batch_size", "resources")
RESERVED = {"name", "input_batch_size", *BESIDE_PARAMS}
"""What a step's parameters cannot be called in Python."""
TAKEN = {"Pipeline", "PipelineSpec", "pipeline", "os", "float", "range", "enumerate", "zip", "str", "dict", "list", "print"}
"""Names that code of pipelines uses otherwise."""
OURS = ("flows", "steps")
_PATH = re.compile(r"([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*):([A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)", re.ASCII)
_UNKNOWN = re.compile(r"[A-Z]\w*", re.ASCII)


class _NotInCode(Exception):
    """Something that steps and `>>` cannot say."""


def to_python(spec: PipelineSpec) -> str:
    """The code that makes this pipeline when it runs, and that `from_python` reads back exactly.

    What steps and `>>` cannot say, such as a step after one that does not exist, makes the code hold the pipeline as data.

    Raises:
        SpecError: A parameter is something that no pipeline can hold.
    """
    data = spec.to_dict()
    check_data(data)
    try:
        return _Writer(data).code()
    except _NotInCode as error:
        return _as_data(data, str(error))


def _as_data(data: Mapping[str, Any], why: str) -> str:
    value = written(Call("Pipeline.from_spec", [Call("PipelineSpec.model_validate", [data])]), 0, len("pipeline = "))
    lines = [f"# As data: {why}." if len(why) < WIDTH else "# As data: steps and >> cannot say this."]
    return "\n".join(
        [*lines, "from flows import Pipeline", "from flows.spec import PipelineSpec", "", f"pipeline = {value}", ""]
    )


class _Names:
    """Classes by what code calls them."""

    def __init__(self, uses: Iterable[tuple[str, registry.Kind]]) -> None:
        self.imports: dict[str, list[str]] = {}
        self._called: dict[tuple[str, registry.Kind], str] = {}
        places = {use: _place(*use) for use in dict.fromkeys(uses)}
        taken = set(TAKEN) | {use for (use, _), place in places.items() if place is None}
        imported: dict[tuple[str, str], str] = {}
        for use, place in places.items():
            if place is None:
                self._called[use] = use[0]
                continue
            module, path = place
            top, _, inner = path.partition(".")
            if (module, top) not in imported:
                alias = imported[module, top] = _free(top, taken)
                self.imports.setdefault(module, []).append(top if alias == top else f"{top} as {alias}")
                taken.add(alias)
            self._called[use] = f"{imported[module, top]}.{inner}" if inner else imported[module, top]
        self.taken = taken

    def of(self, use: str, kind: registry.Kind) -> str:
        return self._called[use, kind]

    def lines(self) -> list[str]:
        ours = {"flows": ["Pipeline"]}
        lines = []
        for module, names in sorted({**self.imports, **{"flows": ours["flows"] + self.imports.get("flows", [])}}.items()):
            lines.append(_import(module, sorted(names, key=str.lower)))
        return lines


def _place(use: str, kind: registry.Kind) -> tuple[str, str] | None:
    """Module and class to import; None for a class that nobody has."""
    if path := _PATH.fullmatch(use):
        found: tuple[str, str] | None = (path[1], path[2])
    else:
        found = registry.place_of(use, kind)
    words = [*found[0].split("."), *found[1].split(".")] if found else [use]
    if not all(map(is_name, words)) or (found is None and (not _UNKNOWN.fullmatch(use) or use in TAKEN)):
        raise _NotInCode(f"{text(use[:60])} is no name of a class")
    place = Class(*found) if found else Class(None, use)
    if place.use(kind) != use or any(other != kind for other in place.kinds()) or (path and path[1].split(".")[0] in OURS):
        raise _NotInCode(f"{text(use[:60])} is not what such a class is called")
    return found


def _import(module: str, names: list[str]) -> str:
    line = f"from {module} import {', '.join(names)}"
    if len(line) <= WIDTH:
        return line
    return f"from {module} import (\n{''.join(f'{INDENT}{name},{chr(10)}' for name in names)})"


class _Writer:
    def __init__(self, data: Mapping[str, Any]) -> None:
        self._data = data
        self._steps: list[dict[str, Any]] = data.get("steps", [])
        self._routing: dict[str, Any] = data.get("routing", {})
        self._check()
        self._classes = _Names(self._uses())
        taken = set(self._classes.taken)
        self._called: dict[str, str] = {}
        for step in self._steps:
            name = re.sub(r"\W", "_", step["name"], flags=re.ASCII)
            self._called[step["name"]] = _free(
                name if is_name(name) else f"{name}_" if name.isidentifier() else f"_{name}", taken
            )
            taken.add(self._called[step["name"]])

    def code(self) -> str:
        lines = [*self._classes.lines(), ""]
        described = [self._data.get("name", "pipeline")]
        if (description := self._data.get("description")) is not None:
            described.append(description)
        head = written(Call("Pipeline", described), 0, len("with "), len(" as pipeline:"))
        lines.append(f"with {head} as pipeline:")
        lines += [f"{INDENT}{self._step(step)}" for step in self._steps] or [f"{INDENT}pass"]
        after = {step["name"]: step.get("after", []) for step in self._steps}
        lines += [f"{INDENT}{self._chain(chain)}" for chain in chains(after, set(self._routing))]
        if canvas := self._data.get("canvas"):
            lines += ["", written(Call("pipeline.draw", (), canvas))]
        return "\n".join([*lines, "", 'if __name__ == "__main__":', f"{INDENT}print(pipeline.run())", ""])

    def _check(self) -> None:
        names = {step["name"] for step in self._steps}
        if len(names) < len(self._steps):
            raise _NotInCode("two steps have the same name")
        followed = set()
        for step in self._steps:
            after = step.get("after", [])
            followed.update(after)
            for other in after:
                if other not in names:
                    raise _NotInCode(f"{step['name']} comes after {text(other[:60])}, which does not exist")
            if len(set(after)) < len(after):
                raise _NotInCode(f"{step['name']} comes after a step twice")
            for name in step.get("with", {}):
                if name in RESERVED:
                    raise _NotInCode(f"{step['name']} has a parameter {text(name)}, which Python takes for its own")
        for name, router in self._routing.items():
            if name not in followed:
                raise _NotInCode(f"routing names {text(name[:60])}, and no step comes after it")
            if "name" in router.get("with", {}):
                raise _NotInCode(f"the router of {name} has a parameter name, as steps have")

    def _uses(self) -> Iterable[tuple[str, registry.Kind]]:
        for step in self._steps:
            yield step["use"], "steps"
            for name, one in step.get("with", {}).items():
                if kind := _model_kind(step["use"], name, one):
                    yield one["use"], kind
        for router in self._routing.values():
            yield router["use"], "routers"

    def _step(self, step: Mapping[str, Any]) -> str:
        beside = {
            ("input_batch_size" if key == "batch_size" and not _is_source(step["use"]) else key): step[key]
            for key in BESIDE_PARAMS
            if key in step
        }
        params = {name: self._param(step["use"], name, one) for name, one in step.get("with", {}).items()}
        made = Call(self._classes.of(step["use"], "steps"), (), {"name": step["name"], **params, **beside})
        called = self._called[step["name"]]
        return f"{called} = {written(made, 1, len(called) + 3)}"

    def _param(self, use: str, name: str, value: Any) -> Any:
        kind = _model_kind(use, name, value)
        if kind is None:
            return value
        return Call(self._classes.of(value["use"], kind), (), {name: one for name, one in value.items() if name != "use"})

    def _chain(self, chain: Chain) -> str:
        stages = [self._stage(stage, chain.is_routed and at == 1) for at, stage in enumerate(chain.stages)]
        if chain.is_routed:
            router = self._routing[chain.stages[0][0]]
            stages.insert(1, Call(self._classes.of(router["use"], "routers"), (), router.get("with", {})))
        line = " >> ".join(written(stage, 1, -10_000) for stage in stages)
        if len(INDENT + line) <= WIDTH:
            return line
        broken = f"\n{INDENT * 2}>> ".join(written(stage, 2, 3, 0) for stage in stages)
        return f"(\n{INDENT * 2}{broken}\n{INDENT})"

    def _stage(self, stage: list[str], is_list: bool) -> Any:
        found = [Code(self._called[step]) for step in stage]
        return found if is_list or len(found) > 1 else found[0]


def _model_kind(use: str, param: str, value: Any) -> registry.Kind | None:
    """What kind of model a parameter names: where models stand, or by a name that one has. None for plain values."""
    if not isinstance(value, dict) or not isinstance(value.get("use"), str):
        return None
    place = models_of(_class(use)).get(param)
    if place is not None:
        return place.kind
    return "llms" if param == "llm" else next((kind for kind in registry.MODELS if value["use"] in registry.names(kind)), None)


def _is_source(use: str) -> bool:
    return issubclass(_class(use), GeneratorStep)


def _class(use: str) -> type:
    """The class of a step; `object` for one that is not there."""
    try:
        return registry.resolve(use)
    except registry.UnknownComponent:
        return object


def _free(name: str, taken: set[str]) -> str:
    at = 2
    found = name
    while found in taken:
        found, at = f"{name}_{at}", at + 1
    return found
