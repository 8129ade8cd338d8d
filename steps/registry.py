"""What a pipeline may name: steps, models and routers, found by class name.

A name resolves to a built-in, to an entry point that an installed package declares, or to `module:Class` when the operator
lists that module in $ALLOW_STEP_MODULES. Nothing else: a pipeline file is other people's input and chooses no imports.
Listing reads metadata only; a class is imported when it is used, and a plugin that fails to import costs one warning.
"""

from __future__ import annotations

import difflib
import importlib
import os
import sys
import warnings
from collections.abc import Callable
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from types import ModuleType
from typing import Literal, Self, get_args

from steps.absent import GUIDE, instead_of
from steps.errors import DistilflowError
from steps.providers import EMBEDDERS, PROVIDERS
from steps.wording import did_you_mean, snake_case

Kind = Literal["steps", "llms", "embeddings", "images", "routers"]
KINDS: tuple[Kind, ...] = get_args(Kind)
MODELS: tuple[Kind, ...] = ("llms", "embeddings", "images")
"""The kinds that parameters of a step hold (`steps.models`)."""

_PACKAGES: dict[Kind, tuple[str, ...]] = {
    "steps": (
        "steps.sources",
        "steps.samplers",
        "steps.tasks",
        "steps.columns",
        "steps.filters",
        "steps.validators",
        "steps.formats",
        "steps.labels",
        "steps.sinks",
        "steps.argilla",
    ),
    "llms": ("steps.llms",),
    "embeddings": ("steps.embeddings",),
    "images": ("steps.images",),
    "routers": (),
}
"""Where the built-ins lie: a package names them in `__all__`, and each has a file that is called after its class."""
_ROUTERS = {"sample_n_steps": "steps.routers"}
_FILES = {
    **{provider.class_name: "provider_llms" for provider in PROVIDERS},
    **dict.fromkeys(EMBEDDERS, "provider_embeddings"),
    "OpenAIEmbeddings": "open_ai_embeddings",
    "OpenAIImageGeneration": "open_ai_image_generation",
    "OpenAILLM": "openai_llm",
    "AnthropicLLM": "anthropic_llm",
    "vLLM": "vllm",
    "vLLMEmbeddings": "vllm_embeddings",
}
"""Files that are called otherwise than the class in snake_case."""


@cache
def _built_in(kind: Kind) -> dict[str, str]:
    """Name: module. Imports the packages, which is light, and none of what lies in them."""
    of_kind = {"llms": [provider.class_name for provider in PROVIDERS], "embeddings": [*EMBEDDERS]}
    rows = of_kind.get(kind, [])
    found = {
        name: f"{package}.{_FILES.get(name) or snake_case(name)}"
        for package in _PACKAGES[kind]
        for name in sorted({*importlib.import_module(package).__all__, *rows}, key=str.casefold)
    }
    return found | (_ROUTERS if kind == "routers" else {})


class UnknownComponent(DistilflowError):
    """Nothing goes by this name; `matches` are near ones."""

    code = "unknown-component"

    def __init__(self, message: str, fix: str = "", matches: list[str] | None = None) -> None:
        super().__init__(message, fix)
        self.matches = matches or []


class NotCarriedOver(UnknownComponent):
    """distilabel has a class of this name, and there is none here; `fix` says what to take instead."""

    def __init__(self, message: str, fix: str) -> None:
        super().__init__(message, fix)

    @classmethod
    def named(cls, name: str) -> Self | None:
        """What to say of this name; None when it is no such class."""
        instead = instead_of(name)
        return cls(f"distilabel's class {name!r} is not here", f"in its place {instead}; see {GUIDE}") if instead else None


def names(kind: Kind) -> list[str]:
    """All names of this kind, built-ins first. Imports nothing."""
    return [*_built_in(kind), *(name for name in _plugins(kind) if name not in _built_in(kind))]


def resolve(name: str, kind: Kind = "steps") -> type:
    """The class that goes by this name.

    Raises:
        UnknownComponent: Nothing does, its module is not allowed, or the plugin cannot be imported.
    """
    if module := _built_in(kind).get(name):
        return _get(importlib.import_module(module), name)
    if point := _plugins(kind).get(name):
        try:
            return _class(point.load(), name)
        except UnknownComponent:
            raise
        except (Exception, SystemExit) as error:  # a plugin may do anything while it is imported
            raise UnknownComponent(
                f"{name!r} comes from the plugin {_owner(point)!r}, which cannot be imported: {error}",
                "repair or uninstall that package",
            ) from error
    if ":" in name:
        return _by_module_path(name)
    if absent := NotCarriedOver.named(name):
        raise absent
    matches = difflib.get_close_matches(name, names(kind), n=3, cutoff=0.55)
    what = {"steps": "step", "routers": "router"}.get(kind, "model class")
    hint = f" Did you mean {' or '.join(map(repr, matches))}?" if matches else ""
    raise UnknownComponent(f"there is no {what} {name!r}.{hint}", "`distilflow steps` lists what there is", matches=matches)


def importer(package: str) -> Callable[[str], type]:
    """The `__getattr__` of a package of built-ins: `from steps.tasks import TextGeneration` imports that one alone."""

    def get(name: str) -> type:
        inside = {name: module for kind in KINDS for name, module in _built_in(kind).items() if _package(module) == package}
        if name not in inside and (absent := NotCarriedOver.named(name)):
            raise ImportError(f"{absent.message}: {absent.fix}", name=name)
        if name not in inside:
            raise AttributeError(f"module {package!r} has no attribute {name!r}.{did_you_mean(name, inside)}", name=name)
        return _get(importlib.import_module(inside[name]), name)

    return get


def place_of(name: str, kind: Kind = "steps") -> tuple[str, str] | None:
    """Module and class that a name stands for, as Python imports it; None when nobody has it. Imports nothing."""
    if module := _built_in(kind).get(name):
        package = _package(module)
        return (package if package != "steps" else module), name
    if point := _plugins(kind).get(name):
        return point.module, point.attr
    return None


def name_at(module: str, attribute: str, kind: Kind = "steps") -> str:
    """The name of a class that Python imports from there: `place_of` the other way round. Imports nothing."""
    found = _built_in(kind).get(attribute)
    if found and module in (found, _package(found)) and module != "steps":
        return attribute
    for plugin, point in _plugins(kind).items():
        if (point.module, point.attr) == (module, attribute):
            return plugin
    return f"{module}:{attribute}"


def import_line(component: type) -> str:
    """How Python imports this class, the short way where there is one."""
    package, name = _package(component.__module__), component.__name__
    is_short = any(_built_in(kind).get(name) == component.__module__ for kind in KINDS) and package != "steps"
    return f"from {package if is_short else component.__module__} import {name}"


def name_of(component: type, kind: Kind = "steps") -> str:
    """The name that resolves to this class: what a pipeline file says after `use:`."""
    name, module = component.__name__, component.__module__
    if _built_in(kind).get(name) == module:
        return name
    for plugin, point in _plugins(kind).items():
        if point.value == f"{module}:{component.__qualname__}":
            return plugin
    if module == "__main__" and (script := getattr(sys.modules["__main__"], "__file__", None)):
        module = Path(script).stem  # workers import the script by its own name
    return f"{module}:{component.__qualname__}"


def allowed_modules() -> list[str]:
    """Modules whose classes a pipeline may name by path, from $ALLOW_STEP_MODULES (commas between them)."""
    return [part.strip() for part in os.environ.get("ALLOW_STEP_MODULES", "").split(",") if part.strip()]


def _by_module_path(path: str) -> type:
    module, _, attribute = path.partition(":")
    if module in _declared_here:
        return _get(_declared_here[module], attribute)
    if module == "__main__":  # of the program that wrote the pipeline, which is not the one that runs now
        raise UnknownComponent(
            f"{path!r} is a class of the script that wrote this pipeline, which cannot be imported by that name",
            "put the class into a file of the folder where you start the run, such as my_steps.py, "
            f"write `use: my_steps:{attribute}`, and set ALLOW_STEP_MODULES=my_steps",
        )
    if not any(module == allowed or module.startswith(allowed + ".") for allowed in allowed_modules()):
        raise UnknownComponent(
            f"{path!r} names a module that is not allowed here",
            f"if you trust it, set ALLOW_STEP_MODULES={module}, or install it as a plugin with an entry point",
        )
    if (here := str(Path.cwd())) not in sys.path:  # the user's own file beside the pipeline
        sys.path.insert(0, here)
    try:
        return _get(importlib.import_module(module), attribute)
    except UnknownComponent:
        raise
    except DistilflowError as error:
        raise UnknownComponent(f"{path!r} cannot be imported: {error.message}", error.fix) from error
    except (Exception, SystemExit) as error:
        raise UnknownComponent(f"{path!r} cannot be imported: {error}", "check the module's name and code") from error


def _get(module: ModuleType, name: str) -> type:
    found: object = module
    for part in name.split("."):  # a class inside a class
        if part.startswith("__") or not hasattr(found, part):
            fix = "write the class at the top of the file" if "<locals>" in name else "check the class's name"
            raise UnknownComponent(f"module {module.__name__!r} has no {name!r}", fix)
        found = getattr(found, part)
    return _class(found, name)


def _class(found: object, name: str) -> type:
    if not isinstance(found, type):
        raise UnknownComponent(f"{name!r} is a {type(found).__name__}, not a class", "name a class")
    return found


_declared_here: dict[str, ModuleType] = {}


def allow_class(component: type) -> None:
    """Let pipelines of this process, and of the workers it starts, name a class that is not registered."""
    module = name_of(component).partition(":")[0]
    _declared_here[module] = sys.modules[component.__module__]
    if module not in (known := allowed_modules()):
        os.environ["ALLOW_STEP_MODULES"] = ",".join([*known, module])


@cache
def _plugins(kind: Kind) -> dict[str, EntryPoint]:
    found: dict[str, EntryPoint] = {}
    for point in entry_points(group=f"distilflow.{kind}"):
        if point.name in _built_in(kind) or point.name in found:
            warnings.warn(f"plugin {_owner(point)!r} offers {point.name!r}, which exists already; it is ignored", stacklevel=2)
            continue
        found[point.name] = point
    return found


def _owner(point: EntryPoint) -> str:
    return point.dist.name if point.dist else point.value


def _package(module: str) -> str:
    return module.rpartition(".")[0]
