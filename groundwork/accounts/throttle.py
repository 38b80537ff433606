"""Slow down guessing: failed sign-ins per name and address, with waits that double, in bounded memory."""

from __future__ import annotations

import threading
from collections import OrderedDict
from dataclasses import dataclass

from groundwork.core.clock import Clock
from groundwork.core.errors import RateLimitedError

MOST_ENTRIES = 20_000
FORGET_S = 3600.0


@dataclass(frozen=True)
class Rule:
    """How one kind of counter grows: `free` failures cost nothing, then 1, 2, 4 … seconds up to `most_s`."""

    free: int
    most_s: float


PAIR = Rule(5, 900.0)
"""One name from one address: somebody who guesses, or who has forgotten."""
ADDRESS = Rule(20, 900.0)
"""Any names from one address; an office behind one address has many people."""
NAME = Rule(50, 30.0)
"""One name from anywhere. The wait is short, so that strangers cannot keep its owner out."""


@dataclass
class _Entry:
    failures: int = 0
    free_at: float = 0.0
    before: float = 0.0  # `free_at` without the attempt that was let in last
    last: float = 0.0


class Throttle:
    """Counts attempts. One that is let in counts as failed until `succeeded` takes it back: many at once gain nothing.

    Args:
        clock: its monotonic time decides. most: entries kept; those without a failure for longest go first.
    """

    def __init__(self, clock: Clock, most: int = MOST_ENTRIES) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._entries: OrderedDict[tuple[str, str], _Entry] = OrderedDict()

    def admit(self, name: str, address: str) -> None:
        """Let one attempt in, or refuse it.

        Args:
            name: who wants to sign in; whatever was typed. Empty: a token, counted by address alone.
            address: where the request comes from.

        Raises:
            RateLimitedError: with `retry_after_s`.
        """
        now = self._clock.monotonic()
        with self._lock:
            wait = max((self._wait(key, now) for key, _ in _keys(name, address)), default=0.0)
            if wait > 0:
                seconds = max(1, round(wait + 0.499))
                raise RateLimitedError(
                    f"too many sign-ins failed; the next one is heard in {seconds} s",
                    hint="wait, then type slowly; an admin or `groundwork user password` sets a new password",
                    retry_after_s=float(seconds),
                )
            for key, rule in _keys(name, address):
                self._count(key, rule, now)

    def succeeded(self, name: str, address: str) -> None:
        """Take back what `admit` counted, and forget the failures of this name from this address."""
        with self._lock:
            for key, rule in _keys(name, address):
                entry = self._entries.get(key)
                if entry is None:
                    continue
                if rule is PAIR:
                    del self._entries[key]
                else:
                    # No more than this one: else a guesser who has an account could wash the failures of their address away.
                    entry.failures = max(0, entry.failures - 1)
                    entry.free_at = entry.before

    def __len__(self) -> int:
        return len(self._entries)

    def _wait(self, key: tuple[str, str], now: float) -> float:
        entry = self._entries.get(key)
        if entry is None:
            return 0.0
        if now - entry.last > FORGET_S:
            del self._entries[key]
            return 0.0
        return entry.free_at - now

    def _count(self, key: tuple[str, str], rule: Rule, now: float) -> None:
        entry = self._entries.pop(key, None) or _Entry()
        entry.failures += 1
        entry.last, entry.before = now, entry.free_at
        beyond = entry.failures - rule.free
        entry.free_at = now + min(rule.most_s, 2.0 ** min(beyond, 20)) if beyond >= 0 else 0.0
        self._entries[key] = entry
        while len(self._entries) > self._most:
            self._entries.popitem(last=False)


def _keys(name: str, address: str) -> list[tuple[tuple[str, str], Rule]]:
    short = name.strip().casefold()[:200]
    keys = [((f"address {address}", ""), ADDRESS)]
    if short:
        keys += [((f"pair {address}", short), PAIR), (("name", short), NAME)]
    return keys
