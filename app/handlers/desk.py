"""The drafts that browser tabs work on now, one per session.

Gradio reads and writes its own states around a function, so two edits at a time could lose one of them; here they take turns.
"""

from __future__ import annotations

import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, TypeVar

from app.handlers.drafts import Draft
from app.handlers.pipelines import Pipelines
from app.handlers.saving import recalled, saved

SESSIONS = 500
Shown = TypeVar("Shown")


class Desk:
    """Drafts by session; the ones that were used longest ago are put away. What is changed is saved in `pipelines`."""

    def __init__(self, pipelines: Pipelines | None = None, most: int = SESSIONS) -> None:
        self._pipelines = pipelines
        self._most = most
        self._lock = threading.Lock()
        self._places: OrderedDict[str, _Place] = OrderedDict()

    def look(self, session: str, kept: Any = None) -> Draft:
        """The draft of a session; of one that is new here, what the browser kept."""
        with self._place(session, kept) as place:
            return place.draft

    def change(self, session: str, kept: Any, change: Callable[[Draft], Draft], show: Callable[[Draft, Draft], Shown]) -> Shown:
        """Replace the draft of a session by what `change` makes of it, one change after the other.

        `show` makes what the page gets, of the drafts before and after, within the same turn: an earlier change is not shown
        after a later one, and a draft that cannot be shown is not kept.
        """
        with self._place(session, kept) as place:
            changed = saved(self._pipelines, place.draft, change(place.draft))
            shown = show(place.draft, changed)
            place.draft = changed
            return shown

    @contextmanager
    def _place(self, session: str, kept: Any) -> Iterator[_Place]:
        with self._lock:
            place = self._places.get(session)
            if place is None:
                place = self._places[session] = _Place(recalled(self._pipelines, kept))
                while len(self._places) > self._most:
                    self._places.popitem(last=False)
            self._places.move_to_end(session)
        with place.lock:
            yield place


class _Place:
    def __init__(self, draft: Draft) -> None:
        self.draft = draft
        self.lock = threading.Lock()
