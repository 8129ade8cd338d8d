"""Serve the app: `python -m app`, or `distilflow app`."""

from __future__ import annotations

import argparse
import logging
import signal
import sys
import threading
from pathlib import Path
from typing import NoReturn

log = logging.getLogger("distilflow.app")

GRACE_S = 2


def serve(host: str, port: int, runs_dir: Path, pipelines_dir: Path | None = None, labels_dir: Path | None = None) -> None:
    """Serve until interrupted. Runs that go on are left alone: they belong to processes of their own."""
    import uvicorn

    from app.context import AppContext
    from app.handlers.strangers import forget_keys
    from app.main import build_server
    from flows.runners.prefect_server import end_server

    runs_dir.mkdir(parents=True, exist_ok=True)
    ctx = AppContext(runs_dir, pipelines_dir=pipelines_dir, labels_dir=labels_dir)
    if ctx.is_public:
        forget_keys()
    threading.Thread(target=_find_prefect, args=(ctx,), name="prefect", daemon=True).start()
    config = uvicorn.Config(build_server(ctx), host, port, log_level="warning", timeout_graceful_shutdown=GRACE_S)
    shown = "127.0.0.1" if host in ("0.0.0.0", "::") else host
    where = "in each visitor's browser" if ctx.is_public else f"in {_short(ctx.pipelines_dir)}"
    kept = f"runs are kept in {_short(ctx.runs_dir)}, labels in {_short(ctx.labels_dir)}, pipelines {where}"
    told = f"distilflow is at http://{shown}:{port}\n{kept}"
    print(told, flush=True)  # noqa: T201 - what a person starting it waits for
    signal.signal(signal.SIGTERM, _leave)  # which uvicorn raises again when it has ended, and nothing after it would be done
    try:
        uvicorn.Server(config).run()
    finally:
        if not any(run.is_alive() for run in ctx.store.all()):  # runs that go on still tell the server about themselves
            end_server(ctx.runs_dir / ".prefect")


def _leave(signum: int, frame: object) -> NoReturn:
    sys.exit(128 + signum)


def _short(path: Path | None) -> str:
    """A path as people would type it from here."""
    assert path is not None
    return str(path.relative_to(Path.cwd())) if path.is_relative_to(Path.cwd()) else str(path)


def _find_prefect(ctx: object) -> None:
    """Start the Prefect server, or find the one that runs; the page works meanwhile."""
    from app.context import AppContext
    from flows.runners.prefect_server import ensure_server
    from steps.errors import DistilflowError

    assert isinstance(ctx, AppContext)
    try:
        ctx.prefect_url = ensure_server(ctx.runs_dir / ".prefect")
    except DistilflowError as error:
        log.warning("%s %s", error.message, error.fix)


def main() -> None:
    """Read the command line and serve."""
    parser = argparse.ArgumentParser(prog="python -m app", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1", help="address to listen at")
    parser.add_argument("--port", type=int, default=7860, help="port of the page")
    parser.add_argument("--runs-dir", type=Path, default=Path("runs"), help="folder that holds all runs")
    parser.add_argument("--pipelines-dir", type=Path, help="folder that keeps pipelines by name; beside the runs if not given")
    parser.add_argument("--labels-dir", type=Path, help="folder that keeps label projects; beside the runs if not given")
    args = parser.parse_args()
    serve(args.host, args.port, args.runs_dir, args.pipelines_dir, args.labels_dir)


if __name__ == "__main__":
    main()
