"""What a strategy is called where data sets are versioned."""

from __future__ import annotations

from typing import Any


def strategy_tag(name: str, version: int, digest: str) -> str:
    """Name, version and hash in short: "learned-v4-1f0c9a2b"."""
    return f"{name.replace('_', '-')}-v{version}-{digest[:8]}"


def tag_in(value: Any) -> str | None:
    """The tag of the strategy that a consolidated row names in its column `strategy`; None where it names none."""
    if not isinstance(value, dict):
        return None
    name, version, digest = value.get("name"), value.get("version"), value.get("hash")
    if isinstance(name, str) and isinstance(version, int) and isinstance(digest, str) and name and digest:
        return strategy_tag(name, version, digest)
    return None
