"""The ideal: aiohttp alone, nothing kept before the end, no errors told apart, no second attempt.

Like its neighbours it runs in a virtual environment of its own, imports nothing of ours, and gets a job as a JSON file.
"""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

import aiohttp
import orjson


async def main(job: dict[str, Any]) -> None:
    rows = [orjson.loads(line) for line in Path(job["data"]).read_bytes().splitlines()]
    target, waiting = f"{job['url']}/chat/completions", iter(rows)
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar(), headers=headers) as session:

        async def work() -> None:
            for row in waiting:
                body = {"model": job["model"], "messages": [{"role": "user", "content": row["instruction"]}]}
                async with session.post(target, data=orjson.dumps(body)) as response:
                    answer = orjson.loads(await response.read())
                row["generation"] = answer["choices"][0]["message"]["content"]

        await asyncio.gather(*(work() for _ in range(job["in_flight"])))
    output = Path(job["output"])
    output.mkdir()
    (output / "rows.jsonl").write_bytes(b"\n".join(map(orjson.dumps, rows)))


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
