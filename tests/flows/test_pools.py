from __future__ import annotations

import pytest

from flows.pools import Pools
from steps.base import StepResources


@pytest.mark.parametrize(
    ("declared", "devices"),
    [
        ("0,1", ("0", "1")),
        (" 2 , 3 ", ("2", "3")),
        ("GPU-8932f937,MIG-1", ("GPU-8932f937", "MIG-1")),
        ("", ()),
        ("-1", ()),
        ("0,-1,1", ("0",)),
        ("0,0", ("0",)),
    ],
)
def test_devices_are_those_that_cuda_would_see(
    declared: str, devices: tuple[str, ...], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("DISTILFLOW_GPUS", raising=False)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", declared)

    assert Pools.detect().devices == devices


def test_devices_declared_for_us_count_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "0")
    monkeypatch.setenv("DISTILFLOW_GPUS", "4,5")

    assert Pools.detect().devices == ("4", "5")


def test_this_machine_has_cores_and_memory() -> None:
    pools = Pools.detect()

    assert pools.cpus >= 1
    assert pools.memory > 2**28


@pytest.mark.parametrize(
    ("pool", "wanted", "devices"),
    [
        ("gpu", StepResources(), 1),
        ("gpu", StepResources(gpus=0), 1),
        ("gpu", StepResources(gpus=2, replicas=3), 6),
        ("process", StepResources(replicas=3), 0),
    ],
)
def test_every_replica_on_the_gpu_pool_holds_devices(pool: str, wanted: StepResources, devices: int) -> None:
    assert Pools().devices_wanted(pool, wanted) == devices
