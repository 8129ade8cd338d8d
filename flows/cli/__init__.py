"""The command line: `distilflow`."""

import gc
import os
import sys

from flows.runners import standby

STOPPED = 130
STARTS_HERE = "run"
"""The command whose engine works in the folder where it was typed."""


def main() -> None:
    """Entry of the console script."""
    for bars in ("HF_DATASETS_DISABLE_PROGRESS_BARS", "HF_HUB_DISABLE_PROGRESS_BARS"):  # ours tell how a run goes
        os.environ.setdefault(bars, "1")
    if STARTS_HERE in sys.argv[1:2] and "--help" not in sys.argv:
        standby.get_ready()  # it imports what it needs while this process does
    try:
        from flows.cli.commands import obey

        obey()
    except KeyboardInterrupt:  # before a run has begun: later it stops the run
        sys.exit(STOPPED)
    finally:
        standby.drop()
        gc.freeze()  # Python would look through all that Prefect imported before it ends: a quarter of a second
