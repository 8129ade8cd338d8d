from __future__ import annotations

from typing import Any

import pytest

from steps.errors import RowError
from steps.llms.anthropic_wire import wire_chat
from steps.tasks import ChatGeneration

GIF = b"GIF89a..."
OF_GIF = "data:image/gif;base64,R0lGODlhLi4u"


def sent(part: Any) -> Any:
    chat = [{"role": "user", "content": [{"type": "text", "text": "Look", "image": None}, part]}]
    [message] = ChatGeneration().format_input({"messages": chat})
    assert message["content"][0] == {"type": "text", "text": "Look"}
    return message["content"][1]


@pytest.mark.parametrize(
    ("part", "url"),
    [
        ({"type": "image_url", "image_url": {"url": "https://a.example/1.png"}}, "https://a.example/1.png"),
        ({"type": "image", "source": {"type": "url", "url": "https://a.example/1.png"}}, "https://a.example/1.png"),
        ({"type": "image", "source": {"type": "base64", "media_type": "image/gif", "data": OF_GIF[22:]}}, OF_GIF),
        ({"type": "image", "image": "https://a.example/1.png"}, "https://a.example/1.png"),
        ({"type": "image", "image": GIF, "text": None}, OF_GIF),
        ({"type": "image", "image": {"bytes": GIF, "path": None}}, OF_GIF),
    ],
    ids=["openai", "anthropic-address", "anthropic", "address", "bytes", "hub"],
)
def test_an_image_in_a_chat_is_sent_however_it_is_written(part: dict[str, Any], url: str) -> None:
    assert sent(part) == {"type": "image_url", "image_url": {"url": url}}


def test_anthropic_gets_it_as_a_source() -> None:
    part = sent({"type": "image", "image": GIF})

    [message] = wire_chat([{"role": "user", "content": [part]}])["messages"]

    source = {"type": "base64", "media_type": "image/gif", "data": OF_GIF.partition(",")[2]}
    assert message["content"] == [{"type": "image", "source": source}]


@pytest.mark.parametrize("image", [b"no image", 3, {"bytes": None}])
def test_what_is_no_image_is_refused(image: object) -> None:
    with pytest.raises(RowError, match="has an image that is none"):
        sent({"type": "image", "image": image})
