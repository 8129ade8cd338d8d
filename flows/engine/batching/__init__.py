"""Requests that go to a provider many at a time: gathered, handed in once, and brought in."""
