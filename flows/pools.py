"""Where steps run: the pools of this machine and what they can give."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
from itertools import takewhile
from pathlib import Path

from steps.base import StepResources


@dataclass(frozen=True, slots=True)
class Pools:
    """What can be given: cores, memory in bytes, and devices by the names CUDA_VISIBLE_DEVICES takes."""

    cpus: int = field(default_factory=lambda: os.cpu_count() or 1)
    memory: int = field(default_factory=lambda: os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES"))
    devices: tuple[str, ...] = ()

    @staticmethod
    def detect() -> Pools:
        """The pools of this machine. $DISTILFLOW_GPUS ("0,1") declares devices; else those of the NVIDIA driver count."""
        declared = os.environ.get("DISTILFLOW_GPUS", os.environ.get("CUDA_VISIBLE_DEVICES"))
        if declared is not None:
            named = takewhile(lambda name: name != "-1", (part.strip() for part in declared.split(",")))  # as CUDA reads it
            return Pools(devices=tuple(dict.fromkeys(name for name in named if name)))
        cards = Path("/proc/driver/nvidia/gpus")
        count = len(list(cards.iterdir())) if cards.is_dir() else 0
        return Pools(devices=tuple(map(str, range(count))))

    def names(self) -> list[str]:
        return ["async", "process", "gpu"]

    def devices_wanted(self, pool: str, wanted: StepResources) -> int:
        """GPUs that all replicas of a step hold while it runs; in the pool `gpu` each has at least one."""
        return (wanted.gpus or 1) * wanted.replicas if pool == "gpu" else 0

    def shortages(self, pool: str, wanted: StepResources) -> Iterable[tuple[str, str]]:
        """What a step asks for that this pool cannot give, and what to do about it."""
        elsewhere = "ask for less, or run on a larger machine"
        gpus = self.devices_wanted(pool, wanted)
        if wanted.gpus and pool != "gpu":
            yield f"asks for {wanted.gpus} GPU(s) in the pool {pool!r}; only the pool gpu has devices", "write `pool: gpu`"
        elif gpus > len(self.devices):
            fix = elsewhere if self.devices else "run where there is a GPU, or name one in $DISTILFLOW_GPUS"
            yield f"asks for {gpus} GPU(s); this machine has {len(self.devices) or 'none'}", fix
        if wanted.cpus and wanted.cpus > self.cpus:
            yield f"asks for {wanted.cpus:g} cores per replica; this machine has {self.cpus}", elsewhere
        memory = (wanted.memory or 0) * wanted.replicas
        if memory > self.memory:
            yield f"asks for {memory / 1e9:.1f} GB; this machine has {self.memory / 1e9:.1f}", elsewhere
