"""`python -m tests.fakes.argilla.record`: put the conversation to a real server, and keep what it says."""

from __future__ import annotations

import json
import tempfile
from pathlib import Path

from tests.fakes.argilla.conversation import RECORDED, Reply, Talk
from tests.fakes.argilla_server import ArgillaServer


def talk_with(server: ArgillaServer) -> list[Reply]:
    """What a real server says, in a workspace of its own."""
    workspace = server.add_workspace("team")
    key = server.add_user("ann", workspace)
    with server.client() as owner, server.client(key) as user:
        return list(Talk(owner, user, workspace["id"], user.get("me").json()["id"]).replies())


def main() -> None:
    with tempfile.TemporaryDirectory() as folder, ArgillaServer(Path(folder)) as server:
        replies = talk_with(server)
    lines = ",\n".join(json.dumps(reply, ensure_ascii=False) for reply in replies)
    RECORDED.write_text(f"[\n{lines}\n]\n", encoding="utf-8")


if __name__ == "__main__":
    main()
