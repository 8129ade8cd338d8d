"""Publishing a result on the Hub."""

from __future__ import annotations

import os
from typing import Any

from flows.hub import check_repo_id
from flows.runs import RunFolder
from steps.errors import DistilflowError, RunError


def token_is_set() -> bool:
    """Whether this machine has a token for the Hub in its environment."""
    return bool(os.environ.get("HF_TOKEN"))


def push_result(run: RunFolder, repo_id: str, *, is_private: bool, token: str | None) -> str:
    """Push a run's result; returns the address of the data set. The token is used and forgotten.

    Raises:
        RunError: There is no result, no token, or the name is none.
        PushFailed: The Hub refused; the message says why.
    """
    repo_id = repo_id.strip()
    if not repo_id:
        raise RunError("there is no repository to push to", "name it as owner/name, such as my-org/preference-data")
    check_repo_id(repo_id)
    token = (token or "").strip() or os.environ.get("HF_TOKEN")
    if not token:
        raise RunError("there is no token for the Hub", "enter one, or set HF_TOKEN and start the app again")
    if not run.distiset.is_dir():
        raise RunError(f"run {run.run_id!r} has no result yet", "wait for its end, or stop it and keep what is finished")
    from flows.distiset import Distiset

    return str(Distiset.load_from_disk(run.distiset).push_to_hub(repo_id, private=is_private, token=token))


def words_of(error: Exception, entered: str | None = None) -> dict[str, Any]:
    """What went wrong, without the token."""
    if isinstance(error, DistilflowError):
        said, fix = error.message, error.fix
    else:
        said, fix = f"{type(error).__name__}: {error}", ""
    for token in (entered, os.environ.get("HF_TOKEN")):
        if token:
            said, fix = said.replace(token, "•••"), fix.replace(token, "•••")
    return {"what": said, "fix": fix}
