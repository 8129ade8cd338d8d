"""Pictures from Hugging Face: its own inference, or an Inference Endpoint."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field

from steps.errors import ServerFailed
from steps.images.base import ImageGenerationModel
from steps.images.files import data_address, kind_of
from steps.llms.base import Completion, Request, Usage
from steps.llms.http import Answer
from steps.llms.openai_server import HuggingFaceServer
from steps.llms.provider_errors import Target, classify
from steps.llms.server_model import Wire
from steps.secrets import TRANSPORT

_ROUTER = "https://router.huggingface.co/hf-inference/models"


class InferenceEndpointsImageGeneration(HuggingFaceServer, ImageGenerationModel):
    """Asks a model at Hugging Face, or an Inference Endpoint, for pictures.

    `model_id` is asked at `hf-inference`; `endpoint_name` is an Inference Endpoint of your own, whose address is looked up at
    the Hub; `base_url` is any server of its kind. `generation_kwargs`: `negative_prompt`, `height`, `width`,
    `num_inference_steps`, `guidance_scale`, `seed`.

    Example:
        >>> InferenceEndpointsImageGeneration(model_id="black-forest-labs/FLUX.1-schnell").endpoint
        'https://router.huggingface.co/hf-inference/models/black-forest-labs/FLUX.1-schnell'
    """

    reaches: ClassVar[str] = "Hugging Face"

    model_id: str | None = Field(
        default=None, description="Name of a repository of the Hub.", examples=["black-forest-labs/FLUX.1-schnell"]
    )
    timeout: float = Field(default=300, gt=0, description="Seconds to wait for a picture.", json_schema_extra=TRANSPORT)

    @property
    def endpoint(self) -> str:
        if self.endpoint_name is not None:
            return super().endpoint
        return self.base_url.rstrip("/") if self.base_url else f"{_ROUTER}/{self._model_id}"

    @property
    def _path_of_endpoints(self) -> str:
        return ""

    def _prepare(self) -> Wire:
        given = {name: value for name, value in self.generation_kwargs.items() if value is not None}
        body = {"parameters": given} if given else {}
        return self._wire_at([""], body, {"Accept": "image/png"})

    async def complete(self, request: Request) -> Completion:
        """One picture of what the chat says; more are asked for one by one."""
        wire, target = self._loaded, self._loaded.targets[request.account]
        body = {**wire.body, "inputs": str(request.chat[-1]["content"])}
        seed = self.generation_kwargs.get("seed")
        if request.have and isinstance(seed, int):  # the same seed would give the same picture
            body["parameters"] = {**body["parameters"], "seed": seed + request.have}
        answer = await self._post(wire.endpoint, body, wire.headers[request.account])
        return Completion([_image(answer, target)], self.model_name, Usage(images=1), headers=answer.headers)


def _image(answer: Answer, target: Target) -> str:
    if not 200 <= answer.status < 300:
        raise classify(answer.status, answer.body, answer.headers, target)
    if kind_of(answer.body) is None:
        seen: Any = target.excerpt(answer.body[:2000])
        raise ServerFailed(
            f"{target} answered, but not with an image; it said {answer.status}: {seen or '(nothing)'}",
            "check base_url, and that the model is one for images",
        )
    return data_address(answer.body)
