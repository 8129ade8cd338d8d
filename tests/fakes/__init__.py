"""Local stand-ins for the servers the product talks to.

Each speaks enough of the real protocol for the real client library.
"""
