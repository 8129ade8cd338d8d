"""The page in a browser: how soon it is there, how soon an event of a run is seen, and how smoothly 100 nodes move.

Needs Chromium (`$CHROMIUM`, or /usr/bin/chromium). Everything runs on this machine: the browser, the app and whoever writes the
events share its cores.
"""

from __future__ import annotations

import argparse
import contextlib
import gzip
import statistics
import subprocess
import sys
import tempfile
import threading
import time
import urllib.request
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from app.api.assets import STATIC
from flows.engine.events import Progress, RunChanged, StepProgress
from flows.runs import RunFolder, RunReport, RunStore
from flows.spec import PipelineSpec, StepSpec
from tests.ui.browsing import CHROMIUM, FLAGS, serving

NODES = 100
TOTAL = 1_000_000
BLANK = """
import gradio as gr, socket, uvicorn
from fastapi import FastAPI
with gr.Blocks(analytics_enabled=False) as demo:
    gr.HTML("<p id='there'>blank</p>")
server = gr.mount_gradio_app(FastAPI(), demo, path="/", ssr_mode=False, footer_links=[])
listener = socket.create_server(("127.0.0.1", 0))
print("PORT", listener.getsockname()[1], flush=True)
uvicorn.Server(uvicorn.Config(server, log_level="warning")).run(sockets=[listener])
"""

# what a person sees: the text of a card after the frame in which it was drawn
WATCH_ROWS = """
() => {
  window.seen = [];
  const taken = (card) => Number(card.textContent.split("/")[0].replace(/[^0-9]/g, ""));
  const look = () => {
    const shown = [...document.querySelectorAll(".df-node [data-testid$='-rows']")].map(taken).filter(Boolean);
    if (!shown.length) return;
    const least = Math.min(...shown);
    setTimeout(() => window.seen.push([Date.now(), least])); // after the frame that this callback belongs to
  };
  let isDue = false;
  new MutationObserver(() => {
    if (isDue) return;
    isDue = true;
    requestAnimationFrame(() => ((isDue = false), look()));
  }).observe(document.querySelector(".df-canvas"), { subtree: true, characterData: true, childList: true });
}
"""
COUNT_FRAMES = """
() => {
  window.frames_at = [];
  const frame = (at) => { window.frames_at.push(at); requestAnimationFrame(frame); };
  requestAnimationFrame(frame);
}
"""


def main() -> None:
    """Measure and print a table."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--loads", type=int, default=50, help="page loads in a row")
    parser.add_argument("--sessions", type=int, default=20, help="sessions that follow one run at once, one in a browser")
    parser.add_argument("--seconds", type=float, default=10, help="how long events are written")
    args = parser.parse_args()
    packed = {
        path.name: len(gzip.compress(path.read_bytes(), 9)) for path in STATIC.iterdir() if path.suffix in (".js", ".css")
    }
    print(f"own assets: {sum(packed.values()) / 1000:.0f} KB gzip: {packed}")
    with tempfile.TemporaryDirectory() as folder, sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        examples = Path(folder) / "examples"
        examples.mkdir()
        (examples / "hundred.yaml").write_text(hundred().to_yaml())
        runs = Path(folder) / "runs"
        with serving(runs, "--inline", "--examples", str(examples)) as url, blank() as plain:
            page_loads(browser, url, plain)
            many_loads(browser, url, args.loads)
            dragging(browser, url)
            events(browser, url, runs, args.seconds, 1)
            events(browser, url, runs, args.seconds, args.sessions)
        browser.close()


def hundred() -> PipelineSpec:
    """100 steps: ten branches of ten."""
    steps = [StepSpec(name="load", use="LoadDataFromDicts", params={"data": [{"instruction": "a"}]})]
    for at in range(1, NODES):
        after = "load" if at < 10 else f"step_{at - 9:02}"
        steps.append(StepSpec(name=f"step_{at:02}", use="TextGeneration", after=[after]))
    return PipelineSpec(name="hundred", steps=steps)


@contextlib.contextmanager
def blank() -> Iterator[str]:
    """A page of Gradio's with one word on it."""
    process = subprocess.Popen([sys.executable, "-c", BLANK], stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        yield f"http://127.0.0.1:{process.stdout.readline().split()[1]}"
    finally:
        process.terminate()
        process.wait()


def page_loads(browser: Any, url: str, plain: str, turns: int = 10) -> None:
    """Ours beside a blank one, in turns, each in a fresh browser context."""

    def load(address: str, awaited: str) -> float:
        context = browser.new_context(viewport={"width": 1440, "height": 900})
        page = context.new_page()
        began = time.perf_counter()
        page.goto(address, wait_until="commit")
        page.locator(awaited).first.wait_for(state="visible")
        took = time.perf_counter() - began
        context.close()
        return took

    awaited = {
        "blank": (plain, "#there"),
        "own": (url + "/?place=gallery", "#appbar header"),
        "canvas": (f"{url}/?place=build&pipeline=hundred", ".df-node"),
    }
    took: dict[str, list[float]] = {name: [] for name in awaited}
    for _ in range(turns):
        for name, (address, selector) in awaited.items():
            took[name].append(load(address, selector))
    median = {name: statistics.median(values) for name, values in took.items()}
    for name in ("own", "canvas"):
        print(
            f"page visible, {name}: {median[name]:.2f} s, blank {median['blank']:.2f} s: {median[name] / median['blank']:.2f} x"
        )


def many_loads(browser: Any, url: str, loads: int) -> None:
    """Pages in a row, each of which must show its canvas."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    empty = 0
    for _ in range(loads):
        page.goto(f"{url}/?place=build&pipeline=hundred")
        try:
            page.locator(".df-node").first.wait_for(state="visible", timeout=15_000)
        except Exception:
            empty += 1
    context.close()
    print(f"page loads in a row: {loads}, of which {empty} without a canvas")


def dragging(browser: Any, url: str) -> None:
    """Frames while one of 100 nodes is dragged for two seconds."""
    context = browser.new_context(viewport={"width": 1440, "height": 900})
    page = context.new_page()
    page.goto(f"{url}/?place=build&pipeline=hundred")
    node = page.get_by_test_id("node-step_05")
    node.wait_for()
    page.wait_for_timeout(1500)
    box = node.bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    page.mouse.move(x, y)
    page.mouse.down()
    page.evaluate(COUNT_FRAMES)
    began = time.perf_counter()
    at = 0
    while time.perf_counter() - began < 2:
        at += 1
        page.mouse.move(x + 200 * (at % 40) / 40, y + 100 * (at % 25) / 25)
    took = time.perf_counter() - began
    stamps = page.evaluate("window.frames_at")
    page.mouse.up()
    gaps = sorted(after - before for before, after in pairwise(stamps))
    p95 = gaps[int(0.95 * len(gaps))]
    print(f"dragging one of {NODES} nodes: {len(stamps) / took:.0f} frames/s, {at / took:.0f} moves/s, p95 gap {p95:.0f} ms")
    context.close()


def events(browser: Any, url: str, runs: Path, seconds: float, sessions: int) -> None:
    """From the moment an event is written until all 100 cards show it, at 20 events a second."""
    spec = hundred()
    store = RunStore(runs)
    run = store.new(None, spec.name)
    run.path.mkdir(parents=True)
    spec.save(run.path / "pipeline.yaml")
    run.save_report(RunReport(run_id=run.run_id, pipeline=spec.name, state="running"))
    with run.locked():
        page = browser.new_page(viewport={"width": 1440, "height": 900})
        page.goto(f"{url}/?place=run&run={run.run_id}")
        page.locator(".df-node").first.wait_for(state="visible")
        page.evaluate(WATCH_ROWS)
        readers = [threading.Thread(target=read_events, args=(url, run.run_id), daemon=True) for _ in range(sessions - 1)]
        for reader in readers:
            reader.start()
        writer = threading.Thread(target=write_events, args=(run, spec, seconds))
        writer.start()
        while writer.is_alive():
            page.wait_for_timeout(200)
        page.wait_for_timeout(1000)
        seen = page.evaluate("window.seen")
        page.close()
    written = {event.steps["load"].taken: event.at * 1000 for event in run.read_events()[0] if isinstance(event, Progress)}
    took: list[float] = []
    for number, began in written.items():
        shown = next((when for when, least in seen if least >= number), None)
        took.append(shown - began if shown is not None else float("inf"))
    took.sort()
    print(
        f"{NODES} nodes, {len(written) / seconds:.0f} events/s, {sessions} session{'s' if sessions > 1 else ''}: "
        f"p50 {took[len(took) // 2]:.0f} ms, p95 {took[int(0.95 * len(took))]:.0f} ms, {len(seen)} frames with news"
    )


def read_events(url: str, run_id: str) -> None:
    """Another session that follows the run: its page is drawn on another machine."""
    with contextlib.suppress(OSError), urllib.request.urlopen(f"{url}/api/runs/{run_id}/events", timeout=60) as stream:
        while stream.read1(65536):
            pass


def write_events(run: RunFolder, spec: PipelineSpec, seconds: float, per_second: float = 20) -> None:
    """What an engine would write, whose 100 steps all move."""
    with run.events.open("ab", buffering=0) as out:
        out.write(RunChanged(at=time.time(), state="running").model_dump_json().encode() + b"\n")
        began = time.perf_counter()
        for number in range(1, int(seconds * per_second) + 1):
            time.sleep(max(0.0, began + number / per_second - time.perf_counter()))
            steps = {
                name: StepProgress(state="running", taken=number, made=number, total=TOTAL, rows_per_s=per_second)
                for name in spec.names()
            }
            out.write(Progress(at=time.time(), steps=steps).model_dump_json().encode() + b"\n")


if __name__ == "__main__":
    main()
