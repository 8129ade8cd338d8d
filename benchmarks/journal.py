"""What opening a big journal or ledger costs, and finding a record in it.

    python -m benchmarks.journal                 1,000,000 records
    python -m benchmarks.journal --records 100000

"index": where each record lies. "tokens too": what a resume reads of its own journal, to know what was paid for. Memory is what
the index holds on to. CPU time is shown beside wall time, since files may come from a disk.
"""

from __future__ import annotations

import argparse
import gc
import hashlib
import os
import random
import tempfile
import time
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flows.engine.codec import decode
from flows.engine.index import Index
from flows.engine.journal import Entry
from flows.engine.ledger import SegmentReader, SegmentWriter, StoredFrame
from steps.llms.base import Completion, Usage

WORDS = [hashlib.sha256(str(number).encode()).hexdigest()[:7] for number in range(4000)]
LOOKUPS = 20_000


def key_of(number: int) -> bytes:
    return hashlib.blake2b(number.to_bytes(8, "little"), digest_size=16).digest()


def write(path: Path, records: int, per_frame: int) -> None:
    """Entries of about 1.1 KB of JSON, so many to a frame."""
    rng, writer = random.Random(1), SegmentWriter(path)
    for start in range(0, records, per_frame):
        numbers = range(start, min(start + per_frame, records))
        bodies = [_entry(number, rng).to_json() for number in numbers]
        writer.append([key_of(number) for number in numbers], bodies, [1] * len(bodies))
    writer.close()


def _entry(number: int, rng: random.Random) -> Entry:
    chat = [{"role": "user", "content": " ".join(rng.choices(WORDS, k=40))}]
    completion = Completion([" ".join(rng.choices(WORDS, k=60))], "a-model", Usage(57, 81), ["stop"])
    return Entry("answer", str(number), "a-model", chat, 1, None, completion, 1.0, 0.5, 1, 0.0005)


def opened(path: Path, look: Callable[[StoredFrame], None]) -> tuple[Index, float, float]:
    """The index, and wall and CPU seconds to build it."""
    gc.collect()
    wall, cpu = time.perf_counter(), time.process_time()
    index = Index([path], look)
    return index, time.perf_counter() - wall, time.process_time() - cpu


def held_bytes(path: Path) -> int:
    """What an index keeps in memory."""
    tracemalloc.start()
    index = Index([path])
    gc.collect()
    held, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert len(index)
    return held


def lookup_us(index: Index, numbers: list[int]) -> float:
    keys = [key_of(number) for number in numbers]
    begin = time.process_time()
    for key in keys:
        index.get(key)
    return (time.process_time() - begin) / len(keys) * 1e6


def reading_us(index: Index, numbers: list[int]) -> float:
    reader = SegmentReader()
    begin = time.process_time()
    for number in numbers:
        place = index.get(key_of(number))
        assert place is not None
        decode(reader.rows(place))
    reader.close()
    return (time.process_time() - begin) / len(numbers) * 1e6


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--records", type=int, default=1_000_000)
    records = parser.parse_args().records
    rng = random.Random(2)
    some = [rng.randrange(records) for _ in range(LOOKUPS)]
    absent = [records + number for number in range(LOOKUPS)]
    import numpy  # noqa: F401 - its import is no part of what is measured

    print(f"{records:,} records, {os.cpu_count()} cores, load {os.getloadavg()[0]:.1f}")
    columns = ("records a frame", "file MB", "index: wall s, CPU s", "tokens too: wall s, CPU s", "B a record", "found us")
    print(" | ".join([*columns, "absent us", "read us"]))
    with tempfile.TemporaryDirectory() as folder:
        for per_frame in (25, 1):
            path = Path(folder) / f"{per_frame}.seg"
            write(path, records, per_frame)
            tokens: list[Any] = [0]

            def count(frame: StoredFrame, tokens: list[Any] = tokens) -> None:
                tokens[0] += sum(decode(body)["completion"]["usage"]["output_tokens"] for body in frame.bodies())

            index, wall, cpu = opened(path, lambda frame: None)
            _, wall_all, cpu_all = opened(path, count)
            assert tokens[0] == 81 * records
            figures = (lookup_us(index, some), lookup_us(index, absent), reading_us(index, sorted(some)))
            size, held = path.stat().st_size / 1e6, held_bytes(path) / records
            line = f"{per_frame:>15} | {size:7.0f} | {wall:.2f}, {cpu:.2f} | {wall_all:.2f}, {cpu_all:.2f} | {held:.1f} | "
            print(line + " | ".join(f"{figure:.1f}" for figure in figures))
            path.unlink()


if __name__ == "__main__":
    main()
