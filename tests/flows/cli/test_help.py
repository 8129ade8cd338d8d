"""`distilflow --help` and `--version`."""

from __future__ import annotations

import inspect
import re
from importlib.metadata import version
from typing import get_type_hints

import pytest
from typer.models import CommandInfo
from typer.testing import CliRunner

from flows.cli.commands import cli
from tests.flows.commands import Commands


def _words(text: str) -> list[str]:
    """Its words, without what markup and frames add to them."""
    return re.sub(r"[`│]", "", text).split()


def _help(*command: str) -> list[str]:
    return _words(CliRunner().invoke(cli, [*command, "--help"], env={"TERMINAL_WIDTH": "120"}).output)


@pytest.mark.parametrize("command", cli.registered_commands, ids=lambda command: command.callback.__name__)
def test_a_help_text_shows_every_word_that_was_written(command: CommandInfo) -> None:
    assert command.callback is not None
    function = command.callback
    text = inspect.cleandoc(function.__doc__ or "")
    hints = get_type_hints(function, include_extras=True).values()
    helps = [option.help for hint in hints for option in getattr(hint, "__metadata__", ()) if option.help]

    assert set(_words(text.partition("\n")[0])) <= set(_help())
    assert set(_words(" ".join([text, *helps]))) <= set(_help(function.__name__))


def test_the_version_is_told(commands: Commands) -> None:
    ended = commands("--version")

    assert (ended.code, ended.out) == (0, f"distilflow {version('distilflow')}\n")
