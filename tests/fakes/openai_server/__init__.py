"""A local server that speaks the OpenAI chat completions API, with faults on demand.

Example:
    >>> fake = FakeOpenAI(Behaviour(rules=[Rule("boom", Fault.SERVER_ERROR, times=1)]))
    >>> with running(fake) as url:  # from tests.fakes.serving
    ...     answer = ask("boom", base_url=f"{url}/v1")
    >>> fake.stats.by_status
    Counter({500: 1, 200: 1})
"""

from tests.fakes.openai_server.behaviour import Behaviour, Fault, Messages, Reply, Rule
from tests.fakes.openai_server.server import FakeOpenAI
from tests.fakes.openai_server.stats import CLIENT_GAVE_UP, CONNECTION_CLOSED, Stats

__all__ = [
    "CLIENT_GAVE_UP",
    "CONNECTION_CLOSED",
    "Behaviour",
    "FakeOpenAI",
    "Fault",
    "Messages",
    "Reply",
    "Rule",
    "Stats",
]
