"""Label projects: what people, LLMs and templates said about items, reviewed in rounds, and the strategies learned from it."""

from flows.labelling.about import About, Round
from flows.labelling.project import LabelProject
from flows.labelling.store import LabelProjects

__all__ = ["About", "LabelProject", "LabelProjects", "Round"]
