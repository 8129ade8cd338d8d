"""Parameters that pipelines written for distilabel may hold, but that change nothing here."""

from __future__ import annotations

from typing import Any

UNUSED: dict[str, Any] = {"unused": True}
"""`json_schema_extra` of such a field: forms leave it out."""
