"""Publishing a result on the Hub."""

from __future__ import annotations

import os
import queue
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from flows.card import addressed, read_front_matter, with_configs
from flows.distiset.by_hand import rows_left
from flows.distiset.folders import CARD
from flows.distiset.parts import standing_of
from flows.distiset.publishing import prepared
from flows.hub import TAG, Uploaded, check_repo_id, push_folder
from flows.runs import RunFolder
from steps.errors import DistilflowError, RunError

LICENCES = {
    "Decide later": "",
    "Apache-2.0": "apache-2.0",
    "MIT": "mit",
    "CC-BY-4.0": "cc-by-4.0",
    "CC-BY-SA-4.0": "cc-by-sa-4.0",
    "CC-BY-NC-4.0": "cc-by-nc-4.0",
    "CC0-1.0": "cc0-1.0",
    "ODC-BY": "odc-by",
    "Other": "other",
}
"""Licences as the Hub knows them, by the name that people read."""


def token_is_set() -> bool:
    """Whether this machine has a token for the Hub in its environment."""
    return bool(os.environ.get("HF_TOKEN"))


@dataclass(frozen=True, slots=True)
class Wish:
    """What to push a result as. `licence` is an id of the Hub ("" for none yet), `tag` names the version ("" for no name)."""

    repo_id: str
    is_private: bool = True
    token: str | None = None
    licence: str = ""
    tag: str = ""


def push_result(run: RunFolder, wish: Wish, on_progress: Callable[[Uploaded], None] = lambda _: None) -> str:
    """Push a run's result with its changes; returns the address of the data set. The token is used and forgotten.

    Raises:
        RunError: There is no result, no token, or the name or the tag is none.
        PushFailed: The Hub refused; the message says why.
    """
    repo_id, tag = wish.repo_id.strip(), wish.tag.strip()
    if not repo_id:
        raise RunError("there is no repository to push to", "name it as owner/name, such as my-org/preference-data")
    check_repo_id(repo_id)
    if tag and not TAG.fullmatch(tag):
        raise RunError(f"{tag!r} cannot be a version tag", "use letters, digits, '-', '_' and '.', or leave it empty")
    if wish.licence and wish.licence not in LICENCES.values():
        raise RunError(f"{wish.licence!r} is no licence of the list", "choose one, or leave it open")
    token = (wish.token or "").strip() or os.environ.get("HF_TOKEN")
    if not token:
        raise RunError("there is no token for the Hub", "enter one, or set HF_TOKEN and start the app again")
    standing = standing_of(run)
    rows = rows_left(run.report().rows, standing)
    with prepared(run, wish.licence or None) as folder:

        def card(repo: str, present: str) -> str:
            written = addressed((folder / CARD).read_text(encoding="utf-8"), repo)
            others = read_front_matter(present)[0].get("configs") or ()
            return with_configs(written, read_front_matter(written)[0].get("configs") or (), others)

        return push_folder(
            folder,
            repo_id,
            card,
            private=wish.is_private,
            token=token,
            message=f"Add {rows:,} rows made with distilflow",
            tag=tag or None,
            on_progress=on_progress,
        )


def push_in_steps(run: RunFolder, wish: Wish) -> Iterator[dict[str, Any]]:
    """Push, and tell how far it is: `file`, `done` and `total` bytes, then `url`, or `what` went wrong.

    The push goes on when nobody listens any more.
    """
    told: queue.SimpleQueue[dict[str, Any]] = queue.SimpleQueue()

    def work() -> None:
        try:
            url = push_result(run, wish, lambda at: told.put({"file": at.file, "done": at.done, "total": at.total}))
        except Exception as error:  # whatever the Hub's client raises, its words are shown without the token
            told.put(words_of(error, wish.token))
        else:
            told.put({"url": url})

    threading.Thread(target=work, name=f"push-{run.run_id}", daemon=True).start()
    while True:
        step = told.get()
        yield step
        if "url" in step or "what" in step:
            return


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
