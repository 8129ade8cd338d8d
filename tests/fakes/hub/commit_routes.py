"""Routes that write files: preupload, LFS upload and commit."""

from __future__ import annotations

import base64
import hashlib
import json
import re
from typing import Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from tests.fakes.hub.context import commit_of, hub_of, is_on, json_body, param, web_url, writable_repo
from tests.fakes.hub.repo import HubError, StoredFile, card_data
from tests.fakes.hub.repo_routes import API

LFS_SUFFIX = re.compile(r"\.(parquet|arrow|bin|safetensors|zip|gz|zst|tar|jpg|png|mp3|wav|pt|npy|npz)$")
LFS_MIN_BYTES = 10_000_000
LFS_JSON = "application/vnd.git-lfs+json"

MutableFiles = dict[str, StoredFile]


async def preupload(request: Request) -> JSONResponse:
    """Say for each file whether it goes into the commit or through LFS."""
    repo, _ = writable_repo(request)
    commit = commit_of(request, repo)
    answers = []
    for asked in (await json_body(request))["files"]:
        answer = {"path": asked["path"], "uploadMode": _upload_mode(asked), "shouldIgnore": False}
        if known := commit.files.get(asked["path"]):
            answer["oid"] = known.git_oid
        answers.append(answer)
    return JSONResponse({"files": answers, "commitOid": commit.oid})


async def lfs_batch(request: Request) -> JSONResponse:
    """Say where to upload each LFS object; those already here need no upload."""
    writable_repo(request)
    objects = (await json_body(request))["objects"]
    known = hub_of(request).lfs_objects
    answers = [item if item["oid"] in known else item | _upload_actions(request, item) for item in objects]
    return JSONResponse({"transfer": "basic", "objects": answers}, media_type=LFS_JSON)


async def lfs_upload(request: Request) -> Response:
    """Take an LFS object; like a presigned storage URL, it asks for no token."""
    content = await request.body()
    oid = hashlib.sha256(content).hexdigest()
    if oid != param(request, "oid"):
        raise HubError(400, "The content does not match its sha256")
    hub_of(request).lfs_objects[oid] = content
    return Response(headers={"ETag": f'"{oid}"'})


async def lfs_verify(request: Request) -> JSONResponse:
    """Confirm that an LFS object arrived with the size the client sent."""
    body = await json_body(request)
    content = hub_of(request).lfs_objects.get(body["oid"])
    if content is None or len(content) != body["size"]:
        raise HubError(404, "LFS object not found")
    return JSONResponse({})


async def commit(request: Request) -> JSONResponse:
    """Apply a list of file operations as one commit, or as a pull request."""
    repo, user = writable_repo(request)
    base = commit_of(request, repo)
    header, *operations = [json.loads(line) for line in (await request.body()).splitlines() if line.strip()]
    head = header["value"]
    if head.get("parentCommit") not in (None, base.oid):
        raise HubError(412, "A commit has happened since. Please refresh and try again.")
    files = dict(base.files)
    for operation in operations:
        _apply(operation["key"], operation["value"], files, hub_of(request).lfs_objects)
    if files.get("README.md") != base.files.get("README.md"):
        card_data(files)  # the Hub refuses a card that does not parse
    revision, as_pull_request = param(request, "revision"), is_on(request, "create_pr")
    ref = repo.open_pull_request(base) if as_pull_request else _full_ref(revision)
    made = repo.add_commit(ref, files, head["summary"], user, head.get("description", ""))
    page = web_url(request, repo)
    return JSONResponse(
        {
            "success": True,
            "commitOid": made.oid,
            "commitUrl": f"{page}/commit/{made.oid}",
            "pullRequestUrl": f"{page}/discussions/{repo.pull_requests}" if as_pull_request else None,
            "hookOutput": "",
        }
    )


async def validate_card(request: Request) -> JSONResponse:
    """Check a model or dataset card; the client asks before it uploads one."""
    content = (await json_body(request))["content"].encode()
    try:
        card_data({"README.md": StoredFile(content)})
    except HubError as error:
        return JSONResponse({"errors": [{"message": error.message}], "warnings": []}, 400)
    return JSONResponse({"errors": [], "warnings": []})


def _upload_mode(asked: dict[str, Any]) -> str:
    is_binary = b"\0" in base64.b64decode(asked.get("sample", ""))
    is_large = asked["size"] > LFS_MIN_BYTES
    return "lfs" if is_binary or is_large or LFS_SUFFIX.search(asked["path"]) else "regular"


def _upload_actions(request: Request, item: dict[str, Any]) -> dict[str, Any]:
    upload, verify = f"{request.base_url}_lfs/{item['oid']}", f"{request.base_url}_lfs/verify"
    return {"authenticated": True, "actions": {"upload": {"href": upload}, "verify": {"href": verify}}}


def _apply(key: str, value: dict[str, Any], files: MutableFiles, lfs_objects: dict[str, bytes]) -> None:
    """Change `files` by one operation of a commit."""
    path = value["path"]
    match key:
        case "file":
            files[path] = StoredFile(base64.b64decode(value["content"]))
        case "lfsFile" if value["oid"] in lfs_objects:
            files[path] = StoredFile(lfs_objects[value["oid"]], is_lfs=True)
        case "lfsFile":
            raise HubError(400, f"LFS object {value['oid']} was not uploaded")
        case "deletedFile":
            files.pop(path, None)
        case "deletedFolder":
            for name in [name for name in files if name.startswith(path.rstrip("/") + "/")]:
                del files[name]
        case _:
            raise HubError(400, f"Unknown operation {key!r}")


def _full_ref(revision: str) -> str:
    return revision if revision.startswith("refs/") else f"refs/heads/{revision}"


LFS_BATCH = "/{namespace}/{name}.git/info/lfs/objects/batch"

ROUTES = [
    Route("/api/validate-yaml", validate_card, methods=["POST"]),
    Route(API + "/preupload/{revision}", preupload, methods=["POST"]),
    Route(API + "/commit/{revision}", commit, methods=["POST"]),
    Route("/{kind}" + LFS_BATCH, lfs_batch, methods=["POST"]),
    Route(LFS_BATCH, lfs_batch, methods=["POST"]),
    Route("/_lfs/verify", lfs_verify, methods=["POST"]),
    Route("/_lfs/{oid}", lfs_upload, methods=["PUT"]),
]
