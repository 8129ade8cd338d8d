"""Settings of the property tests: no time limit per example, since the first one may import a library."""

from __future__ import annotations

from hypothesis import settings

settings.register_profile("steps", deadline=None)
settings.load_profile("steps")
