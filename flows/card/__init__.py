"""The card of a Distiset: what it is, how it was made, and how to use it. Becomes README.md."""

from flows.card.front_matter import configs, read_front_matter, with_configs
from flows.card.rendering import FOLDER, Left, Reason, addressed, render_card

__all__ = ["FOLDER", "Left", "Reason", "addressed", "configs", "read_front_matter", "render_card", "with_configs"]
