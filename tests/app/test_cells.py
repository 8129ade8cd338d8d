from __future__ import annotations

import base64
import datetime as dt
import io
import json
from collections.abc import Callable
from typing import Any

import pytest
from PIL import Image

from app.handlers.cells import WHOLE, cell, rows_as_cells


def drawn(form: str, size: tuple[int, int] = (640, 480)) -> bytes:
    """A red picture."""
    made = io.BytesIO()
    Image.new("RGB", size, "red").save(made, form)
    return made.getvalue()


@pytest.mark.parametrize(
    ("column", "value", "kind"),
    [
        ("x", None, "none"),
        ("x", "<script>", "text"),
        ("x", 3, "number"),
        ("x", True, "flag"),
        ("rating", 4, "rating"),
        ("chosen_rating", 4.5, "rating"),
        ("rating", 97, "number"),
        ("ratings", [1, None, 5], "ratings"),
        ("chosen", [{"role": "user", "content": "hi"}], "chat"),
        ("generations", ["a", "b"], "list"),
        ("meta", {"a": 1}, "data"),
        ("image", {"bytes": b"123", "path": None}, "note"),
        ("image", {"bytes": drawn("PNG"), "path": "a.png"}, "image"),
        ("image", drawn("JPEG"), "image"),
        ("image", f"data:image/gif;base64,{base64.b64encode(drawn('GIF')).decode()}", "image"),
        ("image", "data:image/png;base64,?", "text"),
        ("images", [{"bytes": drawn("WEBP"), "path": None}, drawn("PNG")], "images"),
        ("image", {"$distilflow": ["image", "aGk="]}, "note"),
        ("when", dt.datetime(2026, 1, 1), "text"),
        ("mixed", [1, "a", {}], "data"),
        ("empty", [], "data"),
    ],
)
def test_a_value_is_shown_as_what_it_looks_like(column: str, value: Any, kind: str) -> None:
    assert cell(column, value)["kind"] == kind


def test_long_texts_are_cut_and_say_how_long_they_are() -> None:
    found = cell("x", "a" * 1000, clip=10)

    assert (found["text"], found["chars"]) == ("a" * 10, 1000)


def test_hostile_rows_stay_data() -> None:
    rows = rows_as_cells([{"<img onerror=x>": {"__proto__": {"a": 1}}, "t": "\ud800 lone"}])

    assert rows[0]["t"]["text"] == "? lone"
    assert list(rows[0]) == ["<img onerror=x>", "t"]


def test_images_are_sent_small_in_a_table_and_larger_alone_and_tell_their_own_size() -> None:
    image = {"bytes": drawn("PNG", (3000, 1500)), "path": None}
    small, large = cell("x", image), cell("x", image, WHOLE)

    assert (small["width"], small["height"]) == (large["width"], large["height"]) == (3000, 1500)
    assert [size_of(one["src"]) for one in (small, large)] == [(320, 160), (1280, 640)]


def test_messages_with_images_show_them_between_their_texts_and_fetch_none() -> None:
    address = f"data:image/png;base64,{base64.b64encode(drawn('PNG')).decode()}"
    content = [
        {"type": "text", "text": "What is this?"},
        {"type": "image_url", "image_url": {"url": address}},
        {"type": "image_url", "image_url": {"url": "https://example.com/x.png"}},
    ]
    [turn] = cell("messages", [{"role": "user", "content": content}])["items"]
    written = [{"role": "user", "content": json.dumps(content)}, {"role": "assistant", "content": '"A wall."'}]
    assert [one["text"] for one in cell("messages", written)["items"]] == [turn["text"], "A wall."]

    assert turn["text"] == "What is this?\n[image: https://example.com/x.png]"
    assert [size_of(one["src"]) for one in turn["images"]] == [(320, 240)]


@pytest.mark.parametrize(
    "damage", [lambda data: data[:-200], lambda data: data[:20], lambda data: b"\x89PNG\r\n\x1a\n" + data[9:]]
)
def test_torn_images_and_giants_are_told_by_their_size(damage: Callable[[bytes], bytes]) -> None:
    assert cell("x", {"bytes": damage(drawn("PNG")), "path": None})["kind"] == "note"
    assert cell("x", damage(drawn("PNG")))["kind"] == "note"
    assert cell("x", {"bytes": drawn("PNG", (9000, 9000)), "path": None})["kind"] == "note"


def size_of(address: str) -> tuple[int, int]:
    return Image.open(io.BytesIO(base64.b64decode(address.partition(",")[2]))).size


def test_a_photo_that_was_taken_upright_stands_upright() -> None:
    exif = Image.Exif()
    exif[0x0112] = 6
    made = io.BytesIO()
    Image.new("RGB", (640, 480), "red").save(made, "JPEG", exif=exif)

    shown = cell("x", made.getvalue())

    assert (shown["width"], shown["height"], size_of(shown["src"])) == (480, 640, (240, 320))


def test_a_list_of_images_is_none_where_one_cannot_be_read() -> None:
    address = f"data:image/png;base64,{base64.b64encode(drawn('PNG')).decode()}"

    assert cell("x", [address, address])["kind"] == "images"
    assert cell("x", [address, "data:image/png;base64,AAAA"])["kind"] == "list"
    assert cell("x", [{"bytes": b"no image", "path": None}])["kind"] == "data"


def test_more_images_than_one_answer_has_time_for_are_named_and_equal_ones_are_read_once() -> None:
    wide = [{"image": drawn("PNG", (5000, 5000 + at))} for at in range(8)]
    equal = [{"image": drawn("PNG", (5001, 4999))}] * 30

    assert [row["image"]["kind"] for row in rows_as_cells(wide)] == ["image"] * 6 + ["note"] * 2
    assert {row["image"]["kind"] for row in rows_as_cells(equal)} == {"image"}
    assert [row["image"]["kind"] for row in rows_as_cells(wide[::-1])] == ["image"] * 8  # six of them are known by now
