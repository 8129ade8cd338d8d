"""Serve the app on a free port for tests; prints "PORT <number>". `--inline` runs pipelines without Prefect."""

from __future__ import annotations

import argparse
import socket
from pathlib import Path

import uvicorn

from app.context import AppContext
from app.handlers.strangers import forget_keys
from app.main import build_server


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--runs-dir", type=Path, required=True)
    parser.add_argument("--examples", type=Path)
    parser.add_argument("--inline", action="store_true")
    parser.add_argument("--public", action="store_true")
    parser.add_argument("--reuse", action="store_true", help="let new runs take over what earlier ones finished")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    args.runs_dir.mkdir(parents=True, exist_ok=True)
    more = {"examples_dir": args.examples} if args.examples else {}
    ctx = AppContext(args.runs_dir, **more, no_prefect=args.inline, is_public=args.public, reuses=args.reuse)
    if ctx.is_public:
        forget_keys()
    listener = socket.create_server(("127.0.0.1", args.port))
    print("PORT", listener.getsockname()[1], flush=True)
    config = uvicorn.Config(build_server(ctx), log_level="warning", timeout_graceful_shutdown=1)
    uvicorn.Server(config).run(sockets=[listener])


if __name__ == "__main__":
    main()
