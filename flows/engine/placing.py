"""Who may use which devices: every replica gets a lease before it starts, and gives it back when it ends."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Protocol

from flows.engine.stages import Stage
from flows.pools import Pools
from steps.errors import RunError


@dataclass(frozen=True, slots=True)
class Lease:
    """Permission to run a replica, on these devices."""

    devices: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        """What the worker's environment must say: a step sees its own devices and no others."""
        return {"CUDA_VISIBLE_DEVICES": ",".join(self.devices)}


class Placer(Protocol):
    """Gives leases. Prefect's task runner is behind one of these, a plain list of devices behind the other."""

    async def acquire(self, stage: Stage, replica: int) -> Lease: ...

    def release(self, stage: Stage, replica: int, lease: Lease) -> None: ...


class LocalPlacer:
    """Gives out the devices of this machine; everything else may start at once."""

    def __init__(self, pools: Pools) -> None:
        self._free = list(pools.devices)

    async def acquire(self, stage: Stage, replica: int) -> Lease:
        wanted = devices_wanted(stage)
        if wanted > len(self._free):
            raise RunError(
                f"step {stage.name!r} asks for {wanted} GPU(s) per replica; {len(self._free)} are free",
                "ask for less, or let fewer steps use GPUs",
            )
        devices, self._free = self._free[:wanted], self._free[wanted:]
        return Lease(devices)

    def release(self, stage: Stage, replica: int, lease: Lease) -> None:
        self._free = [*lease.devices, *self._free]


def devices_wanted(stage: Stage) -> int:
    """GPUs that one replica gets."""
    return (stage.resources.gpus or 1) if stage.pool == "gpu" and not stage.is_guest else 0
