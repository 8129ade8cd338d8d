"""A pipeline on vLLM beside the same engine driven bare: rows and tokens a second, from the first request to the last reply.

    build/vllm/bin/python -m benchmarks.engines --rows 500 --turns 2            # a tiny model, on a processor
    python -m benchmarks.engines --model Qwen/Qwen3-8B --rows 2000 --gpu        # the official vLLM, on a GPU

Every turn starts each side anew, in processes of its own, one after the other: vLLM's async engine driven bare, a pipeline that
asks it, vLLM's server driven bare with aiohttp, a pipeline with `serve: true`. All sides get the same chats, with the same
sampling and the same JSON schema, as many at a time. Loading the model counts for nobody; the time in which rows
are read and written counts for us only as far as requests wait for it.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any, NamedTuple

from flows.engine.journal import JOURNAL, Journal
from steps.llms import vLLM
from steps.llms.base import Chat

ROOT = Path(__file__).parents[1]
SCHEMA = {
    "type": "object",
    "properties": {"label": {"enum": ["good", "bad"]}, "why": {"type": "string", "maxLength": 60}},
    "required": ["label", "why"],
    "additionalProperties": False,
}
SIDES = ("engine bare", "engine in a pipeline", "server bare", "server in a pipeline")


class Measured(NamedTuple):
    """From the first request to the last reply."""

    rows: int
    tokens: int
    seconds: float


def main() -> None:
    args = _parse_args()
    if args.side:  # this is the process of one side
        print(json.dumps(asyncio.run(_bare(args))))
        return
    with tempfile.TemporaryDirectory(prefix="engines-") as folder:
        if not args.model:
            from tests.engines.tiny import save_for_transformers

            args.model = str(save_for_transformers(Path(folder) / "tiny"))
        found: dict[str, list[Measured]] = {side: [] for side in args.sides}
        for turn in range(args.turns):
            for side in args.sides:
                measured = _in_a_pipeline(args, side, Path(folder) / f"{turn}") if "pipeline" in side else _apart(args, side)
                found[side].append(measured)
                print(f"turn {turn + 1}: {side}: {measured.rows / measured.seconds:.1f} rows/s", file=sys.stderr, flush=True)
    _show(args, found)


def _show(args: argparse.Namespace, found: dict[str, list[Measured]]) -> None:
    print(f"{args.rows} rows, {args.in_flight} at a time, {args.tokens} tokens at most, median of {args.turns}")
    print(f"{'side':<24}{'rows/s':>9}{'tokens/s':>11}{'of bare':>9}{'each':>24}")
    rates = {side: [one.rows / one.seconds for one in runs] for side, runs in found.items()}
    for side, runs in found.items():
        bare = rates.get(side.split()[0] + " bare", [])
        # turn by turn: others use the machine too
        shares = [mine / other for mine, other in zip(rates[side], bare, strict=False)]
        share = statistics.median(shares) if shares else float("nan")
        tokens = statistics.median(one.tokens / one.seconds for one in runs)
        each = " ".join(f"{rate:.1f}" for rate in rates[side])
        print(f"{side:<24}{statistics.median(rates[side]):>9.1f}{tokens:>11.0f}{share:>9.2f}{each:>24}")


# ---- what all sides ask
def _chats(rows: int) -> list[Chat]:
    return [[{"role": "user", "content": text}] for text in _instructions(rows)]


def _instructions(rows: int) -> list[str]:
    return [f"Review number {number}: {'it does what it says, and then some. ' * 4}Label it." for number in range(rows)]


def _llm(args: argparse.Namespace, *, serve: bool = False) -> dict[str, Any]:
    compact = {"structured_outputs_config": {"backend": "xgrammar", "disable_any_whitespace": True}}
    small = {"dtype": "float32", "max_model_len": 1024, "extra_kwargs": {"enforce_eager": True, "max_num_seqs": 64, **compact}}
    return {
        "model": args.model,
        "serve": serve,
        "max_concurrency": args.in_flight,
        "generation_kwargs": {"max_new_tokens": args.tokens, "temperature": 0.0},
        **({"max_model_len": 4096} if args.gpu else small),
        "structured_output": {"format": "json", "schema": SCHEMA},
    }


# ---- pipelines
def _in_a_pipeline(args: argparse.Namespace, side: str, folder: Path) -> Measured:
    """A run as a user starts it; its journal says when each reply came and how long it took."""
    folder.mkdir(exist_ok=True)
    llm = {"use": "vLLM", **_llm(args, serve=side.startswith("server"))}
    where: dict[str, Any] = {"pool": "gpu", "resources": {"gpus": args.gpus}} if args.gpu else {"pool": "process"}
    data = [{"instruction": text} for text in _instructions(args.rows)]
    steps = [
        {"name": "load", "use": "LoadDataFromDicts", "with": {"data": data}},
        {"name": "label", "use": "TextGeneration", "after": "load", **where, "with": {"llm": llm}},
    ]
    run = side.replace(" ", "-")
    (folder / f"{run}.json").write_text(json.dumps({"distilflow": 1, "name": "engines", "steps": steps}))
    command = [sys.executable, "-m", "flows.cli", "run", f"{run}.json", "--run-id", run, "--no-prefect"]
    subprocess.run(command, cwd=folder, env=_environment(), check=True, stdout=sys.stderr)
    entries: list[dict[str, Any]] = []

    async def read() -> None:
        journal = Journal(folder / "runs" / run / JOURNAL, "benchmark")
        await journal.open(entries.append)
        await journal.close()

    asyncio.run(read())
    begin = min(entry["at"] - entry["seconds"] for entry in entries)
    tokens = sum(entry["completion"]["usage"]["output_tokens"] for entry in entries)
    return Measured(len(entries), tokens, max(entry["at"] for entry in entries) - begin)


# ---- bare
def _apart(args: argparse.Namespace, side: str) -> Measured:
    given = ["--model", args.model, "--rows", str(args.rows), "--in-flight", str(args.in_flight), "--tokens", str(args.tokens)]
    given += ["--gpu", "--gpus", str(args.gpus)] if args.gpu else []
    command = [sys.executable, "-m", "benchmarks.engines", "--side", side, *given]
    ended = subprocess.run(command, cwd=ROOT, env=_environment(), stdout=subprocess.PIPE, text=True)
    if ended.returncode:  # vLLM says there what went wrong
        raise SystemExit(f"{ended.stdout}\n{side} failed")
    return Measured(*json.loads(next(line for line in reversed(ended.stdout.splitlines()) if line.startswith("["))))


async def _bare(args: argparse.Namespace) -> Measured:
    llm = vLLM.model_validate(_llm(args))
    engine_args = llm.engine_args(args.gpus if args.gpu else 0)
    return await (_server_bare if args.side.startswith("server") else _engine_bare)(args, engine_args)


async def _all(rows: int, in_flight: int, ask: Callable[[int], Awaitable[int]]) -> Measured:
    """Ask about all rows, so many at a time; `ask` gives the tokens of a reply."""
    numbers, tokens = iter(range(rows)), 0
    begin = time.perf_counter()

    async def work() -> None:
        nonlocal tokens
        for number in numbers:
            made = await ask(number)  # awaited first: others add to the sum meanwhile
            tokens += made

    await asyncio.gather(*(work() for _ in range(in_flight)))
    return Measured(rows, tokens, time.perf_counter() - begin)


async def _engine_bare(args: argparse.Namespace, engine_args: dict[str, Any]) -> Measured:
    from vllm import AsyncEngineArgs, SamplingParams
    from vllm.sampling_params import RequestOutputKind, StructuredOutputsParams
    from vllm.v1.engine.async_llm import AsyncLLM

    engine = AsyncLLM.from_engine_args(AsyncEngineArgs(disable_log_stats=True, **engine_args))
    tokenizer, chats = engine.get_tokenizer(), _chats(args.rows)

    async def ask(number: int) -> int:
        text = tokenizer.apply_chat_template(chats[number], add_generation_prompt=True, tokenize=False)
        prompt = {"prompt_token_ids": tokenizer.encode(text, add_special_tokens=False)}
        params = SamplingParams(
            max_tokens=args.tokens,
            temperature=0.0,
            structured_outputs=StructuredOutputsParams(json=SCHEMA),
            output_kind=RequestOutputKind.FINAL_ONLY,
        )
        made = [one async for one in engine.generate(prompt, params, str(number))]
        return len(made[-1].outputs[0].token_ids)

    measured = await _all(args.rows, args.in_flight, ask)
    engine.shutdown()
    return measured


async def _server_bare(args: argparse.Namespace, engine_args: dict[str, Any]) -> Measured:
    import aiohttp

    from steps.local.vllm_server import start_server

    server = await start_server(engine_args, None, None)
    url, chats = f"http://127.0.0.1:{server.program.port}/v1/chat/completions", _chats(args.rows)
    schema = {"type": "json_schema", "json_schema": {"name": "answer", "schema": SCHEMA}}
    common = {"model": args.model, "max_tokens": args.tokens, "temperature": 0.0, "response_format": schema}
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession(connector=connector, timeout=aiohttp.ClientTimeout(total=None)) as session:

        async def ask(number: int) -> int:
            async with session.post(url, json={**common, "messages": chats[number]}) as reply:
                return int((await reply.json())["usage"]["completion_tokens"])

        measured = await _all(args.rows, args.in_flight, ask)
    await server.close()
    return measured


def _environment() -> dict[str, str]:
    return {**os.environ, "PYTHONPATH": str(ROOT), "VLLM_NO_USAGE_STATS": "1", "VLLM_CPU_KVCACHE_SPACE": "1"}


def _parse_args() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="", help="name on the Hub, or a folder; a tiny model of random numbers if not given")
    parser.add_argument("--rows", type=int, default=500)
    parser.add_argument("--turns", type=int, default=2)
    parser.add_argument("--in-flight", type=int, default=128, help="more than the engine computes at a time: it never waits")
    parser.add_argument("--tokens", type=int, default=64, help="most tokens of a reply")
    parser.add_argument("--gpu", action="store_true", help="the machine has a GPU, and the official vLLM")
    parser.add_argument("--gpus", type=int, default=1, help="GPUs that share the model")
    parser.add_argument("--sides", nargs="+", choices=SIDES, default=SIDES)
    parser.add_argument("--side", default="", help=argparse.SUPPRESS)
    return parser.parse_args()


if __name__ == "__main__":
    main()
