"""distilabel's `pipeline.yaml` as one of ours.

Nothing of such a file is imported or evaluated: a class of distilabel's own modules stands for ours of the same name, and all
others stay in the pipeline as classes that are not there, with their parameters, so that nothing is lost and `plan` names them.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from pydantic import BaseModel

from flows.plan.planned import batch_size_field
from steps import registry
from steps.base import BaseStep
from steps.errors import SpecError
from steps.secrets import has_key, referred
from steps.tasks.base import Task
from steps.wording import quoted

KEY = "distilabel"
"""What the top of such a file says."""

_THEIRS = "distilabel."
"""What their own modules start with. A class of those is ours of the same name, where there is one."""
_OLD_NAMES = {"CombineColumns": "GroupColumns"}


class _Server(NamedTuple):
    """A class of distilabel that asks a server which speaks OpenAI's protocol: our OpenAILLM with this address and key."""

    url: str | None
    key: str
    model: tuple[str, ...] = ("model",)
    address: tuple[str, ...] = ("base_url",)


SERVERS = {
    ("openai", "OpenAILLM"): _Server(None, "OPENAI_API_KEY"),
    ("anyscale", "AnyscaleLLM"): _Server("https://api.endpoints.anyscale.com/v1", "ANYSCALE_API_KEY"),
    ("together", "TogetherLLM"): _Server("https://api.together.xyz/v1", "TOGETHER_API_KEY"),
    ("groq", "GroqLLM"): _Server("https://api.groq.com/openai/v1", "GROQ_API_KEY"),
    ("mistral", "MistralLLM"): _Server("https://api.mistral.ai/v1", "MISTRAL_API_KEY", address=()),
    ("ollama", "OllamaLLM"): _Server("http://localhost:11434/v1", "", address=("host",)),
    ("vllm", "ClientvLLM"): _Server("http://localhost:8000/v1", ""),
    ("huggingface.inference_endpoints", "InferenceEndpointsLLM"): _Server(
        "https://router.huggingface.co/v1", "HF_TOKEN", model=("model_id", "model_display_name")
    ),
}
_LLM_MODULES = ("distilabel.models.llms.", "distilabel.llms.")
_LEFT_OUT = {"type_info", "runtime_parameters_info", "name", "use_cache", "resources", "input_mappings", "output_mappings"}
_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "batch_size": (50,),
    "input_batch_size": (50,),
    "use_default_structured_output": (False,),
    "use_offline_batch_generation": (False,),
    "use_magpie_template": (False,),
    "disable_cuda_device_placement": (False,),
    "cuda_devices": ("auto",),
    "follow_redirects": (True,),
    "endpoint": ("https://api.mistral.ai",),
    "max_concurrent_requests": (64,),
    "timeout": (120, 120.0),
    "max_retries": (6,),
}
"""What distilabel's own parameters are where nobody set them."""
_NAME_CHARS = re.compile(r"[^A-Za-z0-9_\-]+")
_SECRET = re.compile(r"api[-_]?key|token$|secret|password|authorization|cookie", re.IGNORECASE)
_NOT_SECRET = re.compile(r"step_token|special_token|max.*token|eos_token|pad_token|bos_token", re.IGNORECASE)


@dataclass(slots=True)
class Converted:
    """A pipeline of theirs as data of ours, and what to know of it: what was not carried over, and what to do."""

    data: dict[str, Any]
    notes: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    """Classes that are not there, as the file calls them."""


def is_theirs(data: Any) -> bool:
    """Whether this is the data of a distilabel pipeline file."""
    return isinstance(data, dict) and KEY in data and isinstance(data.get("pipeline"), dict)


def convert(data: Mapping[str, Any]) -> Converted:
    """The data of a distilabel pipeline, as that of one of ours.

    Raises:
        SpecError: Its steps or connections are not what distilabel writes.
    """
    return _Conversion().pipeline(data)


class _Conversion:
    def __init__(self) -> None:
        self.found = Converted({})
        self._names: dict[str, str] = {}

    def pipeline(self, data: Mapping[str, Any]) -> Converted:
        inside = data["pipeline"]
        steps = _listed(inside, "steps")
        for step in steps:
            self._name(step)
        ours: dict[str, Any] = {"distilflow": 1, "name": _fitting(str(inside.get("name") or ""), "pipeline")}
        if isinstance(about := inside.get("description"), str) and about.strip():
            ours["description"] = about
        after = self._connections(inside)
        ours["steps"] = [self._step(step, after) for step in steps]
        if routing := dict(filter(None, map(self._router, _listed(inside, "routing_batch_functions")))):
            ours["routing"] = routing
        self.found.data = ours
        return self.found

    def _name(self, step: Mapping[str, Any]) -> None:
        theirs = str(step.get("name") or _fields_of(step).get("name") or "step")
        name, at = _fitting(theirs, "step"), 1
        taken = set(self._names.values())
        while name in taken:
            at += 1
            name = f"{_fitting(theirs, 'step')[:70]}_{at}"
        if theirs in self._names:
            raise SpecError(f"two steps are called {quoted(theirs)}", "rename one of them, in its connections too")
        if name != theirs:
            self._note(f"step {quoted(theirs)} is called {name!r} here: names hold letters, digits, '-' and '_'")
        self._names[theirs] = name

    def _connections(self, inside: Mapping[str, Any]) -> dict[str, list[str]]:
        after: dict[str, list[str]] = {}
        for connection in _listed(inside, "connections"):
            source, targets = str(connection.get("from")), connection.get("to") or []
            for target in map(str, targets if isinstance(targets, list) else [targets]):
                if source not in self._names or target not in self._names:
                    self._note(
                        f"the connection from {quoted(source)} to {quoted(target)} was left out: one of them is not there"
                    )
                    continue
                after.setdefault(self._names[target], []).append(self._names[source])
        return after

    def _step(self, step: Mapping[str, Any], after: Mapping[str, list[str]]) -> dict[str, Any]:
        fields = _fields_of(step)
        name = self._names[str(step.get("name") or fields.get("name") or "step")]
        module, theirs = _type_of(fields)
        use, found = self._class(module, theirs)
        ours: dict[str, Any] = {"name": name, "use": use}
        if name in after:
            ours["after"] = list(dict.fromkeys(after[name]))
        params = self._params(fields, found, name)
        if params:
            ours["with"] = params
        for key in ("input_mappings", "output_mappings"):
            if fields.get(key):
                ours[key] = fields[key]
        if resources := _resources(fields.get("resources")):
            ours["resources"] = resources
        if use in ("LoadDataFromDicts", "DataSampler") and found and "data" not in params:
            self._note(f"step {name!r}: distilabel leaves the rows of {use} out of the file; enter them in `data`")
        if size := _batch_size(fields, found):
            ours["batch_size"] = size
        return ours

    def _class(self, module: str, theirs: str) -> tuple[str, type[BaseStep] | None]:
        """What to write after `use`, and our class if there is one."""
        name = _OLD_NAMES.get(theirs, theirs)
        if module.startswith(_THEIRS) and name in registry.names("steps"):
            found = registry.resolve(name)
            assert issubclass(found, BaseStep)
            return name, found
        return self._unknown(module, theirs), None

    def _unknown(self, module: str, theirs: str) -> str:
        """A class that is not there: one of theirs by its name, one of somebody's own by its module too."""
        self.found.unknown.append(theirs)
        return (theirs if module.startswith(_THEIRS) else f"{module}:{theirs}")[:300]

    def _params(self, fields: Mapping[str, Any], found: type[BaseStep] | None, name: str) -> dict[str, Any]:
        params = {}
        for key, value in fields.items():
            if key in _LEFT_OUT or key in ("batch_size", "input_batch_size"):
                continue
            if isinstance(value, Mapping) and "type_info" in value:
                params[key] = self._model(value, name)
            elif not _is_default(key, value, found):
                params[key] = self._safe(key, value, name)
        return params

    def _model(self, fields: Mapping[str, Any], step: str) -> dict[str, Any]:
        module, theirs = _type_of(fields)
        part = next((module.removeprefix(start) for start in _LLM_MODULES if module.startswith(start)), "")
        server = SERVERS.get((part, theirs))
        if server is None:
            kind = next((kind for kind in registry.MODELS if theirs in registry.names(kind)), None)
            found = registry.resolve(theirs, kind) if kind and module.startswith(_THEIRS) else None
            use = theirs if found else self._unknown(module, theirs)
            kept = {key: self._safe(key, value, step) for key, value in fields.items() if not _is_default(key, value, found)}
            return {"use": use, **{key: value for key, value in kept.items() if key not in _LEFT_OUT}}
        return self._of_server(dict(fields), theirs, server, step)

    def _of_server(self, fields: dict[str, Any], theirs: str, server: _Server, step: str) -> dict[str, Any]:
        """A model behind a server that speaks OpenAI's protocol."""
        ours: dict[str, Any] = {"use": "OpenAILLM"}
        models = [fields.pop(key, None) for key in server.model]
        if model := next((model for model in models if isinstance(model, str) and model), None):
            ours["model"] = model
        url = next((url for key in server.address if isinstance(url := fields.pop(key, None), str) and url), None)
        if url and theirs == "OllamaLLM":
            url = f"{url.rstrip('/')}/v1"
        url = (url or server.url or "").rstrip("/")
        if url and url != "https://api.openai.com/v1":
            ours["base_url"] = url
        given = fields.pop("api_key", None)
        if server.key and (given is not None or server.key != "OPENAI_API_KEY"):
            ours["api_key"] = given if isinstance(given, str) and referred(given) else f"${{{server.key}}}"
            if given is not None and ours["api_key"] != given:
                self._note(f"step {step!r}: the key in the file was not carried over; set ${server.key}")
        if (structure := fields.pop("structured_output", None)) and isinstance(structure, Mapping):
            ours["structured_output"] = _structured(structure)
        if theirs == "InferenceEndpointsLLM":
            fields.pop("tokenizer_id", None)
        for key, value in fields.items():
            if key not in _LEFT_OUT and not _is_default(key, value, registry.resolve("OpenAILLM", "llms")):
                ours[key] = self._safe(key, value, step)
        return ours

    def _router(self, entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        step = self._names.get(str(entry.get("step")))
        if step is None:
            self._note(f"the routing after {quoted(entry.get('step'))} was left out: there is no such step")
            return None
        info = entry.get("type_info")
        if not isinstance(info, Mapping) or not info.get("name"):
            self._note(f"step {step!r}: distilabel did not write which routing it has; choose a router, such as sample_n_steps")
            return None
        module, theirs = str(info.get("module")), str(info["name"])
        is_there = module.startswith(_THEIRS) and theirs in registry.names("routers")
        use = theirs if is_there else self._unknown(module, theirs)
        kwargs = info.get("kwargs")
        return step, {"use": use, **({"with": dict(kwargs)} if isinstance(kwargs, Mapping) and kwargs else {})}

    def _safe(self, key: str, value: Any, step: str) -> Any:
        """A value without keys in it: they become references to a variable of the environment."""
        if isinstance(value, Mapping):
            return {str(name): self._safe(str(name), one, step) for name, one in value.items() if name not in _TYPES}
        if isinstance(value, list):
            return [self._safe(key, one, step) for one in value]
        if not isinstance(value, str) or not value or referred(value):
            return value
        if (_SECRET.search(key) and not _NOT_SECRET.search(key)) or has_key(value):
            variable = re.sub(r"\W", "_", key).upper()
            self._note(f"step {step!r}: `{key[:40]}` was not carried over; set ${variable}")
            return f"${{{variable}}}"
        return value

    def _note(self, text: str) -> None:
        if text not in self.found.notes:
            self.found.notes.append(text)


_TYPES = {"type_info", "runtime_parameters_info"}


def _listed(inside: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = inside.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise SpecError(f"`pipeline.{key}` of this distilabel file is no list of mappings", "export it from distilabel again")
    return value


def _fields_of(step: Mapping[str, Any]) -> dict[str, Any]:
    fields = step.get("step")
    if not isinstance(fields, dict):
        raise SpecError(f"a step of this distilabel file has no `step`: it has {sorted(step)[:9]}", "export it again")
    return fields


def _type_of(fields: Mapping[str, Any]) -> tuple[str, str]:
    info = fields.get("type_info")
    if not isinstance(info, Mapping) or not info.get("name"):
        return _THEIRS, "Unknown"
    return str(info.get("module") or "")[:200], str(info["name"])[:90]


def _fitting(name: str, otherwise: str) -> str:
    """A name that steps and pipelines can have."""
    return _NAME_CHARS.sub("_", name).lstrip("_-")[:80] or otherwise


def _is_default(key: str, value: Any, found: type | None) -> bool:
    """Whether a parameter says nothing: it is empty, or what it would be anyway. `found`: our class, if there is one."""
    if value is None or (isinstance(value, (dict, list)) and not value):
        return True
    known = found.model_fields.get(key) if found is not None and issubclass(found, BaseModel) else None
    if known is None:
        return value in _DEFAULTS.get(key, ()) and type(value) in map(type, _DEFAULTS.get(key, ()))
    default = known.get_default(call_default_factory=True, validated_data={})
    if key in ("use_default_structured_output",):
        return value is False
    return bool(value == default or value == [default])


def _batch_size(fields: Mapping[str, Any], found: type[BaseStep] | None) -> int | None:
    """What is written beside `use`. Steps that ask a model take rows as they come."""
    value = next((fields[key] for key in ("batch_size", "input_batch_size") if isinstance(fields.get(key), int)), None)
    if value is None or value < 1 or value in _DEFAULTS["batch_size"]:
        return None
    return None if found and (issubclass(found, Task) or not batch_size_field(found)) else value


def _resources(given: Any) -> dict[str, Any]:
    if not isinstance(given, Mapping):
        return {}
    kept = {key: value for key, value in given.items() if key in ("replicas", "cpus", "gpus", "memory", "resources")}
    return {key: value for key, value in kept.items() if value is not None and (key, value) != ("replicas", 1)}


def _structured(given: Mapping[str, Any]) -> dict[str, Any]:
    kind = given.get("format") or ("regex" if isinstance(given.get("schema"), str) else "json")
    return {"format": kind, **({"schema": given["schema"]} if given.get("schema") is not None else {})}
