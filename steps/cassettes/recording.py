"""A cassette that is being recorded: each answer becomes a line, whichever process of the run got it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from steps.cassettes.exchanges import Asked, Sent, line_of, told_answer
from steps.cassettes.scrubbing import Scrubber
from steps.errors import LLMError


class Recorder:
    """Appends to a file that several processes may append to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(self, sent: Sent, status: int, headers: Mapping[str, str], body: bytes) -> None:
        """Keep a request and its answer."""
        scrubber = Scrubber.of_request(sent.headers)
        answer = told_answer(status, headers, body, scrubber)
        self._append(line_of(Asked.of(sent, scrubber), "answer", answer))

    def keep_failure(self, sent: Sent, error: LLMError) -> None:
        """Keep a request that got no answer."""
        scrubber = Scrubber.of_request(sent.headers)
        told = {"code": error.code, "message": scrubber.text(error.message), "fix": scrubber.text(error.fix)}
        self._append(line_of(Asked.of(sent, scrubber), "failed", told))

    def _append(self, line: bytes) -> None:
        import fcntl

        self.path.parent.mkdir(parents=True, exist_ok=True)
        file = os.open(self.path, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o644)
        try:
            fcntl.flock(file, fcntl.LOCK_EX)
            while line:
                line = line[os.write(file, line) :]
        finally:
            os.close(file)
