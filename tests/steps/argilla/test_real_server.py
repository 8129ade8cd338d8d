"""The real server says what was recorded of it: what the fake is held to is still so."""

from __future__ import annotations

import pytest

from tests.fakes.argilla.conversation import recorded
from tests.fakes.argilla.record import talk_with
from tests.fakes.argilla_server import ArgillaServer

pytestmark = [pytest.mark.argilla, pytest.mark.xdist_group("argilla")]


def test_argilla_still_answers_as_it_did(tmp_path_factory: pytest.TempPathFactory) -> None:
    with ArgillaServer(tmp_path_factory.mktemp("argilla")) as server:  # of its own: users and workspaces are counted
        said = talk_with(server)

    assert said == recorded()
