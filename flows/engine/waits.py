"""What a run waits for outside, and what else the ways to its servers have to say: told once, whoever else says it too."""

from __future__ import annotations

from flows.engine.hosts import Host
from flows.engine.notices import Notice
from flows.engine.observer import Observer


class Waits:
    """Passes notices on to an observer. Each process that asks a server has its own to say."""

    def __init__(self, observer: Observer) -> None:
        self._observer = observer
        self._open: dict[tuple[Host | None, str], str] = {}
        """What is waited for, by who waits and for which endpoint."""
        self._said: set[str] = set()

    def hear(self, notice: Notice, host: Host | None) -> None:
        """What the way to a server has to say; `host` is the worker it comes from, if any."""
        before = self._endpoints()
        if notice.kind == "waiting":
            self._open[host, notice.endpoint] = notice.text
        elif notice.kind == "over":
            self._open.pop((host, notice.endpoint), None)
        is_news = notice.text not in self._said if notice.kind == "warning" else self._endpoints() != before
        self._said.add(notice.text)
        if is_news and notice.text:
            self._observer.log(notice.level, notice.text)
        if notice.kind != "warning":
            self._tell()

    def forget(self, host: Host) -> None:
        """A worker is gone, and so is what it waited for."""
        if gone := [key for key in self._open if key[0] is host]:
            for key in gone:
                del self._open[key]
            self._tell()

    def _endpoints(self) -> set[str]:
        return {endpoint for _, endpoint in self._open}

    def _tell(self) -> None:
        self._observer.waits("; ".join(dict.fromkeys(self._open.values())))
