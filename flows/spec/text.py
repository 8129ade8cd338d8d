"""Pipeline text to plain data and back: YAML or JSON, with limits, and exact in both directions.

Scalars are read by the rules of YAML 1.2: `no`, `on`, `012`, `1_000` and dates stay text, as do all keys. YAML 1.1 would make
booleans, octal numbers and dates of them, which surprises people. Texts that either version would change are written quoted.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import yaml

from steps.errors import SpecError
from steps.secrets import REFERENCE
from steps.wording import quoted

MAX_BYTES = 10_000_000
MAX_VALUES = 1_000_000
MAX_DEPTH = 60

_LOADER: Any = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)|0x[0-9a-fA-F]+|0o[0-7]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_NOT_FINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")
_BARE_REFERENCE = re.compile(rf"[\[{{,:]\s*{REFERENCE}")
_WORDS = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL"), None),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
}
_TAG = "tag:yaml.org,2002:"
_HARMLESS = {"seq": "python/tuple", "map": "python/object:pydantic.types.SecretStr"}
"""Tags that distilabel writes beside lists and keys. Nothing is made of them: a tuple is a list, and a key a mapping."""


class Duplicate(NamedTuple):
    """A key that stands twice in one mapping. `line` is 0 where the lines are not known (JSON)."""

    key: str
    line: int


def parse(text: str) -> tuple[Any, list[Duplicate]]:
    """The data of a YAML or JSON text, and the keys that stand twice in one mapping.

    Raises:
        SpecError: It is neither, or larger or deeper than a pipeline can be.
    """
    if len(text) > MAX_BYTES or len(text.encode("utf-8", "surrogatepass")) > MAX_BYTES:
        raise _too_large()
    text = text.removeprefix("\ufeff")
    try:
        parsed = _parse_json(text) if text.lstrip().startswith("{") else None
        return parsed or _parse_yaml(text)
    except yaml.MarkedYAMLError as error:
        raise _not_yaml(error, text) from error
    except (yaml.YAMLError, UnicodeError) as error:
        raise SpecError(f"this is not YAML: {str(error).splitlines()[0]}", "save it as UTF-8 text") from error
    except RecursionError as error:
        raise _too_deep() from error


def plain_value(text: str) -> Any:
    """What a word without quotes stands for."""
    if text in _WORDS:
        return _WORDS[text]
    if _INT.fullmatch(text):
        if len(text) > 30:
            raise SpecError(f"the number {quoted(text)} does not fit 64 bits", "write it as text, in quotes")
        return int(text, 0 if text[:2] in ("0x", "0o") else 10)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _NOT_FINITE.fullmatch(text):
        return float(text.replace(".", "", 1))
    return text


def check_data(data: Any) -> None:
    """Check that this is what JSON can hold, and no larger or deeper than a pipeline can be.

    Raises:
        SpecError: It is not.
    """
    waiting: list[tuple[Any, int]] = [(data, 0)]
    total = letters = 0
    while waiting:
        value, depth = waiting.pop()
        total += 1
        if total > MAX_VALUES:
            raise _too_many()
        if depth > MAX_DEPTH:
            raise _too_deep()
        match value:
            case str():
                letters += len(value)
                _check_text(value)
            case bool() | float() | None:
                pass
            case int():
                if not -(2**63) <= value < 2**64:
                    number = hex(value)  # no limit to the digits, as decimal numbers have
                    raise SpecError(f"the number {number[:20]}... does not fit 64 bits", "write it as text, in quotes")
            case list() | tuple():
                waiting.extend((item, depth + 1) for item in value)
            case dict():
                for key, inner in value.items():
                    if not isinstance(key, str):
                        raise SpecError(f"the key {quoted(key)} is not text", "write it in quotes")
                    letters += len(key)
                    _check_text(key)
                    waiting.append((inner, depth + 1))
            case _:
                raise SpecError(
                    f"a pipeline cannot hold a {type(value).__name__}", "use text, numbers, booleans, lists and mappings"
                )
        if letters > MAX_BYTES:
            raise _too_large()


def _check_text(text: str) -> None:
    if not text.isascii():
        try:
            text.encode("utf-8")
        except UnicodeEncodeError as error:
            raise SpecError(f"the text {quoted(text)} holds half of a character (a surrogate)", "mend the text") from error


def _not_yaml(error: yaml.MarkedYAMLError, text: str) -> SpecError:
    said, mark = error.problem or error.context, error.problem_mark or error.context_mark
    if mark is None:
        return SpecError(f"this is not YAML: {said}", "check indents and quotes")
    lines = text.split("\n", mark.line + 1)
    if mark.line < len(lines) and re.match(r" *\t", lines[mark.line]):
        return SpecError(f"line {mark.line + 1} is indented with a tab", "indent with spaces")
    fix = "check indents and quotes there"
    if mark.line < len(lines) and _BARE_REFERENCE.search(lines[mark.line]):
        fix = 'between [] or {} a reference needs quotes: "${NAME}"'
    return SpecError(f"this is not YAML: {said} (line {mark.line + 1}, column {mark.column + 1})", fix)


def _too_deep() -> SpecError:
    return SpecError(f"it nests deeper than {MAX_DEPTH} levels", "keep data in files of its own")


def _too_large() -> SpecError:
    return SpecError(f"it has more than {MAX_BYTES / 1e6:.0f} MB", "keep data in files of its own")


def _too_many() -> SpecError:
    return SpecError(f"it has more than {MAX_VALUES:,} values", "keep data in files of its own")


# ---- JSON


def _parse_json(text: str) -> tuple[Any, list[Duplicate]] | None:
    """None when it is not JSON: YAML has mappings in braces too."""
    duplicates: list[Duplicate] = []

    def mapping(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) < len(pairs):
            seen: set[str] = set()
            duplicates.extend(Duplicate(key, 0) for key, _ in pairs if key in seen or seen.add(key))  # type: ignore[func-returns-value]
        return found

    try:
        return json.loads(text, object_pairs_hook=mapping, parse_int=plain_value), duplicates
    except json.JSONDecodeError:
        return None


# ---- YAML


@dataclass(slots=True)
class _Open:
    """A list or mapping that is being read."""

    value: list[Any] | dict[str, Any]
    anchor: str | None
    before: int
    key: str | None = None
    merged: list[dict[str, Any]] = field(default_factory=list)
    is_merge: bool = False


class _Reader:
    """Builds data from YAML's events, without recursion. Refuses text that grows when its aliases are followed."""

    def __init__(self) -> None:
        self.result: Any = None
        self.duplicates: list[Duplicate] = []
        self._open: list[_Open] = []
        self._anchors: dict[str, tuple[Any, int]] = {}
        self._total = 0
        self._documents = 0

    def read(self, events: Iterator[Any]) -> Any:
        for event in events:
            match event:
                case yaml.ScalarEvent():
                    self._scalar(event)
                case yaml.AliasEvent():
                    self._alias(event)
                case yaml.CollectionStartEvent():
                    self._begin(event)
                case yaml.CollectionEndEvent():
                    self._end()
                case yaml.DocumentStartEvent():
                    self._documents += 1
                    if self._documents > 1:
                        raise SpecError(f"a second document starts in {_line(event)}", "take out the `---` before it")
        return self.result

    def _scalar(self, event: Any) -> None:
        self._count(1)
        if self._needs_key():
            self._take_key(event.value, event, is_merge=event.value == "<<" and event.implicit[0])
            value: Any = event.value
        else:
            value = _scalar_value(event)
            self._add(value)
        if event.anchor:
            self._anchors[event.anchor] = (value, 1)

    def _alias(self, event: Any) -> None:
        if event.anchor not in self._anchors:
            inside = any(part.anchor == event.anchor for part in self._open)
            what = "stands inside what it refers to" if inside else "refers to nothing"
            raise SpecError(f"`*{event.anchor}` in {_line(event)} {what}", "write the value itself, or quote the text")
        value, size = self._anchors[event.anchor]
        self._count(size)
        if not self._needs_key():
            self._add(value)
        elif isinstance(value, (dict, list)):
            raise SpecError(f"the key in {_line(event)} is not text", "keys are text")
        else:
            self._take_key(str(value), event)

    def _begin(self, event: Any) -> None:
        if self._needs_key():
            raise SpecError(f"the key in {_line(event)} is not text", "keys are text")
        kind = "map" if isinstance(event, yaml.MappingStartEvent) else "seq"
        if event.tag not in (None, "!", _TAG + kind, _TAG + _HARMLESS[kind]):
            raise _refused_tag(event)
        if len(self._open) >= MAX_DEPTH:
            raise _too_deep()
        self._open.append(_Open({} if kind == "map" else [], event.anchor, self._total))
        self._count(1)

    def _end(self) -> None:
        done = self._open.pop()
        value: Any = done.value
        if isinstance(value, dict) and done.merged:
            value = {key: inner for part in reversed(done.merged) for key, inner in part.items()} | value
        if done.anchor:
            self._anchors[done.anchor] = (value, self._total - done.before)
        self._add(value)

    def _needs_key(self) -> bool:
        return bool(self._open) and isinstance(self._open[-1].value, dict) and self._open[-1].key is None

    def _take_key(self, key: str, event: Any, *, is_merge: bool = False) -> None:
        into = self._open[-1]
        into.key, into.is_merge = key, is_merge
        if not is_merge and key in into.value:
            self.duplicates.append(Duplicate(key, event.start_mark.line + 1))

    def _add(self, value: Any) -> None:
        if not self._open:
            self.result = value
            return
        into = self._open[-1]
        if isinstance(into.value, list):
            into.value.append(value)
        elif into.is_merge:
            parts = value if isinstance(value, list) else [value]
            if not all(isinstance(part, dict) for part in parts):
                raise SpecError("`<<` stands before something that is no mapping", "write `<<: *name` of a mapping")
            into.merged += parts
            into.key, into.is_merge = None, False
        else:
            assert into.key is not None
            into.value[into.key] = value
            into.key = None

    def _count(self, values: int) -> None:
        self._total += values
        if self._total > MAX_VALUES:
            raise _too_many()


def _parse_yaml(text: str) -> tuple[Any, list[Duplicate]]:
    reader = _Reader()
    return reader.read(yaml.parse(text, Loader=_LOADER)), reader.duplicates


def _scalar_value(event: Any) -> Any:
    if event.tag in (None, "!", _TAG + "str"):
        return plain_value(event.value) if event.implicit[0] else event.value
    value = plain_value(event.value)
    kinds = {"int": int, "float": (int, float), "bool": bool, "null": type(None)}
    if not isinstance(value, kinds.get(event.tag.removeprefix(_TAG), ())):  # type: ignore[arg-type]
        raise _refused_tag(event)
    return value


def _refused_tag(event: Any) -> SpecError:
    tag = event.tag.replace(_TAG, "!!")
    return SpecError(f"the tag {quoted(tag)[1:-1]} in {_line(event)} is not allowed", "write plain values, without a tag")


def _line(event: Any) -> str:
    return f"line {event.start_mark.line + 1}"


# ---- writing


def write_yaml(data: Any) -> str:
    """The text that `parse` reads back exactly.

    Raises:
        SpecError: The data is larger, deeper or of other types than `parse` would take.
    """
    check_data(data)
    text: str = yaml.dump(data, Dumper=_Dumper, sort_keys=False, allow_unicode=True, width=110)
    if len(text.encode()) > MAX_BYTES:
        raise _too_large()
    return text


class _Dumper(yaml.SafeDumper):
    """Long texts as blocks, short lists on one line."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


_AS_BLOCK = re.compile(r"(?:[^\s\x00-\x1f\x7f-\x9f\u2028\u2029\ufeff][^\x00-\x09\x0b-\x1f\x7f-\x9f\u2028\u2029\ufeff]*)")
_ODD_BREAK = re.compile(r"[\r\x85\u2028\u2029]")
_SPACE_AT_END = re.compile(r"[ \t]+(?:\n|$)")


def _represent_text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    style = '"' if _ODD_BREAK.search(text) else None
    if "\n" in text:
        style = "|" if _AS_BLOCK.fullmatch(text) and not _SPACE_AT_END.search(text) else '"'
    return dumper.represent_scalar(_TAG + "str", text, style=style)


def _represent_list(dumper: yaml.SafeDumper, items: list[Any]) -> yaml.Node:
    is_short = (
        len(items) < 80
        and all(isinstance(item, (str, int, float)) and "\n" not in str(item) for item in items)
        and sum(len(str(item)) for item in items) < 80
    )
    return dumper.represent_sequence(_TAG + "seq", items, flow_style=is_short)


_Dumper.add_representer(str, _represent_text)
_Dumper.add_representer(list, _represent_list)
for _expression, _first in ((_FLOAT, "-+.0123456789"), (_INT, "0")):  # what YAML 1.1 takes for text and 1.2 for a number
    _Dumper.add_implicit_resolver(_TAG + "float", re.compile(f"^(?:{_expression.pattern})$"), list(_first))
