from __future__ import annotations

import base64
import io
from pathlib import Path
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
        ({"bytes": b"GIF89a...", "path": "a.gif"}, "url", "data:image/gif;base64,"),
        ({"bytes": None, "path": "https://example.com/tide.jpg"}, "url", "https://example.com/tide.jpg"),
    ],
    ids=["url", "base64", "base64-in-lines", "data-url", "bytes", "hub", "hub-whatever-is-said", "hub-address"],
)
def test_an_image_becomes_an_address(image: object, kind: Kind, start: str) -> None:
    assert sent(image, kind).startswith(start)


@pytest.mark.parametrize(("mode", "kind"), [("RGB", "JPEG"), ("CMYK", "JPEG"), ("L", "JPEG"), ("RGBA", "PNG"), ("P", "PNG")])
def test_an_image_of_pillow_is_sent_whole(mode: str, kind: str) -> None:
    address = sent(Image.new(mode, (3, 2)), "PIL")

    read = Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2])))
    assert (read.size, read.format) == ((3, 2), kind)


def test_a_giant_is_refused_before_its_pixels_are_read() -> None:
    image = Image.new("L", (1, 1))
    image._size = (10_000, 10_000)  # as of a file that is open: only its head is known

    with pytest.raises(RowError, match="10,000 x 10,000 pixels") as raised:
        sent(image, "PIL")

    assert "smaller" in raised.value.fix


@pytest.mark.parametrize(
    ("image", "kind", "what"),
    [
        ("tide.jpg", "url", "no address"),
        (3, "url", "holds 3, no image"),
        ("  ", "url", "blank"),
        ([], "url", "empty list"),
        ("not base64!", "base64", "no base64"),
        ("tide.jpg", "PIL", "no address"),
        ({"path": "tide.jpg"}, "PIL", "no address"),
        ({"path": None}, "PIL", "no image"),
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


# ---- files
@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "images").mkdir()
    (tmp_path / "images" / "tide.png").write_bytes(b"\x89PNG\r\n\x1a\nrest")
    (tmp_path / "images" / "notes.txt").write_text("no image at all")
    (tmp_path / "secret.png").write_bytes(b"\x89PNG\r\n\x1a\nsecret")
    return tmp_path / "images"


@pytest.mark.parametrize("image", ["tide.png", {"bytes": None, "path": "tide.png"}], ids=["name", "hub"])
def test_a_name_is_a_file_of_the_folder(folder: Path, image: object) -> None:
    [message] = TextGenerationWithImage(images_dir=str(folder)).format_input({"instruction": "Look", "image": image})

    assert message["content"][1]["image_url"]["url"] == f"data:image/png;base64,{PNG}"


@pytest.mark.parametrize(
    ("name", "what"),
    [
        ("../secret.png", "outside of images_dir"),
        ("notes.txt", "is no image"),
        ("gone.png", "cannot be read"),
        (".", "cannot be"),
    ],
)
def test_nothing_but_images_of_the_folder_is_read(folder: Path, name: str, what: str) -> None:
    with pytest.raises(RowError, match=what):
        TextGenerationWithImage(images_dir=str(folder)).format_input({"instruction": "Look", "image": name})


def test_several_images_are_shown_together() -> None:
    row = {"instruction": "Compare them.", "image": ["https://a.example/1.png", b"GIF89a..."]}

    [message] = TextGenerationWithImage().format_input(row)

    assert [part["type"] for part in message["content"]] == ["text", "image_url", "image_url"]


@pytest.mark.parametrize(
    ("llm", "is_told"),
    [
        ({"use": "DeepSeekLLM", "model": "deepseek-chat"}, True),
        ({"use": "TransformersLLM", "model": "acme/small"}, True),
        ({"use": "OpenAILLM", "model": "gpt-4o-mini"}, False),
        ({"use": "AnthropicLLM", "model": "claude-haiku-4-5"}, False),
        ({"use": "RehearsalLLM"}, False),
    ],
    ids=lambda value: value["use"] if isinstance(value, dict) else "",
)
def test_a_model_that_cannot_see_is_told_before_the_run(llm: dict[str, str], is_told: bool) -> None:
    task = TextGenerationWithImage.model_validate({"llm": llm})

    assert any("cannot see" in str(complaint) for complaint in task.check()) is is_told
