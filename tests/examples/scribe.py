"""Make the recordings of the papers: the pipelines run on replies that people wrote, and their journals are kept.

    python -m tests.examples.scribe                                    # all of them, after a prompt has changed
    python -m tests.examples.scribe deita --questions questions.jsonl  # and write down what nobody has answered
    python -m tests.examples.scribe deita --answers questions.jsonl    # once each `generation` in it is filled in

A reply belongs to a place: which step asked, about which row, for the how-manieth time. So the replies of a recording
stay when a prompt changes, and get the keys of what is asked now. Read them again then: the change may ask for others. A
reply that fits no more is deleted from the recording; its question, and those that followed from it, are asked anew.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from pathlib import Path
from typing import Any
from unittest.mock import patch

from flows.cli.running import planned_from
from flows.engine import gateway
from flows.engine.journal import JOURNAL
from flows.engine.options import RunOptions
from flows.journals import share
from flows.runners.inline import run_inline
from steps.errors import RowError
from steps.llms import OpenAILLM
from steps.llms.base import Ask, Completion, Request
from tests.examples.recorded import Recorded, papers

Place = tuple[str, str, int]
"""Step, row, and which of the questions of this step about this row."""
_PLACE: ContextVar[Place] = ContextVar("place")


class Unanswered(RowError):
    """Nobody has written a reply yet."""

    code = "unanswered"


class Scribe:
    """Answers from what people wrote, and notes what they have not."""

    def __init__(self, replies: Sequence[dict[str, Any]]) -> None:
        seen: Counter[tuple[str, str]] = Counter()
        self.replies: dict[Place, list[str]] = {}
        for reply in replies:
            about = (reply["step"], reply["row"])
            seen[about] += 1
            if (said := reply["generation"]) is not None:
                self.replies[*about, seen[about]] = [said] if isinstance(said, str) else said
        self.questions: list[dict[str, Any]] = []

    async def complete(self, llm: OpenAILLM, request: Request) -> Completion:
        step, row, _ = place = _PLACE.get()
        texts = self.replies.get(place)
        if texts is None or len(texts) != request.n:
            question = {"step": step, "row": row, "messages": request.chat, "n": request.n, "speaker": request.speaker}
            self.questions.append({**question, "generation": None})
            raise Unanswered(f"nobody has answered question {place}", "see --questions")
        return Completion(texts, llm.model_name, finish_reasons=["stop"] * request.n)

    @contextmanager
    def at_work(self) -> Iterator[None]:
        """In this block every OpenAILLM is asked here, and nowhere else."""

        class PlacedLines(gateway.Lines):
            def of(self, row_id: str, row_key: bytes, retried: int = 0) -> Ask:
                ask = super().of(row_id, row_key, retried)
                numbers = Counter[str]()

                async def placed(request: Request) -> Completion:
                    numbers[row_id] += 1
                    _PLACE.set((self._step, row_id, numbers[row_id]))
                    return await ask(request)

                return placed

        async def complete(llm: OpenAILLM, request: Request) -> Completion:
            return await self.complete(llm, request)

        with patch.object(gateway, "Lines", PlacedLines), patch.object(OpenAILLM, "complete", complete):
            yield


def record(paper: Recorded, answers: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """Run a paper on its recording and on further answers, keep what it used, and return what it lacked."""
    scribe = Scribe([*paper.replies(), *answers])
    [llm], rows = paper.option("--llm"), paper.option("--max-rows")
    planned = planned_from(str(paper.pipeline), paper.option("--param"), llm)
    options = RunOptions(max_rows=int(rows[0]) if rows else None)
    with tempfile.TemporaryDirectory() as folder, scribe.at_work():
        run = run_inline(planned, Path(folder), options=options)
        if scribe.replies:
            share(run.path / JOURNAL, paper.recording, replies_only=True)
            _write(paper.recording, sorted(paper.replies(), key=lambda line: _order(line, list(planned.steps))))
    return scribe.questions


def _write(path: Path, lines: Sequence[dict[str, Any]]) -> None:
    path.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), encoding="utf-8")


def _order(line: dict[str, Any], steps: list[str]) -> tuple[int, list[int]]:
    return steps.index(line["step"]), [int(number) for number in line["row"].split(".")]


def main(argv: Sequence[str] | None = None) -> None:
    known = papers()
    parser = argparse.ArgumentParser(prog="python -m tests.examples.scribe", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("paper", nargs="*", choices=[*known, []], metavar="PAPER", help=f"all by default: {', '.join(known)}")
    parser.add_argument("--answers", type=Path, help="further replies: questions whose `generation` is filled in")
    parser.add_argument("--questions", type=Path, help="file for what nobody has answered")
    asked = parser.parse_args(argv)
    lines = asked.answers.read_text(encoding="utf-8").splitlines() if asked.answers else []
    questions = []
    for name in asked.paper or known:
        lacking = record(known[name], [json.loads(line) for line in lines])
        print(f"{name}: {len(known[name].replies())} replies, {len(lacking)} questions without one")
        questions += lacking
    if asked.questions:
        _write(asked.questions, questions)
    sys.exit(1 if questions else 0)


if __name__ == "__main__":
    main()
