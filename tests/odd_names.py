"""Names of columns that mean nothing to a step or a file, however they look."""

from __future__ import annotations

ODD_NAMES = [
    "",
    " ",
    "a.b",
    "two words",
    "größe 🦆",
    "__proto__",
    "__class__",
    "__index_level_0__",
    "self",
    "row",
    "key",
    "id",
    "train",
    "x'; DROP TABLE rows; --",
    '"quoted"',
    "{braces}",
    "$distilflow",
    "distilflow",
    "texts_of_cluster",
    "a" * 300,
]
