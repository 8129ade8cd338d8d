"""A local Hugging Face Hub in memory, for the real `huggingface_hub` and `datasets` clients.

The clients read their environment when they are imported, so a test runs them in a subprocess with
HF_ENDPOINT set to the URL, HF_TOKEN and HF_HUB_DISABLE_XET=1 (the fake speaks LFS, not Xet).

Example:
    >>> hub = FakeHub()
    >>> with running(hub) as url:  # from tests.fakes.serving
    ...     run_client(env=os.environ | hub.client_env(url))
    >>> hub.repo("dataset", "my-org/my-data").read("README.md")
"""

from tests.fakes.hub.app import FakeHub
from tests.fakes.hub.repo import Commit, HubError, Repo, StoredFile

__all__ = ["Commit", "FakeHub", "HubError", "Repo", "StoredFile"]
