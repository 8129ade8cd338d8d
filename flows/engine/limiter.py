"""DRAFT"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass

from flows.engine.limits import Limit, Limits

FIRST_RATE = 1500.0
FIRST_LEVEL = 8.0
UNSAID_RETRY_S = 1.0


class Ticket:
    __slots__ = ("at", "number", "tokens", "is_probe", "is_open")

    def __init__(self, at: float, number: int, tokens: float, is_probe: bool) -> None:
        self.at = at
        self.number = number
        self.tokens = tokens
        self.is_probe = is_probe
        self.is_open = True


class Bucket:
    """rate a second, at most cap"""

    def __init__(self, rate: float, cap: float, level: float, now: float) -> None:
        self.rate = rate
        self.cap = cap
        self.level = level
        self.at = now

    def refill(self, now: float) -> None:
        if now > self.at:
            self.level = min(self.cap, self.level + (now - self.at) * self.rate)
            self.at = now

    def wait(self, now: float, amount: float) -> float:
        self.refill(now)
        missing = min(amount, self.cap) - self.level
        return missing / self.rate if missing > 0 else 0.0


class Mirror(Bucket):
    def __init__(self, now: float) -> None:
        super().__init__(FIRST_RATE, FIRST_RATE * 0.02, FIRST_LEVEL, now)
        self.is_known = False
        self.sent = 0
        self.refused_count = 0
        self.doubt = 1.0
        self.anchor_at = now
        self.anchor_number = 0
        self.anchor_accepted = 0
        self.full_s = 0.0
        self.echo_s = 0.0
        self.least_echo_s = math.inf
        self.marks: deque[tuple[float, int]] = deque(maxlen=100)
        self.first: Ticket | None = None
        self.last: Ticket | None = None
        self.count = 0

    def refill(self, now: float) -> None:
        passed = now - self.at
        if passed <= 0:
            return
        self.level += passed * self.rate
        if self.level > self.cap:
            self.full_s += min(passed, (self.level - self.cap) / self.rate)
            self.level = self.cap
        self.at = now
        if self.first is not None:
            return
        if not self.is_known:
            self.rate = min(1e6, self.rate * (1 + 5 * min(passed, 0.1)))
            self.cap = self.rate * 0.02
            return
        step = min(passed, 0.1)
        self.doubt = min(1.0, self.doubt * (1 + step * G["doubt_growth"]))
        fastest = math.log(2) / max(G["double_s"], 2 * self.echo_s)
        self.rate = min(1e6, self.rate * (1 + step * min(fastest, G["growth"] * self.doubt**2)))

    def take(self, now: float) -> int:
        self.level -= 1
        self.sent += 1
        if not self.marks or now - self.marks[-1][0] > 0.05:
            self.marks.append((now, self.sent - 1 - self.refused_count))
        return self.sent

    def refused(self, now: float, ticket: Ticket) -> bool:
        self.refill(now)
        self.refused_count += 1
        self.level += 1
        echo = now - ticket.at
        self.least_echo_s = min(self.least_echo_s, echo)
        self.echo_s += (echo - self.echo_s) * (0.3 if self.echo_s else 1)
        if ticket.number < self.anchor_number:
            self.anchor_accepted -= 1
            return False
        if self.first is None or self.last is None:
            self.first = self.last = ticket
            self.count = 0
        elif ticket.number < self.first.number:
            self.first = ticket
        elif ticket.number > self.last.number:
            self.last = ticket
        self.count += 1
        return True

    def settle(self, now: float) -> None:
        if self.first is None or self.last is None:
            return
        self.refill(now)
        first, last = self.first, self.last
        accepted = last.number - self.refused_count
        if not self.is_known:
            self.is_known = True
            before = first.number - 1
            self.cap = max(1.0, accepted)
            self.rate = max(G["first_share"] * before, 4.0)
            self.doubt = 1.0
            self.anchor(first.at, last.number, before)
            if last.at - first.at > 0.05:
                self.learn(last.at, accepted)
        elif self.full_s > 0 and self.count > 1 + self.doubt * self.rate * (last.at - self.anchor_at - self.full_s):
            self.cap = max(1.0, self.cap - self.count + 1)
            self.anchor(last.at, last.number, accepted)
        else:
            self.learn(last.at, accepted)
        self.level = min(self.cap, self.rate * (now - last.at) * max(0, 1 - G['discount'] * self.doubt)) - (self.sent - last.number)
        self.first = self.last = None

    def anchor(self, at: float, number: int, accepted: int) -> None:
        self.anchor_at = at
        self.anchor_number = number
        self.anchor_accepted = accepted
        self.full_s = 0.0

    def learn(self, at: float, accepted: int) -> None:
        assert self.first and self.last
        span = max(1e-3, at - self.anchor_at - self.full_s)
        count = max(0, accepted - self.anchor_accepted)
        found = (count + 0.5) / span
        sample = count
        for then, before in self.marks:
            if before > self.anchor_accepted and at - then > 0.1:
                bound = (accepted - before - self.cap - G["slack"]) / (at - then + G['jit'] * (self.echo_s - self.least_echo_s))
                if bound > found:
                    found = max(found, min(bound, self.rate))
                    sample = (accepted - before) / (self.cap + 2) * G["mark"]
        density = (self.last.number - self.first.number) / max(0.01, self.last.at - self.first.at)
        error = (1 + max(self.rate, density) * (self.echo_s - self.least_echo_s)) / (sample + 0.5)
        if count < G["enough"]:
            self.rate = min(self.rate, max(found, self.rate * 0.85))
            return
        spare = max(0.0, 1 - self.cap / (self.rate * span)) * max(0.0, 1 - found / self.rate) * self.doubt
        found += (self.rate - found) * spare * G["mid"]
        surprise = 1 - found / self.rate - error
        doubt = min(1.0, max(self.doubt, surprise))
        gain = doubt**2 / (doubt**2 + error**2)
        self.rate = max(0.05, self.rate + gain * (min(found, 2 * self.rate) - self.rate))
        self.doubt = max(G["least_doubt"], doubt * error / math.hypot(doubt, error), spare * G["spare"])
        self.rate *= 1 - G["margin"] * min(0.2, self.doubt)
        self.anchor(at, self.last.number, accepted)


G = {"mid": 0, "spare": 0.5, "jit": 2, "slack": 1, "mark": 1, "discount": 1, "doubt_growth": 0.6, "double_s": 0.25, "growth": 3.0, "first_share": 0.5, "least_doubt": 0.03, "margin": 0.5, "enough": 8}


class Limiter:
    def __init__(self, max_concurrency: int, **_: object) -> None:
        self.window = max_concurrency
        self.held = 0
        self.mirror: Mirror | None = None
        self.told: Bucket | None = None
        self.told_sent = 0
        self.closed_until = -math.inf
        self.meant = 1.0
        self.probe: Ticket | None = None
        self.is_half_open = False

    def delay(self, now: float, tokens: float = 0) -> float | None:
        if self.held >= self.window:
            return None
        if now < self.closed_until:
            return self.closed_until - now
        mirror = self.mirror
        if mirror is None:
            mirror = self.mirror = Mirror(now)
        if mirror.first is not None:
            mirror.settle(now)
        if self.is_half_open and self.probe is not None:  # nothing came back: accepted
            self.is_half_open = False
            self.probe = None
            self.meant = max(1 / 256, self.meant / 4)
        wait = mirror.wait(now, 1)
        if self.told is not None:
            wait = max(wait, self.told.wait(now, 1))
        return wait

    def sent(self, now: float, tokens: float = 0) -> Ticket:
        assert self.mirror
        self.held += 1
        number = self.mirror.take(now)
        if self.told is not None:
            self.told.level -= 1
        is_probe = self.is_half_open
        ticket = Ticket(now, number, tokens, is_probe)
        if is_probe:
            self.probe = ticket
            self.closed_until = now + 2 * self.mirror.echo_s
        return ticket

    def hear(self, now: float, ticket: Ticket, limits: Limits | None) -> None:
        if limits is None or limits.requests is None:
            return
        assert self.mirror
        said = limits.requests
        used = said.limit - said.remaining
        after = self.mirror.sent - ticket.number
        if self.told is None:
            if used < 1 or said.reset_s <= 0:
                return
            self.told = Bucket(used / said.reset_s, said.limit, said.remaining, now)
        told = self.told
        told.refill(now)
        if used >= 1 and said.reset_s > 0:
            told.rate = used / said.reset_s
            told.cap = said.limit
        low = said.remaining - after + told.rate * (now - ticket.at)
        told.level = min(max(told.level, low), said.remaining + told.rate * (now - ticket.at))

    def replied(self, now: float, ticket: Ticket, limits: Limits | None = None, tokens_used: float | None = None) -> None:
        self.hear(now, ticket, limits)

    def refused(self, now: float, ticket: Ticket, retry_after: float | None = None, limits: Limits | None = None) -> float:
        assert self.mirror
        self.held -= 1
        is_new = self.mirror.refused(now, ticket)
        pause = UNSAID_RETRY_S if retry_after is None else retry_after
        if ticket is self.probe:
            self.probe = None
            self.meant = min(4.0, self.meant * 4)
        own = 0.0 if retry_after is None else pause * min(1, self.meant)
        if is_new:
            self.closed_until = max(self.closed_until, now + max(1.5 * self.mirror.echo_s, pause * min(1, self.meant / 4)))
            self.is_half_open = self.meant > 1 / 16
        self.hear(now, ticket, limits)
        return own

    def failed(self, now: float, ticket: Ticket) -> None:
        self.held -= 1

    def released(self, ticket: Ticket) -> None:
        self.held -= 1
