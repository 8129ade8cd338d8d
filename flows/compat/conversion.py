"""distilabel's `pipeline.yaml` as one of ours.

Nothing of such a file is imported or evaluated: a class of distilabel's own modules stands for ours of the same name, and all
others stay in the pipeline as classes that are not there, with their parameters, so that nothing is lost and `plan` names them.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any, get_args
from urllib.parse import urlsplit

from pydantic import BaseModel

from flows.compat.keys import Keys
from flows.compat.servers import (
    ADDRESS,
    MODULES,
    OTHER_NAMES,
    SERVERS,
    TOKENIZER,
    embeddings_of,
    sampling,
    structure,
    template_name,
)
from flows.plan.planned import batch_size_field
from flows.spec.reading import check_length
from steps import registry
from steps.base import BaseStep
from steps.errors import SpecError
from steps.providers import Provider
from steps.secrets import referred
from steps.tasks.base import Task
from steps.wording import listed, quoted

KEY = "distilabel"
"""What the top of such a file says."""
MOST_NOTES = 200

_THEIRS = "distilabel."
"""What their own modules start with. A class of those is ours of the same name, where there is one."""
_OLD_NAMES = {"CombineColumns": "GroupColumns"}
_TYPES = {"type_info", "runtime_parameters_info"}
_PLACES = {"name", "use_cache", "resources", "input_mappings", "output_mappings", "batch_size", "input_batch_size"}
"""Fields of a step that are no parameters here."""
_DEFAULTS: dict[str, tuple[Any, ...]] = {
    "batch_size": (50,),
    "input_batch_size": (50,),
    "use_offline_batch_generation": (False,),
    "use_magpie_template": (False,),
    "disable_cuda_device_placement": (False,),
    "cuda_devices": ("auto",),
    "follow_redirects": (True,),
    "skip_tokenizer_init": (False,),
    "max_concurrent_requests": (64,),
    "timeout": (120, 120.0),
    "max_retries": (6,),
}
"""What distilabel's own parameters are where nobody set them."""
_ENFORCED = ("TextClassification", "TextClustering")
"""Tasks of distilabel that use a structured output unless told otherwise."""
_NAME_CHARS = re.compile(r"[^A-Za-z0-9_\-]+")


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


_OF_OTHER_TASKS = {"llm", "add_raw_input", "add_raw_output", "use_default_structured_output", "save_artifacts"}
"""What distilabel's files have of ImageGeneration, and says nothing here."""


class _Conversion:
    def __init__(self) -> None:
        self.found = Converted({})
        self._names: dict[str, str] = {}
        self._taken: dict[str, int] = {}
        """How often a name was wanted, by the name."""
        self._notes: dict[str, None] = {}
        self._left_out = 0
        self._keys = Keys(lambda step, key, fix: self._note(f"step {step!r}: `{key[:40]}` was not carried over{fix}"))

    def pipeline(self, data: Mapping[str, Any]) -> Converted:
        inside = data["pipeline"]
        steps = _listed(inside, "steps")
        check_length(steps)
        for step in steps:
            self._name(step)
        ours: dict[str, Any] = {"distilflow": 1, "name": _fitting(self._keys.text(str(inside.get("name") or "")), "pipeline")}
        if isinstance(about := inside.get("description"), str) and about.strip():
            ours["description"] = self._keys.text(about)
        after = self._connections(inside)
        ours["steps"] = [self._step(step, after) for step in steps]
        if routing := dict(filter(None, map(self._router, _listed(inside, "routing_batch_functions")))):
            ours["routing"] = routing
        self._note_surroundings(data, inside)
        self.found.data = ours
        self.found.notes = [*self._notes]
        if self._left_out:
            self.found.notes.append(f"and {self._left_out:,} more of these")
        return self.found

    def _note_surroundings(self, data: Mapping[str, Any], inside: Mapping[str, Any]) -> None:
        packages = data.get("requirements")
        named = [self._keys.text(str(one)) for one in packages] if isinstance(packages, list) else []
        if wanted := listed(one for one in named if not one.startswith(KEY)):
            self._note(f"the packages that it requires are not installed by themselves: {wanted}")
        if isinstance(inside.get("type_info"), Mapping) and inside["type_info"].get("name") == "RayPipeline":
            self._note("Ray was not carried over: `pool` and `resources` say where steps run")

    def _name(self, step: Mapping[str, Any]) -> None:
        theirs = _name_of(step)
        if theirs in self._names:
            raise SpecError(f"two steps are called {self._shown(theirs)}", "rename one of them, in its connections too")
        wanted = name = _fitting(self._keys.text(theirs), "step")
        while name in self._taken:
            self._taken[wanted] += 1
            name = f"{wanted[:70]}_{self._taken[wanted]}"
        self._taken[name] = 1
        if name != theirs:
            self._note(f"step {self._shown(theirs)} is called {name!r} here: names hold letters, digits, '-' and '_'")
        self._names[theirs] = name

    def _connections(self, inside: Mapping[str, Any]) -> dict[str, list[str]]:
        after: dict[str, list[str]] = {}
        for connection in _listed(inside, "connections"):
            source, targets = str(connection.get("from")), connection.get("to") or []
            for target in map(str, targets if isinstance(targets, list) else [targets]):
                if source not in self._names or target not in self._names:
                    ends = f"from {self._shown(source)} to {self._shown(target)}"
                    self._note(f"the connection {ends} was left out: one of them is not there")
                    continue
                after.setdefault(self._names[target], []).append(self._names[source])
        return after

    def _step(self, step: Mapping[str, Any], after: Mapping[str, list[str]]) -> dict[str, Any]:
        fields = _fields_of(step)
        name = self._names[_name_of(step)]
        module, theirs = self._type_of(fields)
        use, found = self._class(module, theirs, f"step {name!r}")
        ours: dict[str, Any] = {"name": name, "use": use}
        if name in after:
            ours["after"] = list(dict.fromkeys(after[name]))
        params = self._params(fields, found, name)
        if use in ("LoadDataFromDicts", "DataSampler") and found and "data" not in params:
            self._note(f"step {name!r}: distilabel leaves the rows of {use} out of the file; enter them in `data`")
            params["data"] = []
        if use == "GenerateEmbeddings" and isinstance(llm := params.pop("llm", None), dict):
            params["embeddings"] = model = embeddings_of(llm)
            how = "puts the states of tokens together as the model says, where distilabel takes that of the last one"
            self._note(f"step {name!r}: `llm` is `embeddings` here: {model['use']} {how}")
        if use == "ImageGeneration" and (unused := _OF_OTHER_TASKS & params.keys()):
            params = {key: value for key, value in params.items() if key not in unused}
            about = "`image_generation_model` is the model, and the rows hold the pictures"
            self._note(f"step {name!r}: {listed(f'`{key}`' for key in sorted(unused))} was left out: {about}")
        if params:
            ours["with"] = params
        for key in ("input_mappings", "output_mappings"):
            if fields.get(key):
                ours[key] = self._keys.names(fields[key])
        if resources := _resources(fields.get("resources")):
            ours["resources"] = self._keys.names(resources)
        if isinstance(resources, dict) and resources.get("gpus") and found and not issubclass(found, Task):
            ours["pool"] = "gpu"
        if fields.get("use_cache") is False:
            self._note(
                f"step {name!r}: `use_cache: false` was left out; a new run makes its rows anew, unless told to reuse some"
            )
        self._set_batch_size(ours, fields, found)
        return ours

    def _set_batch_size(self, ours: dict[str, Any], fields: Mapping[str, Any], found: type[BaseStep] | None) -> None:
        for key in ("batch_size", "input_batch_size"):
            size = fields.get(key)
            if size is None or (type(size) is int and size in _DEFAULTS[key]):
                continue
            if found and (issubclass(found, Task) or not batch_size_field(found)):
                why = "asks a model, and takes" if issubclass(found, Task) else "takes"
                self._note(f"step {ours['name']!r}: `{key}` was left out: it {why} rows as they come")
            else:
                ours.setdefault("batch_size", self._keys.names(size))

    def _class(self, module: str, theirs: str, where: str) -> tuple[str, type[BaseStep] | None]:
        """What to write after `use`, and our class if there is one."""
        name = _OLD_NAMES.get(theirs, theirs)
        if module.startswith(_THEIRS) and name in registry.names("steps"):
            found = registry.resolve(name)
            assert issubclass(found, BaseStep)
            return name, found
        return self._unknown(module, theirs, where), None

    def _unknown(self, module: str, theirs: str, where: str) -> str:
        """A class that is not there: one of theirs by its name, one of somebody's own by its module too."""
        self.found.unknown.append(theirs)
        if module.startswith(_THEIRS):
            self._note(f"{where}: distilabel's {theirs} is not here; docs/migrating.md says what to take instead")
            return theirs
        self._note(f"{where}: {quoted(theirs)} of {quoted(module)} is its author's own; nothing of it was imported")
        return f"{module}:{theirs}"

    def _params(self, fields: Mapping[str, Any], found: type[BaseStep] | None, name: str) -> dict[str, Any]:
        params = {}
        for key, value in fields.items():
            if key in _TYPES or key in _PLACES:
                continue
            value = _values_of_enum(value)
            if (models := self._models(value, name)) is not None:
                params[key] = models
            elif not _is_default(key, value, found):
                is_known = found is not None and key in found.model_fields
                params[self._keys.text(key)] = self._keys.value(key, value, name, is_content=is_known)
        return params

    def _models(self, value: Any, step: str) -> Any:
        """A model, or several: distilabel writes a list of them as a mapping by their numbers. None: it is something else."""
        if not isinstance(value, Mapping):
            return None
        if "type_info" in value:
            return self._model(value, step)
        if value and all(str(key).isdigit() and isinstance(one, Mapping) and "type_info" in one for key, one in value.items()):
            return [self._model(one, step) for one in value.values()]
        return None

    def _model(self, fields: Mapping[str, Any], step: str) -> dict[str, Any]:
        module, theirs = self._type_of(fields)
        part = next((module.removeprefix(start) for start in MODULES if module.startswith(start)), "")
        if server := SERVERS.get((part, theirs)):
            return self._of_server(dict(fields), theirs, server, step)
        kind = next((kind for kind in registry.MODELS if theirs in registry.names(kind)), None)
        found = registry.resolve(theirs, kind) if kind and module.startswith(_THEIRS) else None
        use = theirs if found else self._unknown(module, theirs, f"step {step!r}")
        return {"use": use, **dict(self._kept(fields, found, step))}

    def _kept(self, fields: Mapping[str, Any], found: type | None, step: str) -> Iterator[tuple[str, Any]]:
        """The parameters of a model that somebody set."""
        for key, value in fields.items():
            if key in _TYPES or key == "use":
                continue
            if (models := self._models(value, step)) is not None:
                yield key, models
            elif not _is_default(key, value, found):
                yield self._keys.text(key), self._keys.value(key, value, step)

    def _of_server(self, fields: dict[str, Any], theirs: str, provider: Provider, step: str) -> dict[str, Any]:
        """A model behind a server."""

        def tell(what: str) -> None:
            self._note(f"step {step!r}: {what}")

        ours: dict[str, Any] = {"use": theirs}
        for key in ("model", "model_id"):
            if (model := fields.pop(key, None)) and isinstance(model, str):
                ours[key] = self._keys.text(model)
        self._set_address(ours, fields, provider, tell)
        given = fields.pop("api_key", None)
        usual = provider.key_variables[0]
        if isinstance(given, str) and referred(given):
            if referred(given) != usual or theirs == "OpenAILLM":
                ours["api_key"] = given
        elif given is not None:
            if theirs == "OpenAILLM":
                ours["api_key"] = f"${{{usual}}}"
            tell(f"the key in the file was not carried over; set ${usual}")
        if fields.get("client_name") == "distilabel":
            del fields["client_name"]
        for key in TOKENIZER:
            if fields.pop(key, None) not in (None, "", ours.get("model"), ours.get("model_id")):
                tell(f"`{key}` was left out: the server knows its own tokenizer")
        if fields.get("structured_output"):
            fields["structured_output"] = structure(fields["structured_output"], tell)
        fields["generation_kwargs"] = sampling(theirs, fields.get("generation_kwargs"), tell)
        fields["magpie_pre_query_template"] = template_name(fields.get("magpie_pre_query_template"))
        for key, value in self._kept(fields, registry.resolve(theirs, "llms"), step):
            ours[OTHER_NAMES.get(key, key)] = value
        return ours

    def _set_address(self, ours: dict[str, Any], fields: dict[str, Any], provider: Provider, tell: Any) -> None:
        """The address in the file, unless it is that of the provider itself."""
        given = {key: url for key in ADDRESS if isinstance(url := fields.pop(key, None), str) and url}
        url = next(iter(given.values()), "").rstrip("/")
        if (bare := self._keys.text(url)) != url:
            tell("the key in the address of the server was not carried over")
        if bare and _server_of(bare) != _server_of(provider.address):
            ours["host" if "host" in given else "base_url"] = bare

    def _router(self, entry: Mapping[str, Any]) -> tuple[str, dict[str, Any]] | None:
        step = self._names.get(str(entry.get("step")))
        if step is None:
            self._note(f"the routing after {self._shown(entry.get('step'))} was left out: there is no such step")
            return None
        info = entry.get("type_info")
        if not isinstance(info, Mapping) or not info.get("name"):
            self._note(f"step {step!r}: distilabel did not write which routing it has; choose a router, such as sample_n_steps")
            return None
        module, theirs = self._type_of(entry)
        is_there = module.startswith(_THEIRS) and theirs in registry.names("routers")
        use = theirs if is_there else self._unknown(module, theirs, f"the routing after step {step!r}")
        kwargs = info.get("kwargs")
        return step, {
            "use": use,
            **({"with": self._keys.value("", kwargs, step)} if isinstance(kwargs, dict) and kwargs else {}),
        }

    def _type_of(self, fields: Mapping[str, Any]) -> tuple[str, str]:
        info = fields.get("type_info")
        if not isinstance(info, Mapping) or not info.get("name"):
            return _THEIRS, "Unknown"
        module, name = str(info.get("module") or ""), str(info["name"])
        return self._keys.text(module)[:200], self._keys.text(name)[:90]

    def _shown(self, name: Any) -> str:
        return quoted(self._keys.text(str(name)))  # before it is cut short: half a key looks like none

    def _note(self, text: str) -> None:
        if len(self._notes) < MOST_NOTES:
            self._notes[self._keys.text(text)] = None
        else:
            self._left_out += text not in self._notes


def _listed(inside: Mapping[str, Any], key: str) -> list[dict[str, Any]]:
    value = inside.get(key) or []
    if not isinstance(value, list) or not all(isinstance(one, dict) for one in value):
        raise SpecError(f"`pipeline.{key}` of this distilabel file is no list of mappings", "export it from distilabel again")
    return value


def _fields_of(step: Mapping[str, Any]) -> dict[str, Any]:
    fields = step.get("step")
    if not isinstance(fields, dict):
        raise SpecError(
            f"a step of this distilabel file has no mapping `step`, but {quoted(type(fields).__name__)}", "export it again"
        )
    return fields


def _name_of(step: Mapping[str, Any]) -> str:
    return str(step.get("name") or _fields_of(step).get("name") or "step")


def _fitting(name: str, otherwise: str) -> str:
    """A name that steps and pipelines can have."""
    return _NAME_CHARS.sub("_", name).lstrip("_-")[:80] or otherwise


def _values_of_enum(value: Any) -> Any:
    """What an enum of older releases holds, by name: distilabel evaluates its type, which is not even looked at here."""
    is_enum = isinstance(value, Mapping) and value.get("_type") == "enum"
    return value["_values"] if is_enum and isinstance(value.get("_values"), Mapping) else value


def _is_default(key: str, value: Any, found: type | None) -> bool:
    """Whether a parameter says nothing: it is empty, or what it would be anyway. `found`: our class, if there is one."""
    known = found.model_fields.get(key) if found is not None and issubclass(found, BaseModel) else None
    if known is None or known.is_required():
        others = () if known else _DEFAULTS.get(key, ())
        return value is None or (not known and _is_empty(value)) or (value in others and type(value) in map(type, others))
    default = known.get_default(call_default_factory=True, validated_data={})
    if value is None:  # a text that was taken out, unless None is what distilabel has where we have something else
        return default is None or type(None) not in get_args(known.annotation)
    if key == "use_default_structured_output" and found is not None and found.__name__ not in _ENFORCED:
        return value is False
    return bool(value == default or value == [default]) or (_is_empty(value) and (default is None or _is_empty(default)))


def _is_empty(value: Any) -> bool:
    return isinstance(value, (dict, list)) and not value


def _server_of(url: str) -> str:
    """Host and port of an address; the address itself where it is none."""
    try:
        return urlsplit(url).netloc or url
    except ValueError:
        return url


def _resources(given: Any) -> Any:
    if not isinstance(given, Mapping):
        return given
    return {str(key): value for key, value in given.items() if value is not None and (key, value) != ("replicas", 1)}
