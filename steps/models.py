"""What the parameters of a step may hold beside plain values: a model, chosen by its class name under `use`.

`llm: {use: OpenAILLM, model: gpt-4o-mini}` names one of the language models, `embeddings: {use: ...}` one that turns texts into
vectors. Each kind has a base class; a parameter of that type is a place for one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from functools import cache
from typing import Annotated, Any, ClassVar, Self, get_args, get_origin

from pydantic import (
    BaseModel,
    ConfigDict,
    ModelWrapValidatorHandler,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

from steps import registry
from steps.components import Component
from steps.errors import Complaint
from steps.secrets import without_secrets


class Model(Component):
    """A model that a step uses."""

    # errors do not show their input: it may hold a key
    model_config = ConfigDict(extra="forbid", protected_namespaces=(), hide_input_in_errors=True)

    kind: ClassVar[registry.Kind]
    """What the registry calls them. The class that sets it is the base of its kind, and no model itself."""
    example: ClassVar[str] = ""
    """A class of this kind with a parameter `model`, for those who left out which."""
    rehearsal: ClassVar[str] = ""
    """The class of this kind that stands in for all others when a pipeline is rehearsed."""
    default_pool: ClassVar[str] = "process"
    """async when a server does the work, process or gpu when this process does."""
    is_rehearsal: ClassVar[bool] = False
    is_free: ClassVar[bool] = False
    """What it gives costs nothing and can be had again."""
    reaches: ClassVar[str] = ""
    """What it needs beyond this process, in words; empty where it answers by itself."""

    @property
    def model_name(self) -> str:
        """What the column `model_name` says."""
        return getattr(self, "model", type(self).__name__)

    @property
    def lacks(self) -> str:
        """What a person has to bring before it can be used, in words; empty for nothing, or where only `problems` can say."""
        return ""

    def fingerprint(self) -> str:
        """Identity of what it gives beyond the parameters, such as the content of a file."""
        return ""

    def problems(self) -> Sequence[Complaint]:
        """What is known to be wrong before it is used, one sentence each (no network)."""
        return []

    @model_validator(mode="wrap")
    @classmethod
    def _find_class(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict) or "use" not in data:
            if "kind" in vars(cls) and not isinstance(data, cls):
                seen = f"; it has {sorted(map(str, data))}" if isinstance(data, dict) else ""  # values may be keys
                raise ValueError(f"say which model it is, with `use`{seen}")
            return handler(data)
        fields = dict(data)
        name = fields.pop("use")
        try:
            found = registry.resolve(str(name), cls.kind)
        except registry.UnknownComponent as error:
            raise ValueError(error.message) from error
        if not issubclass(found, cls):
            raise ValueError(f"{name!r} is not a {cls.__name__}")
        return handler(fields) if found is cls else found.model_validate(fields)

    @model_serializer(mode="wrap")
    def _name_class(self, handler: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {"use": registry.name_of(type(self), self.kind), **without_secrets(self, handler(self))}


@cache
def models_of(step: type) -> dict[str, type[Model]]:
    """The parameters of a step that hold a model, and what kind of one."""
    fields = getattr(step, "model_fields", {})
    kinds = {name: field.annotation for name, field in fields.items()}
    return {name: kind for name, kind in kinds.items() if isinstance(kind, type) and issubclass(kind, Model)}


def held_in(value: Any) -> Iterable[tuple[Any, Any]] | None:
    """What a list, tuple or dict holds, each with its place in it; None for anything else."""
    if isinstance(value, (list, tuple)):
        return enumerate(value)
    return value.items() if isinstance(value, dict) else None


def models_in(component: BaseModel, path: str = "") -> Iterator[tuple[str, Model]]:
    """The models that a step holds, also in lists and in other models, each with where it stands: `judges.0.llm`."""
    for name, value in component:
        held = held_in(value)
        for key, one in held if held is not None else [("", value)]:
            if isinstance(one, BaseModel):
                place = ".".join(str(part) for part in (path, name, key) if part != "")
                if isinstance(one, Model):
                    yield place, one
                yield from models_in(one, place)


Change = Callable[[type[Model], Any], Any]
"""What stands in a place for a model of this kind, given what stood there."""


def with_models(step: type[BaseModel], params: Mapping[str, Any], change: Change) -> dict[str, Any]:
    """The parameters of a step, as data, with other models in all places for one; inside of lists only where there was one."""
    changed = {name: new for name, kind in models_of(step).items() if (new := change(kind, params.get(name))) is not None}
    for name in params.keys() & step.model_fields.keys() - changed.keys():
        changed[name] = _with_models(step.model_fields[name].annotation, params[name], change)
    return {**params, **changed}


def _with_models(annotation: Any, value: Any, change: Change) -> Any:
    origin, arms = get_origin(annotation), get_args(annotation)
    if origin is Annotated:
        return _with_models(arms[0], value, change)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel) and isinstance(value, dict):
        if issubclass(annotation, Model):
            return change(annotation, value)
        fields = annotation.model_fields
        return {key: _with_models(fields[key].annotation, one, change) if key in fields else one for key, one in value.items()}
    if isinstance(origin, type) and issubclass(origin, Sequence) and isinstance(value, list):
        return [_with_models(arms[0], one, change) for one in value]
    if isinstance(origin, type) and issubclass(origin, Mapping) and isinstance(value, dict):
        return {key: _with_models(arms[1], one, change) for key, one in value.items()}
    for arm in arms if origin is not None else ():  # a union: those that the value is none of leave it as it is
        if (changed := _with_models(arm, value, change)) != value:
            return changed
    return value
