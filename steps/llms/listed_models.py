"""What a server of OpenAI's protocol says of its models for nothing: GET /models."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from urllib.parse import quote

from steps.errors import ModelNotFound
from steps.llms.addresses import url_of
from steps.llms.chat_replies import object_of
from steps.llms.http import Answer
from steps.llms.provider_errors import classify
from steps.llms.server_model import Wire

_SAYS_NOTHING = (403, 404, 405, 501)
"""There is no list, or the key is one that may make things and not read what there is."""
_MODELS = "a list of models"


async def is_listed(wire: Wire, base_url: str, model: str, account: int) -> bool:
    """Whether the server takes the key of an account and lists the model. False: it does not say.

    Raises:
        LLMError: It refuses the key, does not know the model, or cannot be asked.
    """
    target = replace(wire.targets[account], path="/models")

    async def get(path: str) -> Answer:
        return await wire.endpoint.send("GET", url_of(base_url, path), wire.headers[account])

    answer = await get("models")
    if answer.status in _SAYS_NOTHING:
        return False
    if model in _names(object_of(answer, target, _MODELS)):
        return True
    alone = await get(f"models/{quote(model, safe='')}")  # other names of a model may stand in no list
    if 200 <= alone.status < 300:
        return True
    error = classify(alone.status, alone.body, alone.headers, target)
    if isinstance(error, ModelNotFound):
        raise ModelNotFound(f"{target.base_url} does not list the model {model!r}", "check `model`, and what the key may use")
    raise error


def _names(body: dict[str, Any]) -> set[Any]:
    data = body.get("data")
    return {one.get("id") for one in data if isinstance(one, dict)} if isinstance(data, list) else set()
