"""The app's own scripts and styles."""

from __future__ import annotations

import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Response

from app.api.replies import SECURITY

STATIC = Path(__file__).parent.parent / "static"
FOREVER = "public, max-age=31536000, immutable"


@cache
def assets_path() -> str:
    """Where the page finds scripts and styles: a path that changes with their content, so browsers may keep them."""
    digest = hashlib.sha256()
    for path in sorted(STATIC.iterdir()):
        digest.update(path.name.encode() + path.read_bytes())
    return f"own/{digest.hexdigest()[:12]}"


@cache
def _own_files() -> frozenset[str]:
    return frozenset(path.name for path in STATIC.iterdir() if path.is_file())


def router() -> APIRouter:
    """Files below /own/<hash>."""
    found = APIRouter(include_in_schema=False)

    @found.get("/own/{version}/{name}")
    def asset(version: str, name: str) -> Response:
        if name not in _own_files():
            return Response(status_code=404)
        path = STATIC / name
        kind = mimetypes.guess_type(name)[0] or "application/octet-stream"
        is_current = version == assets_path().rpartition("/")[2]
        caching = FOREVER if is_current else "no-store"
        return Response(path.read_bytes(), media_type=kind, headers={"Cache-Control": caching, **SECURITY})

    return found
