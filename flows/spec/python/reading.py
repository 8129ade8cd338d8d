"""Python code as a spec. The code is parsed and looked at; no line of it runs, and nothing that it names is imported."""

from __future__ import annotations

import ast
import re
import warnings
from collections.abc import Sequence
from itertools import count
from typing import Any

from flows.spec.model import PipelineSpec
from flows.spec.python.parts import Class, Made
from flows.spec.python.values import Evaluator
from flows.spec.reading import spec_from
from flows.spec.text import MAX_BYTES
from steps import registry
from steps.errors import PlanError, Problem, SpecError
from steps.wording import snake_case

BESIDE = {
    "input_batch_size": "batch_size",
    **{key: key for key in ("batch_size", "input_mappings", "output_mappings", "pool", "resources")},
}
"""Arguments of a step that are no parameters of its own, and what the spec calls them."""
RUNS = {"run", "replay", "dry_run", "plan", "save", "to_yaml"}
"""Methods of a pipeline that do something with it: no part of what it is."""


def from_python(text: str) -> PipelineSpec:
    """The pipeline that this code would make, without running it.

    Read are: imports, `with Pipeline(...)`, calls of steps, models and routers, `>>` with steps and lists, plain values,
    names, f-strings, `+`, loops and comprehensions over lists, `os.environ["NAME"]` (as `${NAME}`).

    Raises:
        SpecError: The code has something else, or is no Python; the message names line and column.
        PlanError: It makes a pipeline with keys that pipelines do not have, or values of the wrong type.
    """
    spec, problems = read_python(text)
    if problems:
        raise PlanError(problems)
    return spec


def read_python(text: str) -> tuple[PipelineSpec, list[Problem]]:
    """What can be understood of a pipeline written in Python, and everything that is wrong with its form.

    Raises:
        SpecError: The code has something that is not read, or is no Python: there is nothing to plan.
    """
    return spec_from(_Reader(text).data())


def step_lines(text: str) -> list[tuple[str, int, int]]:
    """Steps with the first and last line, counted from 1, that make them.

    Raises:
        SpecError: As `read_python`.
    """
    reader = _Reader(text)
    names = [step["name"] for step in reader.data().get("steps", [])]
    places = (made.node for made in reader.steps)
    return [(name, node.lineno, node.end_lineno or node.lineno) for name, node in zip(names, places, strict=False)]  # type: ignore[attr-defined]


class _Reader:
    """Goes through the statements of a file."""

    def __init__(self, text: str) -> None:
        self._text = text.removeprefix("\ufeff")
        self._values = Evaluator(self._text)
        self._pipeline: Made | None = None
        self._canvas: dict[str, Any] = {}
        self.steps: list[Made] = []

    def data(self) -> Any:
        """The pipeline as plain data, as `spec_from` takes it."""
        try:
            self._statements(_parsed(self._text).body)
            return self._data()
        except RecursionError as error:
            raise SpecError("this code nests too deeply", "write it with more names, and fewer levels") from error

    # ---- statements
    def _statements(self, body: Sequence[ast.stmt]) -> None:
        for statement in body:
            self._values.count(statement)
            self._statement(statement)

    def _statement(self, node: ast.stmt) -> None:
        match node:
            case ast.Import() | ast.ImportFrom():
                self._import(node)
            case ast.Expr(value=ast.Constant()) | ast.Pass():
                pass
            case ast.Expr(value=value):
                self._does_something(value) or self._values.value(value)
            case ast.Assign(targets=targets, value=value):
                if not self._does_something(value):
                    found = self._values.value(value)
                    for target in targets:
                        self._values.assign(target, found)
            case ast.AnnAssign(target=target, value=ast.expr() as value):
                self._values.assign(target, self._values.value(value))
            case ast.AugAssign(target=ast.Name() as target, op=ast.Add() as op, value=value):
                name = ast.copy_location(ast.Name(target.id, ast.Load()), target)
                total = ast.copy_location(ast.BinOp(name, op, value), node)
                self._values.assign(target, self._values.value(total))
            case ast.With(items=[ast.withitem(context_expr=context, optional_vars=target)], body=body):
                self._with(context, target, body)
            case ast.For(target=target, iter=over, body=body, orelse=[]):
                for _ in self._values.loop(target, over):
                    self._statements(body)
            case ast.If(test=test) if "__name__" in ast.unparse(test):
                pass  # what runs the pipeline is no part of it
            case ast.FunctionDef() | ast.ClassDef() | ast.AsyncFunctionDef():
                raise self._refused(
                    node, "functions and classes are not read", "put them into a module of their own and import it"
                )
            case _:
                raise self._refused(
                    node,
                    "this kind of statement is not read",
                    "write steps, `>>`, assignments, loops over lists, `with Pipeline(...)`",
                )

    def _refused(self, node: ast.AST, what: str, fix: str) -> SpecError:
        return self._values.refused(node, what, fix)

    def _import(self, node: ast.Import | ast.ImportFrom) -> None:
        for alias in node.names:
            if isinstance(node, ast.Import):
                if alias.name != "os":
                    raise self._refused(node, "whole modules are not read", "write from module import Class")
            elif node.level or not node.module:
                raise self._refused(node, "imports from the same package are not read", "name the whole module")
            elif alias.name == "*":
                raise self._refused(node, "an import of everything is not read", "name what is imported")
            elif node.module not in ("__future__", "typing", "pathlib"):
                self._values.names[alias.asname or alias.name] = Class(node.module, alias.name)

    def _with(self, context: ast.expr, target: ast.expr | None, body: Sequence[ast.stmt]) -> None:
        pipeline = self._values.value(context)
        if not isinstance(pipeline, Made) or pipeline.of.path != "Pipeline":
            raise self._refused(context, "only `with Pipeline(...)` is read", "write with Pipeline(name) as pipeline:")
        if self._pipeline is not None and self._pipeline is not pipeline:
            raise self._refused(context, "this is a second pipeline", "keep one of them")
        self._pipeline = pipeline
        if target is not None:
            self._values.assign(target, pipeline)
        self._values.is_inside = True
        self._statements(body)
        self._values.is_inside = False

    def _does_something(self, node: ast.expr) -> bool:
        """Whether this uses the pipeline rather than making it: that is left out. How it is drawn is noted."""
        if not isinstance(node, ast.Call):
            return False
        if isinstance(node.func, ast.Name) and node.func.id == "print" and "print" not in self._values.names:
            return True
        if not isinstance(node.func, ast.Attribute) or not isinstance(node.func.value, ast.Name):
            return False
        owner = self._values.names.get(node.func.value.id)
        if not isinstance(owner, Made) or not owner.of.path.startswith("Pipeline"):
            return False
        if node.func.attr == "draw":
            self._canvas = self._values.named(node)
            self._values.stand_inside(node, [self._canvas])
        elif node.func.attr not in RUNS:
            raise self._refused(
                node, "this method is not read", f"take it out, or put it below if __name__ == {chr(34)}__main__{chr(34)}:"
            )
        return True

    # ---- what it amounts to
    def _data(self) -> Any:
        if self._pipeline is None:
            whole = [made for made in self._values.made if made.of.path == "Pipeline.from_spec"]
            if not whole:
                raise SpecError(
                    "there is no `with Pipeline(...)` in it", "write with Pipeline(name) as pipeline: and steps below"
                )
            return self._of_data(whole[-1])
        if len(self._pipeline.values) > 2:
            raise self._refused(self._pipeline.node, "a pipeline has a name and a description", "take the rest out")
        about = self._plain(
            {**dict(zip(("name", "description"), self._pipeline.values, strict=False)), **self._pipeline.params}
        )
        self.steps = [made for made in self._values.made if self._is_step(made)]
        taken: dict[Made, str] = {}
        for made in self.steps:
            name = made.params.get("name") or _free(made, set(taken.values()))
            if not isinstance(name, str):
                raise self._refused(made.node, "the name of a step is text", 'write name="..."')
            taken[made] = name
        steps = [self._step(made, taken) for made in self.steps]
        routing = {taken[made]: self._component(made.router, "routers") for made in self.steps if made.router}
        found = {"distilflow": 1, **about, "steps": steps}
        return {
            **found,
            **({"routing": routing} if routing else {}),
            **({"canvas": self._plain(self._canvas)} if self._canvas else {}),
        }

    def _of_data(self, made: Made) -> Any:
        inner = made.values[0] if len(made.values) == 1 else None
        if isinstance(inner, Made) and inner.of.path == "PipelineSpec.model_validate" and len(inner.values) == 1:
            return inner.values[0]
        raise self._refused(
            made.node, "this holds no pipeline as data", "write Pipeline.from_spec(PipelineSpec.model_validate({...}))"
        )

    def _is_step(self, made: Made) -> bool:
        if not made.is_inside or made.used_as in ("value", "router") or made.of.path.startswith("Pipeline"):
            return False
        kinds = made.of.kinds()
        return made.used_as == "step" or "steps" in kinds or not kinds

    def _step(self, made: Made, names: dict[Made, str]) -> dict[str, Any]:
        if made.values:
            raise self._refused(made.node, "a step takes its parameters by name", "write name=value")
        beside = {BESIDE[key]: self._plain(value) for key, value in made.params.items() if key in BESIDE}
        params = {key: self._plain(value) for key, value in made.params.items() if key not in BESIDE and key != "name"}
        step = {
            "name": names[made],
            "use": made.of.use("steps"),
            "after": [names[other] for other in made.after],
            "with": params,
        }
        return {**{key: value for key, value in step.items() if value}, **beside}

    def _component(self, made: Made, kind: registry.Kind) -> dict[str, Any]:
        params = dict(made.params)
        if made.values:
            params = {**self._by_name(made, kind), **params}
        plain = {key: self._plain(value) for key, value in params.items()}
        use = made.of.use(kind)
        return {"use": use, **({"with": plain} if plain else {})} if kind == "routers" else {"use": use, **plain}

    def _by_name(self, made: Made, kind: registry.Kind) -> dict[str, Any]:
        if kind == "routers" and made.of.use(kind) in registry.names(kind):
            fields = list(registry.resolve(made.of.use(kind), kind).model_fields)  # type: ignore[attr-defined]
            if len(made.values) <= len(fields):
                return dict(zip(fields, made.values, strict=False))
        raise self._refused(made.node, "parameters are read by name", "write name=value")

    def _plain(self, value: Any) -> Any:
        match value:
            case Made():
                if value.of.module and value.of.module.partition(".")[0] in ("steps", "flows") and not value.of.kinds():
                    return {key: self._plain(inner) for key, inner in value.params.items()}  # such as StepResources(gpus=1)
                return self._component(value, next((kind for kind in value.of.kinds() if kind in registry.MODELS), "llms"))
            case list():
                return [self._plain(inner) for inner in value]
            case dict():
                return {key: self._plain(inner) for key, inner in value.items()}
            case Class():
                raise SpecError(f"the class {value.path} stands where a value belongs", f"call it: {value.path}(...)")
        return value


def _parsed(text: str) -> ast.Module:
    if len(text) > MAX_BYTES:
        raise SpecError(f"it has more than {MAX_BYTES / 1e6:.0f} MB", "keep data in files of its own")
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # odd escapes
            return ast.parse(text)
    except SyntaxError as error:
        said = re.sub(r"\s*\(.*\bline \d+\)$", "", error.msg or "invalid syntax")
        where = f" (line {error.lineno}, column {max(error.offset or 1, 1)})" if error.lineno else ""
        raise SpecError(f"this is not Python: {said}{where}", "check brackets, quotes and indents there") from error
    except (ValueError, RecursionError, MemoryError) as error:  # a NUL; nested too deeply for the parser
        raise SpecError(f"this cannot be read as Python: {error or 'it nests too deeply'}", "mend or shorten it") from error


def _free(made: Made, taken: set[str]) -> str:
    """The name that the pipeline gives a step that has none."""
    stem = snake_case(made.of.path.rpartition(".")[2])
    return next(name for at in count() if (name := f"{stem}_{at}") not in taken)
