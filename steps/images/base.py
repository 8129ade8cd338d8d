"""What a model that makes pictures is to a step: words in, the bytes of image files out."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import Field, SerializeAsAny

from steps.llms.base import Responder, Sampled
from steps.registry import Kind
from steps.secrets import TRANSPORT


class ImageGenerationModel(Responder, Sampled):
    """A model that makes pictures. The texts of its replies are images, as addresses (`steps.images.files`)."""

    kind: ClassVar[Kind] = "images"
    example: ClassVar[str] = "OpenAIImageGeneration"
    rehearsal: ClassVar[str] = "RehearsalImageGeneration"
    is_cheap_to_try: ClassVar[bool] = False

    generation_kwargs: dict[str, Any] = Field(
        default_factory=dict, description="What the picture is to be like: size, quality, style, ..."
    )
    max_concurrency: int = Field(default=8, ge=1, description="Most requests in flight at a time.", json_schema_extra=TRANSPORT)


AnyImageModel = SerializeAsAny[ImageGenerationModel]
