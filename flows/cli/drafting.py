"""`new --describe`: a model drafts a pipeline, and what is wrong with it is told."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from pathlib import Path

from flows.asking import asking
from flows.cli.console import err, out
from flows.drafting import NOT_ITS_FAULT, REPLY_TOKENS, Drafted, draft
from flows.engine.tally import Tally
from flows.models import parse_model
from flows.samples import SAMPLE_BYTES, sample_rows
from steps.errors import SpecError
from steps.llms.base import LLM
from steps.wording import counted

WRITTEN, WITH_PROBLEMS, NOTHING = 0, 3, 2


def draft_to(
    path: Path, name: str, description: str, llm: str, sample: Path | None, runs_dir: Path, write: Callable[[Path, str], None]
) -> int:
    """Draft a pipeline and write it; returns the exit code.

    Raises:
        SpecError: The model or the sample is none.
        DistilflowError: The model cannot be asked.
    """
    chosen = parse_model(llm)
    if chosen["use"] == "RehearsalLLM":
        raise SpecError("a rehearsal makes replies up: it cannot draft a pipeline", "name a model, such as openai/gpt-4o-mini")
    rows = sample_rows(_read(sample)) if sample else []

    async def ask_for_it() -> tuple[Drafted, Tally]:
        model = LLM.model_validate({**chosen, "generation_kwargs": {"max_new_tokens": REPLY_TOKENS}, "max_retries": 2})
        async with asking(model, runs_dir, "draft") as (ask, used):
            return await draft(description, ask, chosen, rows), used

    made, used = asyncio.run(ask_for_it())
    if said := used.in_words():
        err.print(f"Used: {said}", highlight=False)
    if made.spec is None:
        err.print(f"After {counted(made.asked, 'question')} the model gave no pipeline. It said:", highlight=False)
        err.print(made.said[:2000], markup=False, highlight=False)
        return NOTHING
    write(path, made.spec.model_copy(update={"name": name}).to_yaml())
    left = [problem for problem in made.problems if problem.code not in NOT_ITS_FAULT]
    for problem in left:
        err.print(str(problem), markup=False, highlight=False, soft_wrap=True, style="yellow")
    after = f" with {counted(len(left), 'problem')} left" if left else ""
    out.print(f"Wrote {path}{after}. A model wrote it: read it, then: distilflow preview {path}", highlight=False)
    return WITH_PROBLEMS if left else WRITTEN


def _read(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(SAMPLE_BYTES + 1).decode("utf-8", "replace")
    except OSError as error:
        raise SpecError(f"{path} cannot be read: {error.strerror}", "check the path") from error
