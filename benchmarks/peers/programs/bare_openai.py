"""The openai package on its faster transport, behind a semaphore: what many write by hand. Nothing is kept before the end."""

import asyncio
import json
import sys
from pathlib import Path
from typing import Any

from openai import AsyncOpenAI, DefaultAioHttpClient


async def main(job: dict[str, Any]) -> None:
    rows = [json.loads(line) for line in Path(job["data"]).read_text().splitlines()]
    semaphore = asyncio.Semaphore(job["in_flight"])
    http = DefaultAioHttpClient()
    async with AsyncOpenAI(base_url=job["url"], api_key="none", max_retries=job["retries"], http_client=http) as client:

        async def fill(row: dict[str, Any]) -> None:
            async with semaphore:
                prompt: Any = [{"role": "user", "content": row["instruction"]}]
                answer = await client.chat.completions.create(model=job["model"], messages=prompt)
                row["generation"] = answer.choices[0].message.content

        await asyncio.gather(*map(fill, rows))
    output = Path(job["output"])
    output.mkdir()
    (output / "rows.jsonl").write_text("\n".join(map(json.dumps, rows)))


if __name__ == "__main__":
    asyncio.run(main(json.loads(Path(sys.argv[1]).read_text())))
