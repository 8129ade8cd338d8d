"""Routes that read files: tree, paths-info and resolve (download)."""

from __future__ import annotations

import hashlib
import re
from email.utils import format_datetime
from typing import Any
from urllib.parse import parse_qs

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.hub.context import commit_of, is_on, param, readable_repo, timestamp
from tests.fakes.hub.repo import Commit, Files, HubError, StoredFile
from tests.fakes.hub.repo_routes import API

RANGE = re.compile(r"bytes=(\d*)-(\d*)")
BINARY = "application/octet-stream"


async def tree(request: Request) -> JSONResponse:
    """List the files and folders below a path, one level of them unless `recursive`."""
    commit = commit_of(request, readable_repo(request))
    root = param(request, "path").strip("/")
    entries = _list_tree(commit.files, root, is_on(request, "recursive"))
    if root and not entries:
        raise HubError(404, f'{root} does not exist on "{param(request, "revision")}"', "EntryNotFound")
    return _entries_response(entries, commit, is_on(request, "expand"))


async def paths_info(request: Request) -> JSONResponse:
    """Describe the given paths; unknown ones are left out, as on the Hub."""
    commit = commit_of(request, readable_repo(request))
    paths, expand = await _asked_paths(request)
    entries = []
    for path in paths:
        if path in commit.files:
            entries.append(_file_entry(path, commit.files[path]))
        elif any(name.startswith(path.rstrip("/") + "/") for name in commit.files):
            entries.append(_folder_entry(path))
    return _entries_response(entries, commit, expand)


async def resolve(request: Request) -> Response:
    """Send a file, or the range of it that was asked for."""
    commit = commit_of(request, readable_repo(request))
    file = commit.files.get(param(request, "path"))
    if file is None:
        raise HubError(404, "Entry not found", "EntryNotFound")
    headers = _file_headers(file, commit)
    asked = RANGE.fullmatch(request.headers.get("range", "")) if request.method == "GET" else None
    if asked is None:
        return Response(file.content, headers=headers, media_type=BINARY)
    start, end = _byte_range(asked[1], asked[2], file.size)
    if start >= end:
        return Response(status_code=416, headers={"Content-Range": f"bytes */{file.size}"})
    headers["Content-Range"] = f"bytes {start}-{end - 1}/{file.size}"
    return Response(file.content[start:end], 206, headers, BINARY)


def _list_tree(files: Files, root: str, recursive: bool) -> list[dict[str, Any]]:
    prefix = f"{root}/" if root else ""
    folders: set[str] = set()
    entries = []
    for path, file in sorted(files.items()):
        if not path.startswith(prefix):
            continue
        *parents, _ = path.removeprefix(prefix).split("/")
        depths = range(1, len(parents) + 1) if recursive else range(1, min(len(parents), 1) + 1)
        folders.update(prefix + "/".join(parents[:depth]) for depth in depths)
        if recursive or not parents:
            entries.append(_file_entry(path, file))
    return [_folder_entry(path) for path in sorted(folders)] + entries


async def _asked_paths(request: Request) -> tuple[list[str], bool]:
    """Read paths and `expand` from a form (the Python client) or from JSON (the API's documentation)."""
    if request.headers.get("content-type", "").startswith("application/json"):
        body = await request.json()
        return list(body["paths"]), bool(body.get("expand"))
    form = parse_qs((await request.body()).decode())
    return form.get("paths", []), form.get("expand", ["false"])[0].lower() == "true"


def _file_entry(path: str, file: StoredFile) -> dict[str, Any]:
    entry: dict[str, Any] = {"type": "file", "oid": file.git_oid, "size": file.size, "path": path}
    if file.is_lfs:
        entry["lfs"] = {"oid": file.sha256, "size": file.size, "pointerSize": len(file.pointer)}
    return entry


def _folder_entry(path: str) -> dict[str, Any]:
    return {"type": "directory", "oid": hashlib.sha1(path.encode()).hexdigest(), "size": 0, "path": path}


def _entries_response(entries: list[dict[str, Any]], commit: Commit, expand: bool) -> JSONResponse:
    if expand:
        last_commit = {"id": commit.oid, "title": commit.title, "date": timestamp(commit.date)}
        entries = [entry | {"lastCommit": last_commit} for entry in entries]
    return JSONResponse(entries, headers={"X-Repo-Commit": commit.oid})


def _file_headers(file: StoredFile, commit: Commit) -> dict[str, str]:
    headers = {
        "X-Repo-Commit": commit.oid,
        "ETag": f'"{file.etag}"',
        "Accept-Ranges": "bytes",
        "Last-Modified": format_datetime(commit.date, usegmt=True),
    }
    if file.is_lfs:
        headers |= {"X-Linked-ETag": f'"{file.etag}"', "X-Linked-Size": str(file.size)}
    return headers


def _byte_range(first: str, last: str, size: int) -> tuple[int, int]:
    """Turn both halves of "bytes=first-last" into a slice; "-n" means the last n bytes."""
    if not first:
        return max(size - int(last or 0), 0), size
    return int(first), min(int(last) + 1, size) if last else size


RESOLVE = "/{namespace}/{name}/resolve/{revision}/{path:path}"

ROUTES = [
    Route(API + "/tree/{revision}", tree),
    Route(API + "/tree/{revision}/{path:path}", tree),
    Route(API + "/paths-info/{revision}", paths_info, methods=["POST"]),
    Route("/{kind}" + RESOLVE, resolve, methods=["GET", "HEAD"]),
    Route(RESOLVE, resolve, methods=["GET", "HEAD"]),
]
