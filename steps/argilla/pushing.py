"""What steps share that send rows to Argilla."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Iterable, Mapping
from typing import ClassVar

from pydantic import Field, PrivateAttr

from steps.argilla.base import ArgillaStep
from steps.argilla.dataset import Dataset
from steps.argilla.records import Outbox, Record
from steps.argilla.values import MetadataType
from steps.base import Batch, Group, Row, Step
from steps.secrets import LATER


class ArgillaPush(ArgillaStep, Step):
    """Sends rows to a data set in Argilla, and passes them on as they were."""

    group: ClassVar[Group] = "sinks"
    in_rehearsal: ClassVar[dict[str, bool]] = {"push": False}
    in_preview: ClassVar[dict[str, bool]] = {"push": False}

    push: bool = Field(
        default=True, description="Off: the rows are checked and pass, and nothing is sent.", json_schema_extra=LATER
    )

    _outbox: Outbox | None = PrivateAttr(default=None)

    @abstractmethod
    def records(self, row: Row) -> Iterable[Record]:
        """The records that a row becomes. Asks nobody.

        Raises:
            RowError: The row cannot become one.
        """

    @abstractmethod
    def open_dataset(self) -> Dataset:
        """The data set, ready for records."""

    def metadata_kinds(self) -> Mapping[str, MetadataType | None]:
        """Types of metadata that are known beforehand."""
        return {}

    def load(self) -> None:
        if self.push:
            with self._at_work():
                self._open()

    def unload(self) -> None:
        self._outbox = None
        super().unload()

    def process(self, batch: Batch) -> Batch:
        records = [record for row in batch for record in self.records(row)]
        if records and self.push:
            with self._at_work():
                self.send(self._open(), records)
        return batch

    def send(self, outbox: Outbox, records: list[Record]) -> None:
        """Send the records of a batch, all of which can be sent."""
        outbox.send(records)

    def _open(self) -> Outbox:
        if self._outbox is None:
            dataset = self.open_dataset()
            self._outbox = Outbox(dataset, self.metadata_kinds())
            self._logger.warning("people answer at %s", self.queue_address(dataset))  # the level that people are shown
        return self._outbox

    def queue_address(self, dataset: Dataset) -> str:
        """Where people answer, in the order in which they should."""
        return dataset.address()
