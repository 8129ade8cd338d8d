"""Whether this process works for a run: such a one starts none.

Workers import the file that defines a class by its name. A script that ends in `run()` would start a run in each of them, with
workers of its own, without end.
"""

from __future__ import annotations

from steps.errors import RunError

_is_inside = False


def enter() -> None:
    """From now on this process works for a run."""
    global _is_inside
    _is_inside = True


def refuse_another_run() -> None:
    """Check that a run may be started here.

    Raises:
        RunError: This process works for one.
    """
    if _is_inside:
        raise RunError(
            "a run was started while this file was imported for the workers of a run",
            'put what starts it below `if __name__ == "__main__":` at the end of the file',
        )
