"""What one request costs this process: `OpenAILLM.complete` beside bare aiohttp, against the fake server.

    python -m benchmarks.request_path --prompts 3000 --in-flight 256 --latency 0.2 --repeats 3

CPU is this process's own (user + system); the server is a process of its own. The two take turns, medians are printed.
The target is 0.35 ms a request for `OpenAILLM`.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import resource
import statistics
import time
from collections.abc import Awaitable, Callable

import aiohttp
import orjson

from benchmarks.surroundings import fake_server
from steps.llms.base import Chat, Request
from steps.llms.openai_llm import OpenAILLM

WORDS = " ".join(["word"] * 60)

Ask = Callable[[Chat], Awaitable[str]]


def main() -> None:
    args = _parse_args()
    with fake_server("--latency", str(args.latency)) as address:
        url = f"{address}/v1"
        measured: dict[str, list[tuple[float, float]]] = {"bare aiohttp": [], "OpenAILLM.complete": []}
        for _ in range(args.repeats):
            measured["bare aiohttp"].append(asyncio.run(run_bare(url, args.prompts, args.in_flight)))
            measured["OpenAILLM.complete"].append(asyncio.run(run_llm(url, args.prompts, args.in_flight)))
    print(f"{args.prompts} prompts, {args.latency * 1000:g} ms, {args.in_flight} in flight, median of {args.repeats}")
    print(f"{'path':<22}{'CPU ms/request':>16}{'min':>8}{'max':>8}{'requests/s':>12}")
    for path, runs in measured.items():
        cpu_ms = [cpu for cpu, _ in runs]
        rate = statistics.median(rate for _, rate in runs)
        print(f"{path:<22}{statistics.median(cpu_ms):>16.3f}{min(cpu_ms):>8.3f}{max(cpu_ms):>8.3f}{rate:>12.0f}")
    print(f"peak memory of this process: {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB")


async def run_bare(url: str, prompts: int, in_flight: int) -> tuple[float, float]:
    """The least that can be done with aiohttp: no errors told apart, no time limit, no usage."""
    target = f"{url}/chat/completions"
    headers = {"Content-Type": "application/json", "Authorization": "Bearer none"}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()) as session:

        async def ask(chat: Chat) -> str:
            body = orjson.dumps({"model": "m", "temperature": 0.7, "messages": chat})
            async with session.post(target, data=body, headers=headers) as response:
                answer = orjson.loads(await response.read())
            return str(answer["choices"][0]["message"]["content"])

        return await measure(ask, prompts, in_flight)


async def run_llm(url: str, prompts: int, in_flight: int) -> tuple[float, float]:
    llm = OpenAILLM(model="m", base_url=url, api_key="none", generation_kwargs={"temperature": 0.7})
    await llm.load()

    async def ask(chat: Chat) -> str:
        return (await llm.complete(Request(chat))).texts[0]

    try:
        return await measure(ask, prompts, in_flight)
    finally:
        await llm.unload()


async def measure(ask: Ask, prompts: int, in_flight: int) -> tuple[float, float]:
    """CPU milliseconds per request, and requests per second. Connections are opened before the clock starts."""
    numbers = iter(range(prompts))

    async def work() -> None:
        for number in numbers:
            text = await ask([{"role": "user", "content": f"{number} {WORDS}"}])
            assert text.startswith(f"echo: {number} ")

    await asyncio.gather(*(ask([{"role": "user", "content": "warm up"}]) for _ in range(in_flight)))
    gc.collect()
    started, cpu_started = time.perf_counter(), time.process_time()
    await asyncio.gather(*(work() for _ in range(in_flight)))
    cpu_s, wall_s = time.process_time() - cpu_started, time.perf_counter() - started
    return cpu_s / prompts * 1000, prompts / wall_s


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--prompts", type=int, default=3000)
    parser.add_argument("--in-flight", type=int, default=256)
    parser.add_argument("--latency", type=float, default=0.2, help="seconds the server takes for each answer")
    parser.add_argument("--repeats", type=int, default=3)
    return parser.parse_args()


if __name__ == "__main__":
    main()
