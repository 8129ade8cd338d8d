"""Spec to checked plan: every step made, every column followed, every problem found, all at once."""

from flows.plan.planned import Plan, PlannedStep, batch_size_field
from flows.plan.planning import Groups, examine, plan

__all__ = ["Groups", "Plan", "PlannedStep", "batch_size_field", "examine", "plan"]
