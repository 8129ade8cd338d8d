"""distilabel's pipeline files as ours."""

from flows.compat.conversion import MOST_NOTES, Converted, convert, is_theirs

__all__ = ["MOST_NOTES", "Converted", "convert", "is_theirs"]
