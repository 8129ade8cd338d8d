"""A workspace on an Argilla server, real or fake, as tests see it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, TypeVar

import httpx

from steps.argilla.base import ArgillaStep

PAGE = 1000
AnyStep = TypeVar("AnyStep", bound=ArgillaStep)


@dataclass(frozen=True)
class Place:
    """Where a test works: nothing is there yet."""

    url: str
    key: str
    workspace: str
    add_user: Callable[[str], str]
    """Adds an annotator to the workspace; returns the key."""
    at_work: list[ArgillaStep] = field(default_factory=list)
    """Steps that hold a connection."""

    def loaded(self, step: AnyStep) -> AnyStep:
        """A step as a worker has it."""
        self.at_work.append(step)
        step.load()
        return step

    def close(self) -> None:
        """Let the steps go."""
        while self.at_work:
            self.at_work.pop().unload()

    @property
    def own(self) -> dict[str, str]:
        """Parameters of steps that work here."""
        return {"api_url": self.url, "api_key": self.key, "dataset_workspace": self.workspace}

    def client(self, key: str = "") -> httpx.Client:
        headers = {"X-Argilla-Api-Key": key or self.key}
        return httpx.Client(base_url=f"{self.url}/api/v1/", headers=headers, trust_env=False, verify=False, timeout=30)

    def dataset(self, name: str) -> dict[str, Any]:
        """What the server says of a data set."""
        with self.client() as client:
            [workspace] = [one for one in _items(client.get("me/workspaces")) if one["name"] == self.workspace]
            [found] = [
                one
                for one in _items(client.get("me/datasets", params={"workspace_id": workspace["id"]}))
                if one["name"] == name
            ]
            return found

    def questions(self, name: str) -> dict[str, dict[str, Any]]:
        with self.client() as client:
            return {one["name"]: one for one in _items(client.get(f"datasets/{self.dataset(name)['id']}/questions"))}

    def records(self, name: str) -> list[dict[str, Any]]:
        """All records, in the order in which they came."""
        found: list[dict[str, Any]] = []
        place = f"datasets/{self.dataset(name)['id']}/records"
        with self.client() as client:
            while True:
                query = f"limit={PAGE}&offset={len(found)}&include=responses&include=suggestions"
                page = client.get(f"{place}?{query}").raise_for_status().json()
                found += page["items"]
                if not page["items"] or len(found) >= page["total"]:
                    return found

    def suggested(self, name: str, question: str) -> dict[str, dict[str, Any]]:
        """The suggestions to a question, by record."""
        asked = self.questions(name)[question]["id"]
        records = self.records(name)
        return {one["external_id"]: said for one in records for said in one["suggestions"] if said["question_id"] == asked}

    def respond(self, key: str, record: dict[str, Any], status: str = "submitted", **values: Any) -> None:
        """What a user says of a record, by question."""
        told = {"values": {name: {"value": value} for name, value in values.items()}, "status": status}
        with self.client(key) as client:
            response = client.post(f"records/{record['id']}/responses", json=told)
            assert response.status_code == 201, response.text


def _items(response: httpx.Response) -> list[dict[str, Any]]:
    items: list[dict[str, Any]] = response.raise_for_status().json()["items"]
    return items
