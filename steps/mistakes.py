"""What pydantic says about parameters that do not fit, in the user's words: the same for pipeline files and for Python."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from typing import Annotated, Any, get_args, get_origin

from pydantic import BaseModel, SecretStr, ValidationError

from steps import registry
from steps.models import Model, models_of
from steps.secrets import may_name_key
from steps.wording import did_you_mean, listed, nearest, quoted

_OF_DISTILABEL = {
    "use_cache": "leave it out: what a run finished is kept under its run_id, and a new run makes its rows anew",
    "cuda_devices": "leave it out: `resources` of the step says how many GPUs it gets, as StepResources(gpus=1) in Python",
    "disable_cuda_device_placement": "leave it out: `resources` of the step says how many GPUs it gets",
    "use_offline_batch_generation": "leave it out; where the provider takes batches, `batch: true` of the step sends them",
    "save_artifacts": "leave it out: rows hold the pictures themselves, and the data set has them as images",
    "tokenizer_id": "leave it out: the server knows its own tokenizer",
}
"""What to do instead of parameters that steps and models have in distilabel."""
_SAMPLING = {
    *("temperature", "top_p", "top_k", "min_p", "typical_p", "seed", "stop", "stop_sequences", "do_sample"),
    *("max_new_tokens", "max_tokens", "max_completion_tokens", "min_tokens", "reasoning_effort", "response_format"),
    *("frequency_penalty", "presence_penalty", "repetition_penalty", "logprobs", "top_logprobs", "logit_bias", "extra_body"),
}
"""What stands in `generation_kwargs` of a language model, by the names that distilabel and servers have for it."""


def mistakes(
    error: ValidationError, found: type[BaseModel], use: str, given: Mapping[str, Any], *, in_python: bool = False
) -> Iterable[tuple[str, str, str]]:
    """Code, what is wrong and what to do, once for each mistake. `use`: what the user calls the class."""
    details = [(tuple(map(str, detail["loc"])), detail) for detail in error.errors(include_url=False)]
    unknown = [path for path, detail in details if detail["type"] == "extra_forbidden"]
    seen: set[tuple[str, ...]] = set()
    for path, detail in details:
        name, under = ".".join(path), ", ".join(f"`{part}`" for part in ("with", *path[:-1]))
        if detail["type"] == "missing":
            if not any(other[:-1] == path[:-1] and nearest(other[-1], [path[-1]]) for other in unknown):  # it is misspelt
                fix = f"add {name}=..." if in_python else f"add `{path[-1]}: ...` under {under}"
                yield "missing-parameter", f"{use} needs `{name}`{_description(found, path)}", fix
        elif detail["type"] == "extra_forbidden":
            known = sorted(_fields_at(found, path, given))
            instead = _OF_DISTILABEL.get(path[-1]) or _as_sampling(path, found, known, in_python=in_python)
            what = f"{use} has no parameter {quoted(name)}.{'' if instead else did_you_mean(path[-1], known)}"
            yield "unknown-parameter", what, instead or (f"known: {listed(known)}" if known else "remove it")
        else:
            said, value, fix = words(detail), detail["input"], remedy(detail)
            field = found.model_fields.get(path[0]) if len(path) > 1 else None
            if field is not None and (kinds := _kinds(field.annotation)):
                path, value = path[:1], given.get(path[0])  # each type of a union says that it does not fit
                said, fix = f"should be {' or '.join(kinds)}", "write one of those"
            if len(path) == 1 and (model := models_of(found).get(path[0])) is not None:
                models = registry.names(model.kind)
                fix = f"give one: {path[0]}={model.example}(model=...); there are {listed(models)}"
                if not in_python:
                    fix = f"write `{path[0]}: {{use: {_example(model, value)}}}`; there are {listed(models)}"
                cause = getattr(detail.get("ctx", {}).get("error"), "__cause__", None)
                fix = cause.fix if isinstance(cause, registry.NotCarriedOver) else fix
            if path not in seen:
                seen.add(path)
                yield "bad-parameter", f"`{'.'.join(path)}`: {said}{_shown(path, value)}", fix


def _as_sampling(path: tuple[str, ...], found: type[BaseModel], known: Iterable[str], *, in_python: bool) -> str | None:
    """Where a parameter belongs that says how a language model samples; None for all others."""
    is_of_llm = "generation_kwargs" in known
    if path[-1] not in _SAMPLING or not (is_of_llm or "llm" in models_of(found)):
        return None
    if in_python:
        return f"put it in generation_kwargs={{{path[-1]!r}: ...}}{'' if is_of_llm else ' of its `llm`'}"
    inner = f"generation_kwargs: {{{path[-1]}: ...}}"
    return f"put it in generation_kwargs, as `{path[0] if is_of_llm else 'llm'}: {{{inner}}}`"


def _example(kind: type[Model], given: Any) -> str:
    """How a model of this kind is written, the one that is named if there is one of that name."""
    given = given.get("use") if isinstance(given, dict) else given
    name = given if isinstance(given, str) and given in registry.names(kind.kind) else kind.example
    try:
        fields = getattr(registry.resolve(name, kind.kind), "model_fields", {})
    except registry.UnknownComponent:  # of a plugin that cannot be imported
        fields = {}
    needs = [field for field, one in fields.items() if one.is_required()]
    return ", ".join([name, *(f"{field}: ..." for field in needs)])


def _kinds(annotation: Any) -> list[str]:
    """What a union of plain types accepts, in words."""
    plain = {str: "text", int: "a whole number", float: "a number", bool: "true or false", list: "a list", dict: "a mapping"}
    plain[SecretStr] = "text"
    bare = [kind.__origin__ if get_origin(kind) is Annotated else kind for kind in get_args(annotation)]
    kinds = [get_origin(kind) or kind for kind in bare if kind is not type(None)]
    return list(dict.fromkeys(plain[kind] for kind in kinds)) if len(kinds) > 1 and all(kind in plain for kind in kinds) else []


def may_hold_key(path: tuple[str, ...]) -> bool:
    """Whether the value there may be a key, which no message repeats."""
    return any(may_name_key(part) or "headers" in part.lower() for part in path)


def _may_hold_key_inside(value: Any) -> bool:
    """Whether a value is an address with a user, or with parameters."""
    return isinstance(value, str) and "://" in value and ("@" in value or "?" in value)


def _shown(path: tuple[str, ...], value: Any) -> str:
    """The value that was seen, unless it may hold a key."""
    items = value if isinstance(value, list) else [value]
    if may_hold_key(path) or any(isinstance(item, (dict, list)) or _may_hold_key_inside(item) for item in items):
        return ""
    return f"; seen {quoted(value)}"


def _description(found: type[BaseModel], path: tuple[str, ...]) -> str:
    field = found.model_fields.get(path[0]) if len(path) == 1 else None
    return f" ({field.description.rstrip('.')})" if field and field.description else ""


def _fields_at(found: type[BaseModel], path: tuple[str, ...], given: Mapping[str, Any]) -> list[str]:
    """Parameters that exist where an unknown one was given."""
    if len(path) == 1:
        return [name for name in found.model_fields if name not in getattr(found, "PLACEMENT", ())]
    inner, kind = given.get(path[0]), models_of(found).get(path[0])
    if len(path) == 2 and kind is not None and isinstance(inner, dict):
        model = registry.resolve(str(inner.get("use")), kind.kind)
        return list(model.model_fields) if issubclass(model, BaseModel) else []
    return []


def words(detail: Mapping[str, Any]) -> str:
    """What pydantic says about a value, as a person would."""
    if detail["type"] == "string_pattern_mismatch":
        return "may hold letters, digits, - and _ (up to 80), and starts with a letter or digit"
    said = str(detail["msg"]).removeprefix("Value error, ").removeprefix("Input ")
    said = said.replace("a valid string", "text").replace("a valid integer", "a whole number")
    said = said.replace("a valid boolean", "true or false").replace("valid dictionary", "mapping")
    return re.sub(r"\ba valid (?=[aeiou])", "an ", said).replace("valid ", "")


def remedy(detail: Mapping[str, Any]) -> str:
    """What to do about a value that does not fit."""
    kind, value = str(detail["type"]), detail["input"]
    if kind == "string_type":
        return f"write it in quotes: {str(value)!r}" if isinstance(value, (bool, int, float)) else "write one text"
    starts = {
        "string_pattern": "choose another name",
        "int": "write a whole number",
        "float": "write a number",
        "bool": "write true or false",
        "list": "write a list: [a, b]",
        "dict": "write a mapping: {name: value}",
        "model": "write a mapping: {name: value}",
        "greater": "choose a larger number",
        "less": "choose a smaller number",
        "literal": "choose one of those",
        "too_short": "add to it",
        "too_long": "take some out",
        "string_too_long": "shorten it",
        "extra": "remove it",
        "missing": "add it",
    }
    return next((fix for start, fix in starts.items() if kind.startswith(start)), "write another value")
