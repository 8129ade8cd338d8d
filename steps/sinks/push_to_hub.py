"""Rows to a data set on the Hugging Face Hub, in the middle of a pipeline."""

from __future__ import annotations

import tempfile
import uuid
from collections.abc import Collection, Iterable
from typing import ClassVar

from pydantic import Field

from steps.base import GlobalStep, Group, Row
from steps.errors import Complaint, RunError
from steps.labels.tags import tag_in
from steps.secrets import LATER, HubToken, reveal
from steps.sources.load_data_from_hub import complaint_about


class PushToHub(GlobalStep):
    """Pushes its rows to a data set on the Hugging Face Hub, and passes them on.

    It pushes once all rows have arrived, and nothing in a rehearsal, a preview or an estimate. Rows that were pushed are not
    pushed again when the run goes on. What it pushes are rows alone: the result of a run, with its card and its pipeline, is
    pushed from Data or by `distilflow run --push`.

    Rows whose labels were settled by `ConsolidateLabels` are tagged by its strategy, such as `learned-v2-1f0c9a2b`, so that
    versions by several strategies can be told apart; a tag that is there already stays where it is.

    Example:
        >>> list(PushToHub(repo_id="acme/toys").check())
        []
    """

    group: ClassVar[Group] = "sinks"
    reaches: ClassVar[str] = "the Hub"
    in_rehearsal: ClassVar[dict[str, bool]] = {"push": False}
    in_preview: ClassVar[dict[str, bool]] = {"push": False}

    repo_id: str | None = Field(default=None, description="Data set on the Hub: owner/name.", examples=["my-org/my-dataset"])
    split: str = Field(default="train", min_length=1, description="Part of the data set that the rows become.")
    private: bool = Field(default=True, description="Make a new data set private; one that is there stays as it is.")
    token: HubToken = None

    push: bool = Field(default=True, description="Off: the rows pass, and nothing is pushed.", json_schema_extra=LATER)

    def check(self) -> Iterable[Complaint]:
        if (complaint := complaint_about(self.repo_id)) is not None:
            yield complaint

    def process(self, rows: Collection[Row]) -> Iterable[Row]:
        if not rows or not self.push:
            return rows
        from datasets import Dataset

        with tempfile.TemporaryDirectory() as folder:
            try:
                # the fingerprint is said, as it would take a copy of all rows to find one
                data = Dataset.from_generator(lambda: iter(rows), cache_dir=folder, fingerprint=uuid.uuid4().hex)
                token = reveal(self.token, "HF_TOKEN")
                commit = data.push_to_hub(self.repo_id, split=self.split, private=self.private, token=token)
                if tags := {tag for row in rows if (tag := tag_in(row.get("strategy")))}:
                    _add_tags(str(self.repo_id), commit.oid, tags, token)
            except Exception as error:
                cause = error.__cause__ or error  # of rows that it cannot write, `datasets` says only that there are some
                raise RunError(
                    f"the rows cannot be pushed to {self.repo_id!r}: {cause}",
                    "check the name and $HF_TOKEN, which must be allowed to write",
                ) from error
        return rows


def _add_tags(repo_id: str, revision: str, tags: set[str], token: str | None) -> None:
    from huggingface_hub import HfApi

    api = HfApi(token=token)
    taken = {ref.name for ref in api.list_repo_refs(repo_id, repo_type="dataset").tags}
    for tag in sorted(tags - taken):
        api.create_tag(repo_id, tag=tag, revision=revision, repo_type="dataset")
