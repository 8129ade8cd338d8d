"""`distilflow`: all commands, and how errors leave it: words for a user's mistake, never a traceback."""

from __future__ import annotations

import sys
from importlib.metadata import version
from typing import Annotated

import typer

from flows.cli import checking, describing, labels, listing, looking, past, running, starting, tracing
from flows.cli.console import err, out
from flows.runs import NothingToRetry, NotRunning, UnknownRun
from steps.errors import DistilflowError, PlanError, SpecError
from steps.registry import UnknownComponent

WRONG = 2
FAILED = 1
WRONG_ARGUMENTS = (
    *("not-a-distiset", "not-a-journal", "unknown-part", "unknown-row"),
    *("unknown-project", "unknown-version", "name-taken"),
)
"""What only the engine can find out about arguments; its errors come as words."""

cli = typer.Typer(
    name="distilflow",
    help="Synthetic datasets and AI feedback: describe a pipeline in YAML, run it, push the result to the Hub.",
    epilog="First steps: `distilflow run examples/quickstart.yaml`, or `distilflow new mine`, `distilflow preview mine.yaml`, "
    "`distilflow run mine.yaml`.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="markdown",
)


def _tell_version(is_asked: bool) -> None:
    if is_asked:
        out.print(f"distilflow {version('distilflow')}", highlight=False)
        raise typer.Exit


@cli.callback()
def _every_command(
    is_version: Annotated[
        bool, typer.Option("--version", callback=_tell_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """What comes before a command."""


for command in (
    starting.new,
    looking.plan,
    checking.check,
    describing.info,
    looking.preview,
    running.run,
    running.resume,
    running.retry,
    running.replay,
    running.pause,
    running.stop,
    past.runs,
    past.show,
    past.usage,
    past.journal,
    tracing.why,
    tracing.compare,
    listing.steps,
    starting.app,
):
    cli.command()(command)
cli.add_typer(labels.labels, name="labels")


def obey() -> None:
    """Do what the command says."""
    try:
        cli()
    except PlanError as error:
        say(error)
        count = len(error.problems)
        err.print(f"\n{count} problem{'s' if count != 1 else ''}. Nothing was run.", style="bold")
        sys.exit(WRONG)
    except (SpecError, UnknownComponent, UnknownRun, NotRunning, NothingToRetry) as error:
        say(error)
        sys.exit(WRONG)
    except DistilflowError as error:
        say(error)
        sys.exit(WRONG if error.code in WRONG_ARGUMENTS else FAILED)
    except BrokenPipeError:  # `distilflow steps | head`
        sys.stderr.close()
        sys.exit(0)


def say(error: DistilflowError) -> None:
    """An error as plain text: it may hold brackets that are no markup."""
    err.print(str(error), markup=False, highlight=False, soft_wrap=True)
