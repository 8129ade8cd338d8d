"""A folder to the Hugging Face Hub, in one commit. $HF_ENDPOINT and $HF_TOKEN are honoured."""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import orjson

from steps.artifacts import ARTIFACTS, METADATA
from steps.errors import DistilflowError, SpecError
from steps.wording import listed

if TYPE_CHECKING:
    from flows.plan import Plan

_REPO_ID = re.compile(r"(?:[A-Za-z0-9][\w.-]*/)?[A-Za-z0-9_][\w.-]*", re.ASCII)
CARD = "README.md"
TAG = re.compile(r"[A-Za-z0-9][\w.-]{0,63}", re.ASCII)
"""What a version of a data set can be called."""
STRATEGY = "strategy"
"""The artifact that holds how labels were settled."""
CardWriter = Callable[[str, str], str]
"""Makes the card to push, of the repository's full name and the card that is there ("" if there is none)."""


class Uploaded(NamedTuple):
    """How far a push is, in bytes. `file` is the one that is sent now; "" when only the commit is left."""

    file: str
    done: int
    total: int


class PushFailed(DistilflowError):
    """Nothing was pushed, or not all of it: the Hub refused, or could not be reached."""

    code = "push-failed"


def refuse_made_up(plan: Plan) -> None:
    """Check that a run which is to be pushed when it ends makes nothing up.

    Raises:
        SpecError: It is a rehearsal.
    """
    if plan.made_up:
        raise SpecError(
            f"a rehearsal pushes nothing, and this is one: its rows are made up in {listed(plan.made_up)}",
            "leave the push out; or leave the rehearsal out, and name a model",
        )


def push_folder(
    folder: Path,
    repo_id: str,
    write_card: CardWriter,
    *,
    private: bool = False,
    token: str | None = None,
    message: str = "Upload with distilflow",
    create_pr: bool = False,
    revision: str | None = None,
    tag: str | None = None,
    on_progress: Callable[[Uploaded], None] = lambda _: None,
) -> str:
    """Push the files of a folder to a dataset repository, which is made if there is none; returns the address of the commit.

    Parquet files that lie beside pushed ones, and other files of an artifact that is pushed, are deleted in the same commit:
    they belong to what is replaced. The card is what `write_card` makes of the present one. `tag`: a name for this version,
    which no other version may have. A version whose labels were settled by strategies is tagged by these too, unless it is a
    pull request; a tag that an earlier version has stays there. `on_progress` is told before each large file is sent, and at
    the end of all.

    Raises:
        PushFailed: It says what to do.
    """
    check_repo_id(repo_id)
    secret = _checked(token)
    from huggingface_hub import CommitOperationAdd, CommitOperationDelete, HfApi

    api = HfApi(endpoint=os.environ.get("HF_ENDPOINT"), token=secret)
    with _clear_errors(repo_id, api.endpoint):
        repo_id = api.create_repo(repo_id, repo_type="dataset", private=private, exist_ok=True).repo_id
        if revision and not revision.startswith("refs/"):
            api.create_branch(repo_id, branch=revision, repo_type="dataset", exist_ok=True)
        strategies = [] if create_pr else strategy_tags(folder)
        taken = {ref.name for ref in api.list_repo_refs(repo_id, repo_type="dataset").tags} if tag or strategies else set()
        if tag in taken:
            raise PushFailed(f"{repo_id!r} has a version {tag!r} already; nothing was pushed", "choose another tag, or none")
        present = set(api.list_repo_files(repo_id, repo_type="dataset", revision=revision))
        card = write_card(repo_id, _present_card(api, repo_id, revision) if CARD in present else "")
        files = {path.relative_to(folder).as_posix(): path for path in folder.rglob("*") if path.is_file()}
        operations: list[Any] = [CommitOperationAdd(CARD, card.encode())]
        operations += [CommitOperationAdd(name, path) for name, path in sorted(files.items()) if name != CARD]
        operations += [CommitOperationDelete(name) for name in sorted(_replaced(present, set(files)))]
        _upload(
            api, repo_id, [one for one in operations if isinstance(one, CommitOperationAdd)], revision, create_pr, on_progress
        )
        commit = api.create_commit(
            repo_id, operations, commit_message=message, repo_type="dataset", revision=revision, create_pr=create_pr
        )
        for name in dict.fromkeys([*([tag] if tag else []), *(one for one in strategies if one not in taken)]):
            api.create_tag(repo_id, tag=name, revision=commit.oid, repo_type="dataset")
    return str(commit.pr_url or commit.commit_url)


def strategy_tags(folder: Path) -> list[str]:
    """What the strategies are called by which the labels of a Distiset were settled, such as "learned-v2-1f0c9a2b"."""
    tags = []
    for path in sorted(folder.glob(f"{ARTIFACTS}/*/{STRATEGY}/{METADATA}")):
        with suppress(OSError, ValueError):  # of an artifact without metadata the card says so
            said = orjson.loads(path.read_bytes())
            tags.append(said.get("tag") if isinstance(said, dict) else None)
    return list(dict.fromkeys(tag for tag in tags if isinstance(tag, str) and TAG.fullmatch(tag)))


def _upload(
    api: Any, repo_id: str, additions: list[Any], revision: str | None, create_pr: bool, on_progress: Callable[[Uploaded], None]
) -> None:
    """Send large files one by one, so that somebody can be told how far it is; small ones go with the commit."""
    total, done = sum(one.upload_info.size for one in additions), 0
    for addition in additions:
        on_progress(Uploaded(addition.path_in_repo, done, total))
        api.preupload_lfs_files(
            repo_id, [addition], repo_type="dataset", revision=revision, create_pr=create_pr, free_memory=False, num_threads=1
        )
        done += addition.upload_info.size
    on_progress(Uploaded("", total, total))


def check_repo_id(repo_id: str) -> None:
    """Say what is wrong with the name of a repository before anything is sent.

    Raises:
        PushFailed: It cannot be one.
    """
    name = repo_id.rpartition("/")[2]
    is_fit = _REPO_ID.fullmatch(repo_id) and len(repo_id) <= 96 and not name.endswith((".git", ".ipynb", "-", "."))
    if not is_fit or "--" in repo_id or ".." in repo_id:
        raise PushFailed(
            f"{repo_id!r} is no name of a dataset on the Hub",
            "write it as user/name or organization/name, with letters, digits, '-', '_' and '.'",
        )


def _checked(token: str | None) -> str | None:
    """The token without white space around it; what is no token never reaches an error message."""
    if token is None:
        return None
    if not (stripped := token.strip()) or not stripped.isascii() or not stripped.isprintable() or " " in stripped:
        raise PushFailed("the token that was given is none", "copy it anew from https://huggingface.co/settings/tokens")
    return stripped


def _present_card(api: Any, repo_id: str, revision: str | None) -> str:
    path = api.hf_hub_download(repo_id, CARD, repo_type="dataset", revision=revision)
    return Path(path).read_text(encoding="utf-8", errors="replace")


def _replaced(present: set[str], pushed: set[str]) -> set[str]:
    folders = {str(Path(name).parent) for name in pushed if name.endswith(".parquet")}
    artifacts = {_artifact(name) for name in pushed} - {None}
    left = present - pushed
    shards = {name for name in left if name.endswith(".parquet") and str(Path(name).parent) in folders}
    return shards | {name for name in left if _artifact(name) in artifacts}


def _artifact(name: str) -> tuple[str, str] | None:
    """Step and name of the artifact that a file belongs to."""
    match name.split("/", 3):
        case [folder, step, artifact, _] if folder == ARTIFACTS:
            return step, artifact
    return None


@contextmanager
def _clear_errors(repo_id: str, endpoint: str) -> Iterator[None]:
    from huggingface_hub.errors import HfHubHTTPError, LocalTokenNotFoundError, OfflineModeIsEnabled

    try:
        yield
    except DistilflowError:
        raise
    except LocalTokenNotFoundError as error:
        raise _no_token() from error
    except OfflineModeIsEnabled as error:
        raise PushFailed("the Hub is switched off here (HF_HUB_OFFLINE)", "unset HF_HUB_OFFLINE, then push again") from error
    except HfHubHTTPError as error:
        raise _refusal(repo_id, endpoint, error) from error
    except Exception as error:
        if isinstance(error, (ConnectionError, TimeoutError)) or type(error).__module__.startswith("httpx"):
            raise PushFailed(
                f"{endpoint} cannot be reached ({type(error).__name__})",
                "check the network and $HF_ENDPOINT; the Distiset is on disk, push it again later",
            ) from error
        raise PushFailed(f"the push to {repo_id!r} failed: {error}", "the Distiset is on disk; push it again") from error


def _refusal(repo_id: str, endpoint: str, error: Any) -> PushFailed:
    status = error.response.status_code
    said = error.server_message or f"status {status}"
    match status:
        case 401 if "Authorization" not in error.response.request.headers:
            return _no_token()
        case 401:
            return PushFailed(
                f"{endpoint} does not accept the token: {said}",
                "make a new one with write permission at https://huggingface.co/settings/tokens, then `hf auth login`",
            )
        case 403:
            return PushFailed(
                f"the token may not write to {repo_id!r}: {said}",
                "use a token with write permission, and a namespace (user or organization) that is yours",
            )
        case 404:
            return PushFailed(f"there is no {repo_id!r} that this token may see: {said}", "check its name and the revision")
        case 412:
            return PushFailed(f"somebody else changed {repo_id!r} at the same time", "push again")
        case 413 | 402:
            return PushFailed(f"{endpoint} has no room for this: {said}", "make room on the Hub, or push fewer rows")
        case 429:
            return PushFailed(f"{endpoint} takes no more requests for now: {said}", "wait some minutes, then push again")
        case _ if status >= 500:
            return PushFailed(f"{endpoint} failed: {said}", "wait, then push again; the Distiset is on disk")
    return PushFailed(f"{endpoint} refused the push to {repo_id!r}: {said}", "correct what it names, then push again")


def _no_token() -> PushFailed:
    return PushFailed("the Hub wants to know who you are, and no token was given", "`hf auth login`, or set $HF_TOKEN")
