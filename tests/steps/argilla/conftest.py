"""Where the tests work: a fake Argilla, and, where one is installed, a real one that starts once."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import closing
from uuid import uuid4

import pytest

from tests.fakes.argilla import FakeArgilla
from tests.fakes.argilla.place import Place
from tests.fakes.argilla_server import OWNER_KEY, ArgillaServer, missing
from tests.fakes.serving import running

REAL = pytest.param("real", marks=[pytest.mark.argilla, pytest.mark.xdist_group("argilla")])


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Tests with the real server are left out where there can be none, and are done by one worker, which starts one."""
    reason = missing()
    for item in items:
        if reason and item.get_closest_marker("argilla") is not None:
            item.add_marker(pytest.mark.skip(reason=reason))


@pytest.fixture(autouse=True)
def no_server_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for variable in ("ARGILLA_API_URL", "ARGILLA_API_KEY", "HF_TOKEN"):
        monkeypatch.delenv(variable, raising=False)


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ArgillaServer]:
    """A real Argilla server."""
    with ArgillaServer(tmp_path_factory.mktemp("argilla")) as found:
        yield found


@pytest.fixture
def real(server: ArgillaServer) -> Iterator[Place]:
    """A workspace of its own on a real server."""
    workspace = server.add_workspace(f"w{uuid4().hex[:8]}")

    def add_user(name: str) -> str:
        return server.add_user(f"{name}-{workspace['name']}", workspace)

    with closing(Place(server.url, OWNER_KEY, workspace["name"], add_user)) as place:
        yield place


@pytest.fixture
def argilla() -> FakeArgilla:
    return FakeArgilla()


@pytest.fixture
def fake(argilla: FakeArgilla) -> Iterator[Place]:
    """The workspace of a fake server."""
    with running(argilla) as url, closing(Place(url, argilla.key_of("owner"), "team", argilla.add_user)) as place:
        yield place


@pytest.fixture(params=["fake", REAL])
def place(request: pytest.FixtureRequest) -> Place:
    """The same on both."""
    found: Place = request.getfixturevalue(request.param)
    return found
