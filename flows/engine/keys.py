"""What a step's result depends on: its class and code, its parameters, and the steps before it.

Sources count as nothing here: a row's own key holds the content that its source gave it, so changed data is noticed row by
row, and appended rows leave the others as they are.
"""

from __future__ import annotations

import hashlib
import inspect
import sys
from functools import cache
from types import CodeType
from typing import Any

import orjson
from pydantic import BaseModel, SecretStr

from flows.plan import Plan, PlannedStep
from steps import registry
from steps.llms.base import Responder
from steps.models import Model, held_in

_FRAMEWORK = {"pydantic", "builtins", "abc", "typing"}
_OUR_FRAMEWORK = {"steps.base", "steps.wiring", "steps.models", "steps.llms.base"}


def step_keys(plan: Plan) -> dict[str, str]:
    """For each step a hash that changes when its results may: hexadecimal, 32 digits."""
    keys: dict[str, str] = {}
    for name, planned in plan.steps.items():
        if planned.is_source:
            keys[name] = _digest(["source"])
        else:
            keys[name] = _digest([step_identity(planned), [keys[upstream] for upstream in planned.after]])
    return keys


def step_identity(planned: PlannedStep) -> list[Any]:
    """Everything about the step itself that its result depends on."""
    step = planned.step
    mappings = [sorted(step.input_mappings.items()), sorted(step.output_mappings.items())]
    found = [planned.name, registry.name_of(type(step)), parameters_of(step), mappings, code_hash(type(step))]
    content = step.fingerprint()
    return [*found, content] if content else found


def parameters_of(model: BaseModel) -> dict[str, Any]:
    """Parameters by name, without placement, keys and what only says how a server is reached."""
    placement: frozenset[str] = getattr(model, "PLACEMENT", frozenset())
    found: dict[str, Any] = {}
    for name, field in type(model).model_fields.items():
        extra = field.json_schema_extra
        value = getattr(model, name)
        if name in placement or isinstance(value, SecretStr) or (isinstance(extra, dict) and extra.get("transport")):
            continue
        if isinstance(extra, dict) and extra.get("is_later") and value == field.default:
            continue
        found[name] = _parameter(value)
    return found


def _parameter(value: Any) -> Any:
    if isinstance(value, Model):
        identity = [registry.name_of(type(value), value.kind), parameters_of(value), value.fingerprint()]
        return [*identity, code_hash(type(value))]
    if isinstance(value, BaseModel):
        return parameters_of(value)
    held = list(held_in(value) or ())
    if not any(isinstance(one, BaseModel) for _, one in held):
        return value
    parts = {key: _parameter(one) for key, one in held}
    return parts if isinstance(value, dict) else list(parts.values())


def identity_of(llm: Responder) -> bytes:
    """What the answers of a model depend on, as far as this side knows: its class, parameters and files.

    One server under two class names is one model: replies got as one are found as the other.
    """
    llm = llm.alike()
    found = [registry.name_of(type(llm), llm.kind), parameters_of(llm), llm.fingerprint()]
    return bytes.fromhex(_digest(found))


@cache
def code_hash(component: type) -> str:
    """Hash of the source of the modules that define the class and its bases, so helpers beside it count too.

    Steps whose work lies in further modules tell those in their `fingerprint`.
    """
    parts = []
    for base in component.__mro__:
        if base.__module__ in _OUR_FRAMEWORK or base.__module__.partition(".")[0] in _FRAMEWORK:
            continue
        try:
            parts.append(inspect.getsource(sys.modules[base.__module__]))
        except (OSError, TypeError, KeyError):  # typed into a notebook: no file
            parts.append(repr([_code(value) for _, value in sorted(vars(base).items()) if callable(value)]))
    return _digest(parts)


def _code(function: Any) -> Any:
    code = getattr(function, "__code__", None)
    if not isinstance(code, CodeType):
        return None
    constants = [_code_of(constant) if isinstance(constant, CodeType) else repr(constant) for constant in code.co_consts]
    return [code.co_code.hex(), code.co_names, constants]


def _code_of(code: CodeType) -> list[Any]:
    return [code.co_code.hex(), code.co_names]


def _digest(value: Any) -> str:
    data = orjson.dumps(value, default=_in_order, option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.blake2b(data, digest_size=16).hexdigest()


def _in_order(value: Any) -> Any:
    """What JSON lacks, the same in every process: sets have an order of their own in each."""
    return sorted(map(repr, value)) if isinstance(value, (set, frozenset)) else repr(value)
