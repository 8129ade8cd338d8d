"""Why a request never left."""

from __future__ import annotations


class NotSent(Exception):
    """The run is ending: this request was held back, and costs nothing."""
