"""The part of Elasticsearch that Argilla's server calls, in memory: it lets the real server run where there is none.

It answers exactly (no analysis of language, no scores worth the name) and knows only the queries that the server sends;
any other is refused by name, so that a test cannot pass because a condition was overlooked.
"""

from tests.fakes.search.app import FakeSearch

__all__ = ["FakeSearch"]
