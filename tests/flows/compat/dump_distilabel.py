"""Save the pipelines of `distilabel_pipelines` with distilabel, into `dumps/`. Run by hand, where distilabel is installed:

    python -m venv VENV && VENV/bin/pip install 'distilabel[openai]==1.5.3' argilla 'setuptools<81' requests pillow
    env -i PYTHONPATH=. VENV/bin/python -m tests.flows.compat.dump_distilabel

(`env -i`: some of distilabel's defaults come from the environment.) Each file is what `pipeline.save` writes, less two
things which nobody reads back: `runtime_parameters_info`, which is distilabel's documentation, and the descriptions of
routings. What a pipeline does not set is as distilabel fills it in, so a pipeline here must set the texts that would
otherwise be distilabel's own: the program refuses to write one of those. `rows.json` has the rows, which distilabel leaves
out of its files; `defaults.json` what the parameters of each class are where nobody sets them.

`--theirs FOLDER` writes them elsewhere, with distilabel's own texts in place of ours: to be tried, not to be kept.
"""

from __future__ import annotations

import argparse
import inspect
import json
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from typing import Any

from distilabel.models.embeddings import Embeddings
from distilabel.models.image_generation import ImageGenerationModel
from distilabel.models.llms import LLM
from distilabel.steps.base import _Step
from pydantic_core import PydanticUndefined

from tests.flows.compat.distilabel_pipelines.given import ROWS

FAMILIES = ("generation", "evolving", "embedding", "reasoning", "tables", "not_here")
AS_JSON = ("columns", "structured")
FOLDER = Path(__file__).parent / "dumps"
LONGEST = 38
"""Characters of a default text that is more than a name or a setting."""


def pipelines() -> Iterator[tuple[str, Any]]:
    for family in FAMILIES:
        module = import_module(f"tests.flows.compat.distilabel_pipelines.{family}")
        for name, build in list(vars(module).items()):
            if inspect.isfunction(build) and build.__module__ == module.__name__:
                yield name, build()


def all_classes(*bases: type) -> Iterator[type]:
    """The classes of distilabel that a pipeline can hold."""
    found: type
    for base in bases:
        for found in base.__subclasses__():
            if found.__module__.startswith("distilabel.") and not inspect.isabstract(found):
                yield found
            yield from all_classes(found)


def defaults_of(found: Any) -> dict[str, Any]:
    """What the parameters of a class are where nobody sets them; those that must be set are left out."""
    values = {
        name: field.get_default(call_default_factory=True, validated_data={})
        for name, field in found.model_fields.items()
        if name not in ("pipeline", "exclude_from_signature", "llm") and not field.exclude
    }
    return {name: value for name, value in values.items() if value is not PydanticUndefined}


def walk(value: Any) -> Iterator[Any]:
    yield value
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, (list, tuple)) else ()
    for one in inner:
        yield from walk(one)


def texts(value: Any) -> set[str]:
    return {one for one in walk(value) if isinstance(one, str)}


def without(key: str, value: Any) -> Any:
    if isinstance(value, dict):
        return {name: without(key, one) for name, one in value.items() if name != key}
    return [without(key, one) for one in value] if isinstance(value, list) else value


def in_their_words(step: dict[str, Any], defaults: dict[str, dict[str, Any]], theirs: set[str]) -> None:
    """Put distilabel's own texts where a pipeline has ours."""
    for name, value in defaults.get(step["type_info"]["name"], {}).items():
        if texts(value) & theirs:
            step[name] = {**step[name], **value} if isinstance(value, dict) and name == "rubrics" else value


def plain(value: Any) -> Any:
    """A default as JSON can hold it."""
    if hasattr(value, "model_dump"):
        return value.model_dump()
    if isinstance(value, dict):
        return {str(name): plain(one) for name, one in value.items()}
    return [plain(one) for one in value] if isinstance(value, (list, tuple)) else value


def shortened(value: Any) -> Any:
    """A default without distilabel's prose."""
    return "(a text of distilabel's)" if any(len(text) > LONGEST for text in texts(value)) else value


def write(path: Path, data: dict[str, Any]) -> None:
    """One entry a line."""
    lines = (f"{json.dumps(key)}: {json.dumps(value, ensure_ascii=False)}" for key, value in sorted(data.items()) if value)
    path.write_text("{\n" + ",\n".join(lines) + "\n}\n", encoding="utf-8")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--theirs", type=Path, help="write them here, with distilabel's own texts")
    into: Path | None = parser.parse_args().theirs
    built = dict(pipelines())
    classes = {found.__name__: found for found in all_classes(_Step, LLM, Embeddings, ImageGenerationModel)}
    defaults = {name: {key: plain(value) for key, value in defaults_of(found).items()} for name, found in classes.items()}
    theirs = {text for text in texts(defaults) if len(text) > LONGEST}
    rows: dict[str, Any] = {}
    used: set[str] = set()
    folder = into or FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    for name, pipeline in built.items():
        dump = without("runtime_parameters_info", pipeline.dump())
        for entry in dump["pipeline"]["steps"]:
            if into:
                in_their_words(entry["step"], defaults, theirs)
            step = pipeline.dag.get_step(entry["name"])["step"]
            if "data" in type(step).model_fields and (data := step.data):
                ROWS.setdefault(pipeline.name, {})[entry["name"]] = data
        for routing in dump["pipeline"]["routing_batch_functions"]:
            routing.pop("description", None)
        used |= {one["type_info"]["name"] for one in walk(dump) if isinstance(one, dict) and "type_info" in one}
        assert into or not texts(dump) & theirs, f"{name} holds a text of distilabel's: {texts(dump) & theirs}"
        assert not [text for text in texts(dump) if text.startswith(("/", "\\")) or str(Path.home()) in text], name
        kind = "json" if name in AS_JSON else "yaml"
        pipeline.save(folder / f"{name}.{kind}", format=kind, dump=dump)
        rows[name] = ROWS.get(pipeline.name, {})
    missing = classes.keys() - used
    assert not missing, f"no pipeline has {sorted(missing)}"
    write(folder / "rows.json", rows)
    if not into:
        write(
            folder / "defaults.json", {name: {key: shortened(one) for key, one in of.items()} for name, of in defaults.items()}
        )
    print(f"{len(built)} pipelines, {len(classes)} classes, in {folder}")


if __name__ == "__main__":
    main()
