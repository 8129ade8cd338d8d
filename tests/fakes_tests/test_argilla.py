"""The fake Argilla answers as the real one did, word by word."""

from __future__ import annotations

from collections.abc import Iterator

import httpx
import pytest

from tests.fakes.argilla import FakeArgilla
from tests.fakes.argilla.conversation import CONVERSATION, Reply, Talk, recorded
from tests.fakes.serving import running


@pytest.fixture(scope="module")
def said() -> Iterator[list[Reply]]:
    """What the fake says to the conversation."""
    argilla = FakeArgilla()
    key = argilla.add_user("ann")
    with running(argilla) as url, _client(url, argilla.key_of("owner")) as owner, _client(url, key) as user:
        workspace = owner.get("me/workspaces").json()["items"][0]["id"]
        yield list(Talk(owner, user, workspace, user.get("me").json()["id"]).replies())


def _client(url: str, key: str) -> httpx.Client:
    return httpx.Client(base_url=f"{url}/api/v1/", headers={"X-Argilla-Api-Key": key}, trust_env=False, verify=False)


def _plain(reply: Reply) -> Reply:
    """`updated_item_ids` are of no interest here."""
    content = reply.content
    if isinstance(content, dict):
        content = {key: value for key, value in content.items() if key != "updated_item_ids"}
    return reply._replace(content=content)


@pytest.mark.parametrize("at", range(len(CONVERSATION)), ids=[f"{one.method} {one.path}" for one in CONVERSATION])
def test_the_fake_answers_as_argilla_did(at: int, said: list[Reply]) -> None:
    assert _plain(said[at]) == _plain(recorded()[at])
