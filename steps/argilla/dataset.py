"""A data set in Argilla: found, or made as it is wanted.

Making one takes several requests. Each part is asked for before it is made, so that a data set that was left half made is
finished, and two workers may begin it at once.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import urlencode

from pydantic import ValidationError

from steps.argilla.api import ArgillaAPI, Refused, TooLarge
from steps.argilla.questions import AskedQuestion, question_in
from steps.argilla.values import MetadataType
from steps.argilla.wire import AField, AQuestion, ARecord, Named, Page, Property, Told, Vectors, odd
from steps.errors import RowError, RunError
from steps.wording import did_you_mean, listed, quoted

PAGE_RECORDS: Final = 250
FIX_OTHER = "take another `dataset_name`, or what the data set has"


@dataclass(frozen=True)
class Wanted:
    """What a data set should have: fields and questions as Argilla is told of them."""

    fields: list[dict[str, Any]]
    questions: list[dict[str, Any]]
    guidelines: str = ""
    min_submitted: int = 1
    fillable: frozenset[str] = frozenset()
    """Fields beyond these that are filled where a data set has them."""


@dataclass
class Dataset:
    """A data set that is ready for records."""

    api: ArgillaAPI
    id: str
    name: str
    workspace_id: str
    fields: dict[str, AField]
    questions: dict[str, AskedQuestion]
    metadata: dict[str, MetadataType] = field(default_factory=dict)
    vectors: dict[str, int] = field(default_factory=dict)

    def question(self, name: str) -> AskedQuestion:
        """
        Raises:
            RunError: It has none of this name.
        """
        if (found := self.questions.get(name)) is None:
            hint = did_you_mean(name, self.questions)
            what = f"data set {self.name!r} has no question {name!r}.{hint}"
            raise RunError(what, f"its questions are {listed(self.questions)}")
        return found

    def address(self, *, order: str = "", only: str = "") -> str:
        """Where people answer, in a browser: waiting records, by a metadata property from high to low, or only some."""
        query = {"page": "1", "status": "pending"}
        if only:
            query["metadata"] = only
        if order:
            query["sort"] = f"metadata.{order}.desc"
        return f"{self.api.url}/dataset/{self.id}/annotation-mode?{urlencode(query)}"

    def records(self, include: Sequence[str]) -> Iterator[ARecord]:
        """All records, oldest first, a page at a time, with what is to be included: responses, suggestions.

        Raises:
            RunError: Some were deleted meanwhile, so that others may have been passed over.
        """
        seen, total, size = 0, 1, PAGE_RECORDS
        begun = set[str]()
        while seen < total:
            query = {"offset": seen, "limit": size, "include": include}
            try:
                page = self.api.get(f"datasets/{self.id}/records", Page, **query)
            except TooLarge:
                if size == 1:
                    raise
                size = max(1, size // 4)
                continue
            if not page["items"] or (page["total"] < total and seen):
                what = f"records of {self.name!r} were deleted while they were read"
                if page["total"] or seen:
                    raise RunError(what, "run it again")
                return
            first = page["items"][0]["id"]
            if first in begun or len(page["items"]) != min(size, page["total"] - seen):
                seen_here = f"{len(page['items'])} records from the {seen + 1:,}th of {page['total']:,} on, of {size} asked for"
                what = f"{self.api.url} gives pages of {self.name!r} that do not fit together: {seen_here}"
                raise RunError(what, "look at the server's version and log")
            begun.add(first)
            yield from page["items"]
            seen, total = seen + len(page["items"]), page["total"]

    def ensure_metadata(self, name: str, kind: MetadataType) -> None:
        """Make a metadata property where there is none."""
        if name not in self.metadata:
            body = {"name": name, "title": name, "settings": {"type": kind}, "visible_for_annotators": True}
            _make(self.api, f"datasets/{self.id}/metadata-properties", body)
            self.metadata = _metadata_of(self.api, self.id)

    def ensure_vectors(self, name: str, dimensions: int) -> None:
        """Make vectors of this length where there are none.

        Raises:
            RowError: There are, of another length.
        """
        if name not in self.vectors:
            body = {"name": name, "title": name, "dimensions": dimensions}
            _make(self.api, f"datasets/{self.id}/vectors-settings", body)
            self.vectors = _vectors_of(self.api, self.id)
        if self.vectors[name] != dimensions:
            what = f"the vector in {name!r} has {dimensions} numbers; those of the data set have {self.vectors[name]}"
            raise RowError(what, "give all rows vectors of one model")


def workspace_id(api: ArgillaAPI, name: str | None) -> str:
    """The id of a workspace; without a name the first one that the user may use.

    Raises:
        RunError: There is none.
    """
    found = {str(one["name"]): str(one["id"]) for one in api.listed("me/workspaces", Named)}
    if name is None and found:
        return next(iter(found.values()))
    if name is None:
        raise RunError(f"the user of the key has no workspace at {api.url}", "make one in Argilla, under settings")
    if name not in found:
        what = f"there is no workspace {name!r} at {api.url} for the user of the key.{did_you_mean(name, found)}"
        raise RunError(what, f"make it in Argilla, or take one of {listed(found)}" if found else "make it in Argilla")
    return found[name]


def find(api: ArgillaAPI, workspace: str | None, name: str) -> Dataset:
    """A data set that is there.

    Raises:
        RunError: It is not, or was never finished.
    """
    place = workspace_id(api, workspace)
    told = _told(api, place, name)
    if told is None:
        names = [str(one["name"]) for one in api.listed("me/datasets", Told, workspace_id=place)]
        what = f"there is no data set {name!r} in that workspace of {api.url}.{did_you_mean(name, names)}"
        raise RunError(what, f"it has {listed(names)}" if names else "it has none")
    if told["status"] != "ready":
        raise RunError(f"data set {name!r} of {api.url} is a draft without records", "publish it, or push to it first")
    return _read(api, told)


def find_or_make(api: ArgillaAPI, workspace: str | None, name: str, wanted: Wanted) -> Dataset:
    """A data set that has what is wanted; one that is not there is made.

    Raises:
        RunError: One of that name is there, and has something else.
    """
    place = workspace_id(api, workspace)
    told = _told(api, place, name)
    try:
        if told is None:
            distribution = {"strategy": "overlap", "min_submitted": wanted.min_submitted}
            body = {"name": name, "workspace_id": place, "allow_extra_metadata": True, "distribution": distribution}
            _make(api, "datasets", body | ({"guidelines": wanted.guidelines} if wanted.guidelines else {}))
            told = _told(api, place, name)
            assert told is not None
        if told["status"] != "ready":
            _finish(api, told["id"], wanted)
            told = _told(api, place, name)
            assert told is not None
    except Refused as error:
        what = f"Argilla at {api.url} does not make the data set {name!r}: {error.detail}"
        raise RunError(what, "correct the step's parameters") from error
    found = _read(api, told)
    if problems := list(_differences(found, wanted)):
        raise RunError(f"data set {name!r} of {api.url} is there, and differs: {'; '.join(problems)}", FIX_OTHER)
    return found


def _told(api: ArgillaAPI, workspace: str, name: str) -> Told | None:
    """What the server says of a data set; None if there is none."""
    return next((one for one in api.listed("me/datasets", Told, workspace_id=workspace) if one["name"] == name), None)


def _finish(api: ArgillaAPI, name: str, wanted: Wanted) -> None:
    """Give a draft the fields and questions that it lacks, and publish it."""
    try:
        for kind, parts in (("fields", wanted.fields), ("questions", wanted.questions)):
            present = {one["name"] for one in api.listed(f"datasets/{name}/{kind}", Named)}
            for part in parts:
                if part["name"] not in present:
                    _make(api, f"datasets/{name}/{kind}", part)
        api.ask("PUT", f"datasets/{name}/publish")
    except Refused:
        if api.get(f"datasets/{name}", Told)["status"] != "ready":  # else another worker was faster
            raise


def _make(api: ArgillaAPI, path: str, body: Mapping[str, Any]) -> None:
    """Make a part, unless there is one of that name: another worker may have made it, or a request that seemed lost."""
    try:
        api.ask("POST", path, body)
    except Refused as error:
        if error.status != 409:
            raise


def _read(api: ArgillaAPI, told: Told) -> Dataset:
    name = str(told["id"])
    try:
        questions = [question_in(one) for one in api.listed(f"datasets/{name}/questions", AQuestion)]
    except ValidationError as error:
        raise RunError(*odd(f"{api.url}, asked for the questions of {told['name']!r},", error)) from None
    return Dataset(
        api,
        name,
        str(told["name"]),
        str(told["workspace_id"]),
        {str(one["name"]): one for one in api.listed(f"datasets/{name}/fields", AField)},
        {question.name: question for question in questions if question is not None},
        _metadata_of(api, name),
        _vectors_of(api, name),
    )


def _metadata_of(api: ArgillaAPI, name: str) -> dict[str, MetadataType]:
    return {
        str(one["name"]): one["settings"]["type"] for one in api.listed(f"me/datasets/{name}/metadata-properties", Property)
    }


def _vectors_of(api: ArgillaAPI, name: str) -> dict[str, int]:
    return {str(one["name"]): int(one["dimensions"]) for one in api.listed(f"datasets/{name}/vectors-settings", Vectors)}


def _differences(found: Dataset, wanted: Wanted) -> Iterable[str]:
    """What a data set lacks of what is wanted, or asks for beyond it."""
    for part in wanted.fields:
        there, kind = found.fields.get(part["name"]), part["settings"]["type"]
        if there is None:
            yield f"it has no field {part['name']!r}"
        elif there["settings"]["type"] != kind:
            yield f"its field {part['name']!r} is of type {there['settings']['type']!r}, not {kind!r}"
    given = {*wanted.fillable, *(part["name"] for part in wanted.fields)}
    for name, there in found.fields.items():
        if there["required"] and name not in given:
            yield f"its field {name!r} is required, and nothing fills it"
    for part in wanted.questions:
        asked, told = found.questions.get(part["name"]), question_in({**part, "id": ""})
        assert told is not None
        if asked is None:
            yield f"it has no question {part['name']!r}"
        elif asked.question.type != told.question.type:
            yield f"its question {part['name']!r} is of type {asked.question.type!r}, not {told.question.type!r}"
        elif missing := [label for label in told.question.labels if label not in asked.question.labels]:
            yield f"its question {part['name']!r} has no {listed(map(quoted, missing))}"
