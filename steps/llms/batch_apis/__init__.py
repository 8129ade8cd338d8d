"""The batch endpoints of providers: many requests in one file, answered within a day for less.

What differs between providers is here: where a file goes, how a batch is made, looked at and found again, and how the lines
of its results read. What to do about all that is up to the engine (`flows.engine.batching`).
"""
