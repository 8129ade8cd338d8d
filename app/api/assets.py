"""The app's own scripts and styles."""

from __future__ import annotations

import gzip
import hashlib
import mimetypes
from functools import cache
from pathlib import Path

from fastapi import APIRouter, Request, Response

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
def _content(version: str, name: str, *, is_packed: bool) -> bytes | None:
    """A file as it is sent; `version` is what keeps an older one from being remembered."""
    if name not in {path.name for path in STATIC.iterdir() if path.is_file()}:
        return None
    content = (STATIC / name).read_bytes()
    return gzip.compress(content, 6) if is_packed else content


def router() -> APIRouter:
    """Files below /own/<hash>."""
    found = APIRouter(include_in_schema=False)

    @found.get("/own/{version}/{name}")
    def asset(request: Request, version: str, name: str) -> Response:
        current = assets_path().rpartition("/")[2]
        is_packed = "gzip" in request.headers.get("accept-encoding", "") and not name.endswith(".png")
        content = _content(current, name, is_packed=is_packed)
        if content is None:
            return Response(status_code=404)
        headers = {
            "Cache-Control": FOREVER if version == current else "no-store",
            "Vary": "Accept-Encoding",
            **({"Content-Encoding": "gzip"} if is_packed else {}),
            **SECURITY,
        }
        return Response(content, media_type=mimetypes.guess_type(name)[0] or "application/octet-stream", headers=headers)

    return found
