"""An Argilla server in memory: what our steps ask of one, answered as the real one does.

`recorded.json` holds what Argilla 2.8 said to the requests of `conversation.py`; a test compares the fake with it word by word.

Example:
    >>> argilla = FakeArgilla()
    >>> with running(argilla) as url:  # from tests.fakes.serving
    ...     ToArgilla(api_url=url, api_key=argilla.key_of("owner"), ...)
"""

from tests.fakes.argilla.app import FakeArgilla

__all__ = ["FakeArgilla"]
