"""Records on disk, as they are read back."""

from __future__ import annotations

import tracemalloc
from pathlib import Path

import pytest

from flows.engine import ledger
from flows.engine.items import KEY_BYTES
from flows.engine.ledger import SegmentReader, SegmentWriter

RECORDS, RECORD_BYTES = 50, 10_000


def frames(path: Path, count: int) -> list[int]:
    """Write so many frames; returns where they begin."""
    writer, offsets = SegmentWriter(path), []
    for number in range(count):
        keys = [b"%d" % record * KEY_BYTES for record in range(RECORDS)]
        bodies = [b'"%d"' % (number * RECORDS + record) + b" " * RECORD_BYTES for record in range(RECORDS)]
        [frame] = writer.append([key[:KEY_BYTES] for key in keys], bodies, [1] * RECORDS)
        offsets.append(frame.offset)
    writer.close()
    return offsets


@pytest.mark.parametrize(("frames_kept", "bytes_kept"), [(256, 2 * RECORDS * RECORD_BYTES), (3, 2**30)])
def test_what_a_reader_keeps_is_bounded_in_frames_and_in_bytes(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, frames_kept: int, bytes_kept: int
) -> None:
    monkeypatch.setattr(ledger, "BYTES_KEPT", bytes_kept)
    path = tmp_path / "a.seg"
    offsets = frames(path, 30)
    reader = SegmentReader(frames_kept)

    tracemalloc.start()
    try:
        for number, offset in enumerate(offsets):
            [record] = reader.records(str(path), offset, 7, 1)
            assert record.startswith(b'"%d"' % (number * RECORDS + 7))
        held, _ = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
        reader.close()

    assert held < 5 * RECORDS * RECORD_BYTES


def test_a_frame_larger_than_all_that_is_kept_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ledger, "BYTES_KEPT", 100)
    path = tmp_path / "a.seg"
    offsets = frames(path, 3)
    reader = SegmentReader()

    assert [len(reader.records(str(path), offset, 0, RECORDS)) for offset in offsets] == [RECORDS] * 3
    reader.close()
