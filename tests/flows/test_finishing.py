"""The process that writes the result: it ends with the run that it was started for, whenever that ends."""

from __future__ import annotations

import asyncio

from flows.engine.hosts import warm_up
from flows.plan import plan
from flows.runners.finishing import Finisher
from flows.spec import spec_from


async def test_a_run_that_ends_while_its_writer_starts_leaves_none_behind() -> None:
    spec, _ = spec_from(
        {"distilflow": 1, "steps": [{"name": "load", "use": "LoadDataFromDicts", "with": {"data": [{"i": 1}]}}]}
    )
    warm_up()
    finisher = Finisher(plan(spec))

    starting = asyncio.create_task(finisher._start())
    await asyncio.sleep(0)
    starting.cancel()
    await asyncio.gather(starting, return_exceptions=True)
    finisher.close()

    async with asyncio.timeout(20):
        while finisher._process.pid is None or finisher._process.is_alive():
            await asyncio.sleep(0.05)
    assert finisher._process.exitcode == 0
