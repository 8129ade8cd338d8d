"""Records are found by key without reading them, in files that grow, are torn, or were read before."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from flows.engine import lookup
from flows.engine.ledger import SegmentWriter
from flows.engine.lookup import KEPT_AS, KeyTable, records_of, table_of


def write(path: Path, frames: list[list[bytes]]) -> None:
    writer = SegmentWriter(path)
    for keys in frames:
        writer.append(keys, [b'{"k":"%b"}' % key.hex().encode() for key in keys], [1] * len(keys))
    writer.close()


KEYS = st.lists(st.lists(st.binary(min_size=16, max_size=16), min_size=1, max_size=5), max_size=8)


@settings(max_examples=50)
@given(frames=KEYS, length=st.integers(1, 16))
def test_all_records_whose_key_begins_so_are_found_in_their_order(
    tmp_path_factory: pytest.TempPathFactory, frames: list[list[bytes]], length: int
) -> None:
    path = tmp_path_factory.mktemp("ledger") / "a.seg"
    write(path, frames)
    keys = [key for frame in frames for key in frame]

    for wanted in [*keys, b"\x07" * 16]:
        found = list(records_of([path], wanted[:length]))
        assert [one.key for one in found] == [key for key in keys if key.startswith(wanted[:length])]
        assert [one.rows for one in found] == [b'[{"k":"%b"}]' % one.key.hex().encode() for one in found]


def test_what_is_appended_later_is_found_too_and_a_torn_end_is_not(tmp_path: Path) -> None:
    path = tmp_path / "a.seg"
    writer = SegmentWriter(path)
    for number in range(3):
        key = bytes([number]) * 16
        writer.append([key], [b"{}"], [1])
        assert [one.key for one in records_of([path], key)] == [key]
    writer.close()
    whole = path.read_bytes()
    for size in range(len(whole)):
        torn = tmp_path / f"{size}.seg"
        torn.write_bytes(whole[:size])
        assert len(list(records_of([torn], b"\0"))) == (size >= len(whole) // 3)
    assert list(records_of([tmp_path / "gone.seg"], b"\0")) == []


def test_what_was_read_of_many_frames_is_kept_beside_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "WORTH_KEEPING", 10)
    path = tmp_path / "a.seg"
    keys = [number.to_bytes(16, "big") for number in range(25)]
    write(path, [[key] for key in keys[:20]])
    table_of(path)
    kept = path.with_name(path.name + KEPT_AS)
    assert kept.exists()

    again = KeyTable(path)
    assert len(again) == 20  # before anything is read
    again.update()
    assert [again.numbers(key) for key in keys] == [[number] for number in range(20)] + [[]] * 5
    kept.write_bytes(b"something else")
    other = KeyTable(path)
    other.update()
    assert other.numbers(keys[7]) == [7]


def test_only_so_many_keys_stay_in_memory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lookup, "MOST_RECORDS", 5)
    for number in range(4):
        write(tmp_path / f"{number}.seg", [[bytes([at]) * 16 for at in range(3)]])
        table_of(tmp_path / f"{number}.seg")

    assert sum(len(table) for table in lookup._tables.values()) <= 5
    assert [len(list(records_of([tmp_path / f"{number}.seg"], b"\1" * 16))) for number in range(4)] == [1] * 4
