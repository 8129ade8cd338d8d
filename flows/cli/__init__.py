"""The command line: `distilflow`."""

from flows.cli.main import main

__all__ = ["main"]
