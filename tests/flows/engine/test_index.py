"""Records are found by their keys, whatever a power cut left of the files."""

from __future__ import annotations

import asyncio
import hashlib
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.engine.codec import decode, encode
from flows.engine.index import Index, segments
from flows.engine.journal import Entry, Journal
from flows.engine.ledger import SegmentReader, SegmentWriter, frames_in
from steps.llms.base import Completion, Usage


def key_of(number: int) -> bytes:
    return hashlib.blake2b(str(number).encode(), digest_size=16).digest()


def row_of(number: int) -> dict[str, str]:
    return {"text": hashlib.sha256(str(number).encode()).hexdigest() * 3}


def append(writer: SegmentWriter, records: list[tuple[bytes, list[dict[str, str]]]]) -> None:
    keys, rows = [key for key, _ in records], [made for _, made in records]
    writer.append(keys, [b",".join(map(encode, made)) for made in rows], list(map(len, rows)))


def found(index: Index, key: bytes) -> list[dict[str, str]] | None:
    """The rows of a record, read from where the index says."""
    if (place := index.get(key)) is None:
        return None
    reader = SegmentReader()
    rows: list[dict[str, str]] = decode(reader.rows(place))
    reader.close()
    assert len(rows) == place.rows
    return rows


Files = list[list[list[tuple[int, int]]]]
"""Files of frames of records: number of the key, and rows."""


@settings(max_examples=60, deadline=None)
@given(st.lists(st.lists(st.lists(st.tuples(st.integers(0, 30), st.integers(0, 3)), min_size=1), max_size=4), max_size=4))
def test_every_record_is_found_and_of_equal_keys_the_first(tmp_path_factory: pytest.TempPathFactory, files: Files) -> None:
    folder = tmp_path_factory.mktemp("index")
    first: dict[int, list[dict[str, str]]] = {}
    records = 0
    for number, frames in enumerate(files):
        writer = SegmentWriter(folder / f"{number}.seg")
        for frame in frames:
            rows = [(key, [row_of(records + at)] * count) for at, (key, count) in enumerate(frame)]
            append(writer, [(key_of(key), made) for key, made in rows])
            records += len(frame)
            for key, made in rows:
                first.setdefault(key, made)
        writer.close()
        (folder / f"{number}.seg").touch()  # a file without frames is no hindrance

    index = Index(segments([folder]))

    assert len(index) == records
    assert {number: found(index, key_of(number)) for number in range(31)} == {number: first.get(number) for number in range(31)}


def test_keys_that_share_their_first_half_are_told_apart(tmp_path: Path) -> None:
    keys = [b"\xff" * 8 + bytes([number]) * 8 for number in range(5)]
    writer = SegmentWriter(tmp_path / "a.seg")
    append(writer, [(key, [{"n": str(number)}]) for number, key in enumerate(keys[:4])])
    writer.close()

    index = Index([tmp_path / "a.seg"])

    assert [found(index, key) for key in keys] == [*([{"n": str(number)}] for number in range(4)), None]


def test_numpy_is_loaded_only_where_there_is_something_to_find() -> None:
    program = "import sys; from flows.engine.worker import work; from flows.engine.index import Index; Index(()); "
    program += "print('numpy' in sys.modules)"
    said = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)

    assert said.stdout.strip() == "False"


# ---- power cuts


def _ledger(path: Path) -> None:
    writer = SegmentWriter(path)
    for start in range(0, 60, 3):
        append(writer, [(key_of(number), [row_of(number)] * (number % 3)) for number in range(start, start + 3)])
        writer.sync()
    writer.close()


def _journal(path: Path) -> None:
    async def go() -> None:
        journal = Journal(path.parent, path.stem)
        await journal.open()
        for number in range(20):  # each waits for its own commit
            text = row_of(number)["text"]
            completion = Completion([text], "m", Usage(3, 2), ["stop"])
            chat = [{"role": "user", "content": text[::-1]}]
            await journal.keep(key_of(number), Entry("answer", str(number), "m", chat, 1, None, completion, 1.0, 0.1, 1, None))
        await journal.close()

    asyncio.run(go())


@pytest.mark.parametrize("write", [_ledger, _journal], ids=["ledger", "journal"])
def test_a_power_cut_loses_only_the_frames_it_reached(tmp_path: Path, write: Callable[[Path], None]) -> None:
    """Cut, zero-filled and garbled at every byte of the last 4 KiB."""
    path = tmp_path / "whole" / "a.seg"
    write(path)
    whole, frames = path.read_bytes(), list(frames_in(path))
    assert len(whole) > 4096
    reader, index = SegmentReader(), Index([path])
    places = [[index.get(frame.keys[at : at + 16]) for at in range(0, 16 * frame.records, 16)] for frame in frames]
    bodies = [[reader.rows(place)[1:-1] for place in those if place] for those in places]
    assert [len(those) for those in bodies] == [frame.records for frame in frames]
    broken = tmp_path / "broken.seg"
    for at in range(len(whole) - 4096, len(whole)):
        left = [number for number, frame in enumerate(frames) if frame.end <= at]
        for tail in (b"", bytes(len(whole) - at), bytes(byte ^ 0x5A for byte in whole[at:])):
            broken.write_bytes(whole[:at] + tail)
            shown = list(frames_in(broken))
            assert [frame.bodies() for frame in shown[-1:]] == [bodies[number] for number in left[-1:]]
            assert [frame.offset for frame in shown] == [frames[number].offset for number in left]
        if at % 16 == 0:  # what lies there is found by its key, and what was torn is not
            index = Index([broken])
            assert len(index) == sum(frames[number].records for number in left)
            for number, frame in enumerate(frames):
                is_there = [index.get(frame.keys[start : start + 16]) is not None for start in range(0, 16 * frame.records, 16)]
                assert is_there == [number in left] * frame.records
