"""What can be given on the command line with more than one command."""

from __future__ import annotations

import functools
import inspect
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from flows.engine.caps import Caps
from flows.engine.options import RunOptions
from flows.hub import PushFailed, check_repo_id
from flows.journals import find_journals
from flows.plan.grouping import SEQUENTIAL
from flows.runs import RUNS, RunStore, command
from steps.errors import SpecError

LAST = "last"
"""Instead of the name of a run: the newest runs of the same pipeline."""

Pipeline = Annotated[
    str,
    typer.Argument(
        help="Pipeline file, YAML or JSON, also one of distilabel; or hf://datasets/owner/name, or the address of that page."
    ),
]
Params = Annotated[
    list[str] | None, typer.Option("--param", "-p", help="Replace a parameter, e.g. judge.llm.model=gpt-4o. May be repeated.")
]
Model = Annotated[
    str | None,
    typer.Option(
        "--llm",
        help="Ask this model instead of those in the file: openai/gpt-4o-mini, ollama/llama3.2, or at an address of its own "
        "vllm/MODEL@http://host:8000/v1.",
    ),
]
Rehearse = Annotated[bool, typer.Option("--rehearse", help="Try the pipeline with made-up replies: no model, no cost.")]
LoadGroups = Annotated[
    list[str] | None,
    typer.Option(
        metavar="STEPS",
        help=f"Steps that work at the same time, such as a,b. May be repeated: one group after the other. {SEQUENTIAL}: "
        "each step alone.",
    ),
]
RunId = Annotated[str, typer.Argument(help="Name of the run.")]
RunsDir = Annotated[Path, typer.Option(help="Folder that holds all runs.")]


def _number(flag: str, read: Callable[[str], float], what: str, fix: str) -> Callable[[str], float]:
    """Reads the value of a flag."""

    def parse(text: str) -> float:
        try:
            return read(text)
        except ValueError:
            raise SpecError(f"{flag} {text!r} is no {what}", fix) from None

    return parse


_AMOUNT = _number("--max-cost", float, "amount of USD", "write a number with a point, such as --max-cost 0.50")
_TOKENS = _number("--max-tokens", int, "whole number", "write its digits only, such as --max-tokens 100000")


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFlags:
    """What every command that runs something takes. A field that `RunOptions` has too is one of those.

    Raises:
        SpecError: The result could not be pushed there, or the budget is none.
    """

    runs_dir: RunsDir = RUNS
    journal: Annotated[
        list[str] | None,
        typer.Option(help="Look replies up here too: a run, its folder, or a file of `distilflow journal`. May be repeated."),
    ] = None
    reuse: Annotated[
        list[str] | None,
        typer.Option(help=f"Take over what this run finished, where step and row are the same; {LAST}: all runs of this name."),
    ] = None
    output: Annotated[Path | None, typer.Option(help="Folder for the Distiset; the run's own if not given.")] = None
    max_rows: Annotated[int | None, typer.Option(min=1, help="Take only so many rows of the source.")] = None
    max_cost: Annotated[
        float | None,
        typer.Option(metavar="USD", parser=_AMOUNT, help="Stop before it costs more than this, in all its sessions."),
    ] = None
    max_tokens: Annotated[
        int | None,
        typer.Option(metavar="TOKENS", parser=_TOKENS, help="Stop before it uses more tokens than this, input and output."),
    ] = None
    load_groups: LoadGroups = None
    push: Annotated[str | None, typer.Option(help="Push the result to this data set on the Hub: owner/name.")] = None
    no_prefect: Annotated[
        bool, typer.Option("--no-prefect", help="Run without Prefect: starts sooner, shows nothing in its UI.")
    ] = False

    def __post_init__(self) -> None:
        Caps(self.max_cost, self.max_tokens)  # says what is wrong with them
        if self.push is None:
            return
        try:
            check_repo_id(self.push)
        except PushFailed as error:
            raise SpecError(f"--push: {error.message}", error.fix) from error
        if "/" not in self.push:
            raise SpecError(f"--push {self.push!r} has no owner", f"write your name on the Hub before it: owner/{self.push}")

    def over(self, asked: RunOptions, pipeline: str) -> RunOptions:
        """The options of a run of this pipeline that was asked for these, with what is given now.

        Raises:
            NotAJournal: Something else was named as one.
            UnknownRun: There is no run to take rows over from.
        """
        store = RunStore(self.runs_dir)
        given = {name: getattr(self, name) for name in RunOptions.model_fields if hasattr(self, name)}
        reuse = [path for name in self.reuse or () for path in _reused(name, store, pipeline)]
        return asked.changed({**given, "journals": find_journals(self.journal or (), store), "reuse": reuse})

    def command(self, verb: str, run_id: str, *more: str) -> str:
        """What to type about a run of this runs folder."""
        return command(verb, run_id, *more, runs_dir=self.runs_dir)


def _reused(name: str, store: RunStore, pipeline: str) -> list[Path]:
    runs = [run for run, _ in store.of_pipeline(pipeline)] if name == LAST else [store.get(name)]
    return [run.path.absolute() for run in runs]


def takes_run_flags(function: Callable[..., None]) -> Callable[..., None]:
    """Give a command every flag of `RunFlags`; it gets them as `flags`."""
    own = inspect.signature(function, eval_str=True).parameters
    shared = inspect.signature(RunFlags, eval_str=True).parameters

    @functools.wraps(function)
    def taking(**given: Any) -> None:
        flags = RunFlags(**{name: given.pop(name) for name in shared})
        function(**given, flags=flags)

    parameters = [parameter for name, parameter in own.items() if name != "flags"] + list(shared.values())
    by_name = [parameter.replace(kind=inspect.Parameter.KEYWORD_ONLY) for parameter in parameters]
    taking.__signature__ = inspect.Signature(by_name)  # type: ignore[attr-defined] # typer reads it
    hints = {**get_type_hints(function, include_extras=True), **get_type_hints(RunFlags, include_extras=True)}
    taking.__annotations__ = {parameter.name: hints[parameter.name] for parameter in by_name}
    return taking
