"""Serve until interrupted: `python -m tests.fakes.openai_server --port 0 --latency 0.2`."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Sequence
from urllib.parse import urlsplit

from tests.fakes.openai_server import Behaviour, FakeOpenAI, Fault, Rule
from tests.fakes.serving import running


def _rule(text: str) -> Rule:
    """Parse FAULT[:TEXT[:TIMES]], as in "server-error:boom:1"."""
    fault, prompt_part, times = [*text.split(":"), "", ""][:3]
    return Rule(prompt_part, Fault(fault), int(times) if times else None)


def _slow(text: str) -> tuple[str, float]:
    part, _, seconds = text.rpartition(":")
    return part, float(seconds)


def _parse_args(argv: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.fakes.openai_server", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes any free port")
    parser.add_argument("--latency", type=float, default=0.0, help="seconds before each answer")
    parser.add_argument(
        "--slow", type=_slow, default=("", 0.0), metavar="TEXT:SECONDS", help="latency of the prompts that hold this text"
    )
    parser.add_argument("--reply", help="constant answer instead of the echo")
    parser.add_argument("--rate", type=float, help="requests per second before 429")
    parser.add_argument("--burst", type=int, default=1, help="requests that may come at once")
    parser.add_argument("--refuse-format", action="append", default=[], help="type of response_format that gets 400")
    parser.add_argument("--retry-after", help="Retry-After of a 429, instead of the exact time")
    parser.add_argument("--silent", action="store_true", help="send no x-ratelimit-* headers")
    parser.add_argument(
        "--rule",
        type=_rule,
        action="append",
        default=[],
        metavar="FAULT[:TEXT[:TIMES]]",
        help=f"play a fault for prompts with TEXT; FAULT is one of {', '.join(Fault)}",
    )
    return parser.parse_args(argv)


def main(argv: Sequence[str] | None = None) -> None:
    """Print "PORT <number>" once the server listens, then serve until SIGINT or SIGTERM."""
    args = _parse_args(argv)
    part, slow_s = args.slow
    behaviour = Behaviour(
        latency_s=(lambda prompt: slow_s if part in prompt else args.latency) if part else args.latency,
        reply=args.reply,
        rules=args.rule,
        requests_per_s=args.rate,
        burst=args.burst,
        refused_formats=args.refuse_format,
        retry_after=args.retry_after,
        tells_limits=not args.silent,
    )
    stop_signals = {signal.SIGINT, signal.SIGTERM}
    signal.pthread_sigmask(signal.SIG_BLOCK, stop_signals)
    with running(FakeOpenAI(behaviour), port=args.port) as url:
        print("PORT", urlsplit(url).port, flush=True)
        signal.sigwait(stop_signals)


if __name__ == "__main__":
    main()
