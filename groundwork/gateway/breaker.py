"""Circuit breakers: a provider's model that keeps failing is left alone for a while, then tried by one call.

closed      calls go through; consecutive failures or a high failure rate open it
open        no call goes through until its pause is over; each opening in a row doubles the pause
half open   one call goes through: success closes it, failure opens it again

Time is monotonic and handed in, so that a jump of the wall clock changes nothing. Safe to use from several threads.
"""

from __future__ import annotations

import threading
from collections import deque
from dataclasses import dataclass
from typing import Literal

BreakerState = Literal["closed", "open", "half_open"]


@dataclass(frozen=True, slots=True)
class BreakerOptions:
    """When a breaker opens, and for how long.

    Attributes:
        consecutive: failures in a row that open it.
        rate: share of failures within `window_s` that opens it, once there are `least` outcomes.
        pause_s: how long it stays open the first time, doubled up to `longest_pause_s` while its probes fail.
    """

    consecutive: int = 5
    rate: float = 0.5
    window_s: float = 30.0
    least: int = 20
    pause_s: float = 5.0
    longest_pause_s: float = 60.0


class Breaker:
    """The breaker of one model at one provider."""

    __slots__ = ("_failures", "_lock", "_openings", "_options", "_outcomes", "_probing", "_until", "state")

    def __init__(self, options: BreakerOptions = BreakerOptions()) -> None:
        self.state: BreakerState = "closed"
        self._options = options
        self._failures = 0
        self._openings = 0
        self._until = 0.0
        self._probing = False
        self._outcomes: deque[tuple[float, bool]] = deque(maxlen=64)
        self._lock = threading.Lock()

    def ready(self, now: float) -> bool:
        """Return whether `enter` would let a call through; changes nothing."""
        if self.state == "closed":
            return True
        return now >= self._until and not self._probing

    def wait_s(self, now: float) -> float:
        """Return the seconds until a call may try again; 0 where it may now."""
        return 0.0 if self.state == "closed" else max(0.0, self._until - now)

    def enter(self, now: float) -> bool:
        """Let a call through, or not. Who is let through says later `succeeded`, `failed` or `left`."""
        if self.state == "closed":
            return True
        with self._lock:
            if now < self._until or self._probing:
                return False
            self.state = "half_open"
            self._probing = True
            return True

    def succeeded(self, now: float) -> None:
        """Record an answer; it closes a half-open breaker."""
        with self._lock:
            self._outcomes.append((now, True))
            self._failures = 0
            if self.state == "half_open":
                self.state = "closed"
                self._openings = 0
                self._probing = False
                self._outcomes.clear()

    def failed(self, now: float) -> None:
        """Record a failure that says something about the provider."""
        with self._lock:
            self._outcomes.append((now, False))
            self._failures += 1
            if self.state == "half_open" or (self.state == "closed" and self._is_bad(now)):
                self._open(now)

    def left(self) -> None:
        """Record an end that says nothing about the provider, such as a cancelled call; the next one may probe."""
        if self.state != "closed":
            with self._lock:
                self._probing = False

    def _is_bad(self, now: float) -> bool:
        if self._failures >= self._options.consecutive:
            return True
        recent = [good for at, good in self._outcomes if now - at <= self._options.window_s]
        return len(recent) >= self._options.least and recent.count(False) / len(recent) >= self._options.rate

    def _open(self, now: float) -> None:
        pause = min(self._options.longest_pause_s, self._options.pause_s * 2**self._openings)
        self.state = "open"
        self._until = now + pause
        self._openings = min(self._openings + 1, 16)
        self._probing = False
        self._failures = 0
        self._outcomes.clear()


class Breakers:
    """The breakers by provider and model; a bounded number, the least recently made is dropped first."""

    def __init__(self, options: BreakerOptions = BreakerOptions(), *, most: int = 4096) -> None:
        self._options = options
        self._most = most
        self._made: dict[tuple[str, str], Breaker] = {}
        self._lock = threading.Lock()

    def of(self, key: tuple[str, str]) -> Breaker:
        """Return the breaker of `(provider, model)`."""
        found = self._made.get(key)
        if found is None:
            with self._lock:
                found = self._made.setdefault(key, Breaker(self._options))
                if len(self._made) > self._most:
                    del self._made[next(iter(self._made))]
        return found

    def states(self) -> dict[tuple[str, str], BreakerState]:
        """Return the state of each."""
        return {key: breaker.state for key, breaker in list(self._made.items())}
