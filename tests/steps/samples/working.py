"""A step at work on rows, as the engine has it work: tasks are asked about row by row, on one event loop."""

from __future__ import annotations

import asyncio
import atexit
from functools import partial

from steps.base import BaseStep, GlobalStep, JoinStep, Row, Step
from steps.llms.base import Ask, Completion, Request, topped_up
from steps.tasks.base import Task
from steps.tasks.global_task import GlobalTask

_RUNNER = asyncio.Runner()
atexit.register(_RUNNER.close)


def run(step: BaseStep, rows: list[Row]) -> list[Row]:
    """What the step makes of these rows."""
    if isinstance(step, Task):
        asked = list(step.prepare(rows)) if isinstance(step, GlobalTask) else rows
        return _RUNNER.run(_answers(step, asked, topped_up(step.llm.complete)))
    if isinstance(step, JoinStep):
        return [step.combine([row, row]) for row in rows]
    if isinstance(step, GlobalStep):
        return list(step.process(rows))
    assert isinstance(step, Step)
    return step.process(rows)


async def _answers(task: Task, rows: list[Row], ask: Ask) -> list[Row]:
    return [made for row in rows for made in await task.answer(row, partial(_asked, ask))]


async def _asked(ask: Ask, request: Request) -> Completion:
    """Ask, if the question is one that a server can be sent."""
    for message in request.chat:
        assert isinstance(message["role"], str)
        assert isinstance(message.get("content"), (str, list)) or "tool_calls" in message
    return await ask(request)
