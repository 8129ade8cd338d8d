"""The models of a run that this machine computes: which steps share a process with them, and its devices."""

from __future__ import annotations

import asyncio
import itertools
from dataclasses import dataclass, field, replace
from pathlib import Path

from flows.engine.desk import Desk
from flows.engine.model_pool import ModelPool, ModelProcess
from flows.engine.model_process import ModelOrder
from flows.engine.notices import Tell
from flows.engine.orders import order_of
from flows.engine.placing import Lease, Placer
from flows.engine.stages import Stage
from flows.plan import Plan
from flows.plan.sharing import local_models, model_key
from steps.local.logs import LOGS, log_name
from steps.wording import listed


@dataclass(slots=True)
class _Household:
    """Steps that share models: the pool with these, and who uses it."""

    pool: ModelPool
    leases: dict[int, Lease]
    holder: Stage
    """Whose leases have the devices; they are given back when nobody uses the pool any more."""
    users: dict[str, dict[int, Lease]] = field(default_factory=dict)


class LocalModels:
    """Gives steps the processes with their models."""

    def __init__(self, plan: Plan, folder: Path, placer: Placer, tell: Tell, *, is_replay: bool) -> None:
        """`folder`: that of the run, where logs are kept. `is_replay`: no model is asked."""
        self._plan = plan
        self._folder = folder
        self._placer = placer
        self._tell = tell
        self._is_replay = is_replay
        self._households: dict[str, _Household] = {}
        self._locks: dict[str, asyncio.Lock] = {}

    def serves(self, stage: Stage) -> bool:
        """Whether the models of a stage live in a process of their own: the stage asks them from here."""
        return not self._is_replay and model_key(stage.head) is not None

    async def move_in(self, stage: Stage) -> list[Lease]:
        """Let a stage ask its models where they live, with the devices that they have."""
        key = model_key(stage.head)
        assert key is not None
        async with self._locks.setdefault(key, asyncio.Lock()):
            home = self._households.get(key)
            replicas = range(stage.resources.replicas)
            if home is None:
                leases = {replica: await self._placer.acquire(stage, replica) for replica in replicas}
                home = self._households[key] = _Household(self._pool(stage, leases), leases, stage)
                home.users[stage.name] = leases
            elif stage.name not in home.users:
                guest = replace(stage, is_guest=True)
                home.users[stage.name] = {replica: await self._placer.acquire(guest, replica) for replica in replicas}
        for llm in local_models(stage.head).values():
            llm.live(home.pool)
        return list(home.leases.values())

    def _pool(self, stage: Stage, leases: dict[int, Lease]) -> ModelPool:
        names = list(dict.fromkeys(llm.source for llm in local_models(stage.head).values()))
        desk = Desk(self._folder, "", {})

        def process(replica: int, lease: Lease) -> ModelProcess:
            def order() -> ModelOrder:
                logs = (self._folder / LOGS / f"{log_name(names[0], replica)}-{start}.log" for start in itertools.count(1))
                log = next(log for log in logs if not log.exists())
                return ModelOrder(order_of(self._plan, stage, lease, desk), log)

            return ModelProcess(listed(map(repr, names)), order, self._tell)

        return ModelPool([process(replica, lease) for replica, lease in leases.items()])

    def move_out(self, stage: Stage) -> bool:
        """Give back what a stage held; the devices, once no stage asks their models any more. Whether it held anything."""
        key = model_key(stage.head) or ""
        home = self._households.get(key)
        if home is None or stage.name not in home.users:
            return False
        for llm in local_models(stage.head).values():
            llm.live(None)
        mine = home.users.pop(stage.name)
        if stage.name != home.holder.name:
            for replica, lease in mine.items():
                self._placer.release(replace(stage, is_guest=True), replica, lease)
        if not home.users:
            del self._households[key]
            for replica, lease in home.leases.items():
                self._placer.release(home.holder, replica, lease)
        return True

    async def close(self) -> None:
        """End all processes that are left."""
        await asyncio.gather(*(home.pool.kill() for home in self._households.values()))
