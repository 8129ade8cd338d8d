"""Where steps run: the pools of this machine and what they can give."""

from __future__ import annotations

import os
from collections.abc import Iterable
from dataclasses import dataclass, field
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
            return Pools(devices=tuple(part.strip() for part in declared.split(",") if part.strip() not in ("", "-1")))
        cards = Path("/proc/driver/nvidia/gpus")
        count = len(list(cards.iterdir())) if cards.is_dir() else 0
        return Pools(devices=tuple(map(str, range(count))))

    def names(self) -> list[str]:
        return ["async", "process", "gpu"]

    def shortages(self, pool: str, wanted: StepResources) -> Iterable[str]:
        """What a step asks for that this pool cannot give, one sentence each."""
        gpus = (wanted.gpus or (1 if pool == "gpu" else 0)) * wanted.replicas
        if wanted.gpus and pool != "gpu":
            yield f"asks for {wanted.gpus} GPU(s) in the pool {pool!r}; only `pool: gpu` has devices"
        elif gpus > len(self.devices):
            yield f"asks for {gpus} GPU(s); this machine has {len(self.devices)}"
        if wanted.cpus and wanted.cpus > self.cpus:
            yield f"asks for {wanted.cpus:g} cores per replica; this machine has {self.cpus}"
        if wanted.memory and wanted.memory > self.memory:
            yield f"asks for {wanted.memory / 1e9:.1f} GB per replica; this machine has {self.memory / 1e9:.1f}"
