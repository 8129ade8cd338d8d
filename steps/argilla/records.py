"""Records on their way to Argilla: what a step makes of a row, in names, and how it is sent.

A record is found again by its id. Sent once more, it is changed where it is; so a push that was cut is repeated from the last
batch that is known to have arrived, and nothing is there twice.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import orjson
import xxhash

from steps.argilla.api import Refused
from steps.argilla.dataset import Dataset
from steps.argilla.values import MetadataType, kind_of, metadata_value
from steps.argilla.wire import ARecord, Me, User, items_of
from steps.base import is_missing
from steps.errors import RowError
from steps.wording import did_you_mean, listed

MOST_SENT: Final = 500
"""Records that Argilla takes in one request."""


@dataclass(frozen=True)
class Suggestion:
    """An answer that people see before they give theirs."""

    question: str
    value: Any
    score: float | list[float] | None = None
    agent: str | None = None


@dataclass(frozen=True)
class Response:
    """What a user says of a record, by question."""

    user: str
    values: Mapping[str, Any]
    status: str = "submitted"


@dataclass(frozen=True)
class Record:
    """A record as a step makes it. What is None is left as it is in Argilla."""

    id: str
    fields: Mapping[str, Any] | None = None
    metadata: Mapping[str, Any] | None = None
    """Values as rows have them: their type is that of the property."""
    suggestions: Sequence[Suggestion] = ()
    vectors: Mapping[str, list[float]] = field(default_factory=dict)
    responses: Sequence[Response] = ()


def id_of_fields(fields: Mapping[str, Any]) -> str:
    """The id of a record that has none: the same for the same fields, whenever it is sent."""
    return xxhash.xxh3_128_hexdigest(orjson.dumps(dict(fields), option=orjson.OPT_SORT_KEYS))


class Outbox:
    """Sends records to a data set; what it needs beyond fields and questions is made when the first value comes."""

    def __init__(self, dataset: Dataset, metadata: Mapping[str, MetadataType | None] | None = None) -> None:
        self.dataset = dataset
        self._metadata = dict(metadata or {})
        self._users: dict[str, str] | None = None

    def send(self, records: Sequence[Record]) -> list[ARecord]:
        """Send records, in order; of those with the same id the last one counts. Returns them as Argilla has them.

        Raises:
            RowError: One of them cannot be sent, and so none is; or Argilla does not take one.
            RunError: The server cannot be reached.
        """
        last = {record.id: record for record in records}
        kinds = self._kinds([record.metadata for record in last.values() if record.metadata is not None])
        items = [self._item(record, kinds) for record in last.values()]
        for name, kind in kinds.items():
            self.dataset.ensure_metadata(name, kind)
        for record in last.values():
            for name, vector in record.vectors.items():
                self.dataset.ensure_vectors(name, len(vector))
        made: list[ARecord] = []
        for start in range(0, len(items), MOST_SENT):
            made += self._put(items[start : start + MOST_SENT])
        return made

    def _put(self, items: list[dict[str, Any]]) -> list[ARecord]:
        try:
            answer = self.dataset.api.ask("PUT", f"datasets/{self.dataset.id}/records/bulk", {"items": items})
        except Refused as error:
            if error.status >= 500:
                fix = "look for a response to it that was discarded without answers: Argilla 2.8 cannot index such a record"
                raise RowError(f"Argilla breaks at this record: {error.detail}", fix) from error
            raise RowError(f"Argilla does not take this record: {error.detail}", "mend the row before this step") from error
        return items_of(ARecord, answer, f"{self.dataset.api.url}, sent records,")

    def _kinds(self, given: Sequence[Mapping[str, Any]]) -> dict[str, MetadataType]:
        """The types of the metadata in these records: those of the data set, those that were said, those that are found."""
        kinds: dict[str, MetadataType] = {}
        for name in dict.fromkeys(name for metadata in given for name in metadata):
            values = [metadata.get(name) for metadata in given]
            if kind := self.dataset.metadata.get(name) or self._metadata.get(name) or kind_of(values):
                kinds[name] = kind
        return kinds

    def _item(self, record: Record, kinds: Mapping[str, MetadataType]) -> dict[str, Any]:
        item: dict[str, Any] = {"external_id": record.id}
        if record.fields is not None:
            item["fields"] = dict(record.fields)
        if record.metadata is not None:
            item["metadata"] = {
                name: metadata_value(kinds[name], value, name)
                for name, value in record.metadata.items()
                if not is_missing(value)
            }
        if record.suggestions:
            item["suggestions"] = [self._suggestion(one) for one in record.suggestions]
        if record.vectors:
            item["vectors"] = dict(record.vectors)
        if record.responses:
            item["responses"] = list(self._responses(record.responses))
        return item

    def _suggestion(self, suggestion: Suggestion) -> dict[str, Any]:
        told = {"question_id": self.dataset.question(suggestion.question).id, "type": "model", "value": suggestion.value}
        extras = {"score": suggestion.score, "agent": suggestion.agent}
        return told | {name: value for name, value in extras.items() if value is not None}

    def _responses(self, responses: Sequence[Response]) -> Iterator[dict[str, Any]]:
        self._users = self._users or {name: number for number, name in users_of(self.dataset).items()}
        for response in responses:
            if (user := self._users.get(response.user)) is None:
                hint = did_you_mean(response.user, self._users)
                what = f"a response is from {response.user!r}, who is no user of Argilla.{hint}"
                raise RowError(what, f"make that user, or take one of {listed(self._users)}")
            values = {name: {"value": value} for name, value in response.values.items()}
            yield {"user_id": user, "status": response.status, "values": values}


def users_of(dataset: Dataset) -> dict[str, str]:
    """Names of users by id, as far as the user of the key may know them: all, or those of the workspace."""
    api = dataset.api
    me = api.get("me", Me)
    path = "users" if me["role"] == "owner" else f"workspaces/{dataset.workspace_id}/users"
    found = {str(one["id"]): str(one["username"]) for one in api.listed(path, User)}
    return {str(me["id"]): str(me["username"]), **found}
