"""What a data set on the Hub holds: one of its files, its columns and first rows. $HF_ENDPOINT and $HF_TOKEN are honoured."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import Any

from flows.hub_addresses import DataSet, endpoint
from flows.spec.text import MAX_BYTES
from steps.errors import DistilflowError, SpecError

ROWS = 5


class HubProblem(SpecError):
    """The Hub does not have it, does not give it, or cannot be reached."""

    code = "hub"


def read_text(data_set: DataSet, path: str, *, is_public: bool = False) -> str:
    """A text file of a data set's repository. `is_public`: without this machine's token.

    Raises:
        HubProblem: There is none, it is larger than a pipeline may be, or the Hub does not give it.
    """
    from huggingface_hub import HfApi, hf_hub_download

    repo_id, revision = data_set
    with _clear_errors(repo_id):
        token = False if is_public else None
        api = HfApi(endpoint=endpoint(), token=token)
        found = api.get_paths_info(repo_id, [path], repo_type="dataset", revision=revision)
        if not found:
            raise HubProblem(
                f"{repo_id!r} holds no {path}",
                "data sets that distilflow or distilabel pushed have one; to read its rows, start from a Hub dataset",
            )
        if (getattr(found[0], "size", None) or 0) > MAX_BYTES:
            raise HubProblem(f"{path} of {repo_id!r} has more than {MAX_BYTES / 1e6:.0f} MB", "name a pipeline")
        local = hf_hub_download(repo_id, path, repo_type="dataset", revision=revision, endpoint=endpoint(), token=token)
        return Path(local).read_text(encoding="utf-8")


def first_rows(
    data_set: DataSet, config: str | None = None, split: str | None = None, rows: int = ROWS, *, is_public: bool = False
) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """Parameters of LoadDataFromHub for a data set, and the first rows that it gives.

    Without `config` and `split` the first ones are taken: `default` and `train`, where they are there. `is_public`: without
    this machine's token.

    Raises:
        HubProblem: There is no such data set, or it cannot be read.
    """
    repo_id, revision = data_set
    with _clear_errors(repo_id):
        import datasets

        more: dict[str, Any] = {"revision": revision, "token": False if is_public else None}
        configs = datasets.get_dataset_config_names(repo_id, **more)
        config = config or ("default" if "default" in configs else configs[0])
        splits = datasets.get_dataset_split_names(repo_id, config, **more)
        split = split or ("train" if "train" in splits else splits[0])
        params: dict[str, Any] = {"repo_id": repo_id}
        if config != "default":
            params["config"] = config
        if split != "train":
            params["split"] = split
        if revision:
            params["revision"] = revision
        found = datasets.load_dataset(repo_id, config, split=split, streaming=True, **more)
        return params, list(islice(found, rows))


def _nobody(repo_id: str) -> HubProblem:
    fix = "check its name; a private one needs a token in $HF_TOKEN"
    return HubProblem(f"there is no data set {repo_id!r} on the Hub, or it is private", fix)


@contextmanager
def _clear_errors(repo_id: str) -> Iterator[None]:
    from huggingface_hub.errors import (
        EntryNotFoundError,
        GatedRepoError,
        HfHubHTTPError,
        LocalEntryNotFoundError,
        OfflineModeIsEnabled,
        RepositoryNotFoundError,
        RevisionNotFoundError,
    )

    try:
        yield
    except HubProblem:
        raise
    except OfflineModeIsEnabled as error:
        raise HubProblem("the Hub is switched off here (HF_HUB_OFFLINE)", "unset HF_HUB_OFFLINE and start again") from error
    except GatedRepoError as error:
        raise HubProblem(f"{repo_id!r} is gated", "ask for access on its page, and set $HF_TOKEN") from error
    except RevisionNotFoundError as error:
        raise HubProblem(f"{repo_id!r} has no such revision", "leave it out for the newest") from error
    except RepositoryNotFoundError as error:
        raise _nobody(repo_id) from error
    except LocalEntryNotFoundError as error:
        raise HubProblem(f"{endpoint()} cannot be reached", "check the network and $HF_ENDPOINT") from error
    except EntryNotFoundError as error:
        raise HubProblem(f"{repo_id!r} holds no such file", "check its files on the Hub") from error
    except HfHubHTTPError as error:
        raise HubProblem(f"{endpoint()} refused {repo_id!r}: {error.server_message or error}", "try again later") from error
    except DistilflowError as error:
        raise HubProblem(error.message, error.fix) from error
    except UnicodeDecodeError as error:
        raise HubProblem(f"the file of {repo_id!r} is not UTF-8 text", "import a pipeline file") from error
    except Exception as error:  # what its clients raise for data sets that they cannot read
        if isinstance(error, (ConnectionError, TimeoutError)) or type(error).__module__.startswith("httpx"):
            raise HubProblem(f"{endpoint()} cannot be reached", "check the network and $HF_ENDPOINT") from error
        if type(error).__name__ == "DatasetNotFoundError":  # of `datasets`, which is imported late
            raise _nobody(repo_id) from error
        said = " ".join(str(error).split())[:300]
        raise HubProblem(f"{repo_id!r} cannot be read: {said}", "check its name, configuration and split") from error
