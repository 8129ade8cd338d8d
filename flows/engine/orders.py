"""What processes that work for a run are told at their start."""

from __future__ import annotations

import os
import sys

from flows.engine.desk import Desk
from flows.engine.placing import Lease
from flows.engine.stages import Stage
from flows.engine.worker import Order
from flows.plan import Plan


def order_of(plan: Plan, stage: Stage, lease: Lease, desk: Desk) -> Order:
    """What a worker of this stage is told: it sees the devices of its lease and no others."""
    environment = {**os.environ, **lease.environment}
    return Order(plan.spec.to_dict(), stage.name, desk, environment=environment, path=tuple(sys.path))
