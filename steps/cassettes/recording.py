"""A cassette that is being recorded: each answer becomes a line, whichever process of the run got it."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from steps.cassettes.exchanges import Asked, line_of, told_answer
from steps.cassettes.scrubbing import Scrubber
from steps.errors import LLMError


class Recorder:
    """Appends to a file that several processes may append to."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def keep(
        self,
        method: str,
        url: str,
        content: bytes,
        sent: Mapping[str, str],
        status: int,
        headers: Mapping[str, str],
        body: bytes,
    ) -> None:
        """Keep a request and its answer. `sent`: the headers of the request, which hold the keys that must not be kept."""
        scrubber = Scrubber.of_request(sent)
        answer = told_answer(status, headers, body, scrubber)
        self._append(line_of(Asked.of(method, url, content, scrubber), "answer", answer))

    def keep_failure(self, method: str, url: str, content: bytes, sent: Mapping[str, str], error: LLMError) -> None:
        """Keep a request that got no answer."""
        scrubber = Scrubber.of_request(sent)
        told = {"code": error.code, "message": scrubber.text(error.message), "fix": scrubber.text(error.fix)}
        self._append(line_of(Asked.of(method, url, content, scrubber), "failed", told))

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
