from __future__ import annotations

import base64
import io
from typing import Any, Literal

import pytest
from PIL import Image

from steps.errors import RowError
from steps.llms.scripted_llm import ScriptedLLM
from steps.tasks.text_generation_with_image import TextGenerationWithImage

PNG = base64.b64encode(b"\x89PNG\r\n\x1a\nrest").decode()
JPEG = base64.b64encode(b"\xff\xd8\xff\xe0rest").decode()
Kind = Literal["url", "base64", "PIL"]


def sent(image: Any, kind: Kind) -> str:
    [message] = TextGenerationWithImage(image_type=kind).format_input({"instruction": "What is this?", "image": image})
    text, shown = message["content"]
    assert text == {"type": "text", "text": "What is this?"}
    return str(shown["image_url"]["url"])


@pytest.mark.parametrize(
    ("image", "kind", "start"),
    [
        ("https://example.com/tide.jpg", "url", "https://example.com/tide.jpg"),
        (PNG, "base64", f"data:image/png;base64,{PNG}"),
        (f"{JPEG[:5]}\n{JPEG[5:]}\n", "base64", f"data:image/jpeg;base64,{JPEG}"),
        (f"data:image/gif;base64,{PNG}", "base64", f"data:image/gif;base64,{PNG}"),
        (b"GIF89a...", "PIL", "data:image/gif;base64,"),
        ({"bytes": b"RIFF....WEBP", "path": None}, "PIL", "data:image/webp;base64,"),
    ],
    ids=["url", "base64", "base64-in-lines", "data-url", "bytes", "hub"],
)
def test_an_image_becomes_an_address(image: object, kind: Kind, start: str) -> None:
    assert sent(image, kind).startswith(start)


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("CMYK", "JPEG"), ("L", "JPEG"), ("RGBA", "PNG"), ("P", "PNG")])
def test_an_image_of_pillow_is_sent_whole(mode: str, kind: str) -> None:
    address = sent(Image.new(mode, (3, 2)), "PIL")

    read = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    assert (read.size, read.format) == ((3, 2), kind)


@pytest.mark.parametrize(
    ("image", "kind", "what"),
    [
        ("tide.jpg", "url", "no address"),
        (3, "url", "holds 3, not text"),
        ("  ", "url", "not text"),
        ("not base64!", "base64", "no base64"),
        ("tide.jpg", "PIL", "no image"),
        ({"path": "tide.jpg"}, "PIL", "no image"),
        (b"", "PIL", "no image"),
    ],
)
def test_what_is_no_image_is_refused(image: object, kind: Kind, what: str) -> None:
    with pytest.raises(RowError, match=what):
        sent(image, kind)


def test_a_role_and_a_template_work_as_for_texts() -> None:
    llm = ScriptedLLM(replies=["A tide."])
    task = TextGenerationWithImage(llm=llm, system_prompt="Be brief.", template="What is {{ it }}?", columns="it")

    [row] = task.process([{"it": "this", "image": "https://example.com/tide.jpg"}])

    assert row["generation"] == "A tide."
    assert [message["role"] for message in llm.requests[0].chat] == ["system", "user"]
