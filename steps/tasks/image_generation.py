"""Ask a model for pictures."""

from __future__ import annotations

import io
from collections.abc import Mapping, Sequence
from typing import Any, ClassVar, Literal

from pydantic import Field

from steps.base import Group, Row, require_values
from steps.errors import BadReply
from steps.images.base import AnyImageModel
from steps.images.files import file_in
from steps.images.reading import opened
from steps.images.rehearsal_image_generation import RehearsalImageGeneration
from steps.llms.base import Ask, Chat, Request, Responder
from steps.row_texts import filled_text_in
from steps.tasks.asking import AskingStep

PROMPT = "prompt"


class ImageGeneration(AskingStep):
    """Makes a picture of each prompt.

    Pictures are bytes of a file, as data sets of the Hub keep them (`datasets.Image`). Each is kept as soon as it is there, so
    none is paid for twice. A later task writes a `model_name` of its own: `output_mappings: {model_name: painter}` keeps both.

    Example:
        >>> [row] = ImageGeneration().process([{"prompt": "a red fox"}])
        >>> sorted(row), row["image"]["bytes"][:4]
        (['image', 'model_name', 'prompt'], b'\\x89PNG')
    """

    group: ClassVar[Group] = "ask"
    inputs: ClassVar[tuple[str, ...]] = (PROMPT,)
    outputs: ClassVar[tuple[str, ...]] = ("image", "model_name")

    image_generation_model: AnyImageModel = Field(
        default_factory=RehearsalImageGeneration,
        description="The model that makes the pictures.",
        examples=[{"use": "OpenAIImageGeneration", "model": "gpt-image-1"}],
    )
    num_generations: int = Field(default=1, ge=1, le=100, description="Pictures per row.")
    group_generations: bool = Field(
        default=False, description="Put the pictures of a row into a list instead of into rows of their own."
    )
    image_format: Literal["JPEG", "PNG", "WEBP"] | None = Field(
        default=None, description="Turn pictures into files of this kind. Empty: as the model made them."
    )

    def models(self) -> Mapping[str, Responder]:
        return {"": self.image_generation_model}

    def preferred_pool(self) -> str:
        return self.image_generation_model.default_pool

    def may_change_rows(self) -> bool:
        return self.num_generations > 1 and not self.group_generations

    def first_chats(self, row: Row) -> Sequence[Chat]:
        return [[{"role": "user", "content": filled_text_in(row, PROMPT)}]]

    def format_output(self, text: str, row: Row) -> Row:
        try:
            file = file_in(text)
        except ValueError as error:
            raise BadReply(f"the reply is {error}", "ask again", text[:200]) from error
        return {"image": {"bytes": self._turned(file), "path": None}}

    async def answer(self, row: Row, ask: Ask) -> list[Row]:
        require_values(row, self.needs())
        [chat] = self.first_chats(row)
        completion = await ask(Request(chat, self.num_generations, row=row, asker=self.name or ""))
        images = [self.format_output(text, row)["image"] for text in completion.texts]
        named: Row = {"model_name": completion.model_name}
        if self.group_generations:
            return [{**row, "image": images, **named}]
        return [{**row, "image": image, **named} for image in images]

    def _turned(self, file: bytes) -> bytes:
        if self.image_format is None:
            return file
        made = io.BytesIO()
        try:
            with opened(file, "leave image_format empty, or ask the model for smaller ones") as image:
                if image.format == self.image_format:
                    return file
                fits: Any = image if self.image_format != "JPEG" or image.mode in ("RGB", "L") else image.convert("RGB")
                fits.save(made, self.image_format)
        except (OSError, ValueError, SyntaxError) as error:
            raise BadReply(f"the picture cannot be read: {error}", "leave image_format empty", "") from error
        return made.getvalue()
