"""Sign-ins that were begun at a provider: each is good for one return, in the same browser, for a while."""

from __future__ import annotations

import hmac
import threading
from collections import OrderedDict
from dataclasses import dataclass

from groundwork.accounts.oidc import Asked
from groundwork.core.clock import Clock
from groundwork.core.errors import UnauthenticatedError

SECONDS = 600.0
MOST = 2000


@dataclass(frozen=True)
class Begun:
    """What was begun, in which browser, and where it was going to."""

    asked: Asked
    browser: str
    next: str
    at: float


class Pending:
    """Keeps begun sign-ins in memory; the oldest go first when there are too many."""

    def __init__(self, clock: Clock, most: int = MOST) -> None:
        self._clock = clock
        self._most = most
        self._lock = threading.Lock()
        self._begun: OrderedDict[str, Begun] = OrderedDict()

    def put(self, asked: Asked, browser: str, next_page: str) -> None:
        """Remember a sign-in; `browser` is a random number that only this browser has, in a cookie."""
        with self._lock:
            self._begun[asked.state] = Begun(asked, browser, next_page, self._clock.monotonic())
            while len(self._begun) > self._most:
                self._begun.popitem(last=False)

    def take(self, state: str, browser: str) -> Begun:
        """Return the sign-in of a state, once.

        Raises:
            UnauthenticatedError: it was never begun, is used, is too old, or was begun in another browser.
        """
        with self._lock:
            found = self._begun.pop(state, None)
        if (
            found is None
            or self._clock.monotonic() - found.at > SECONDS
            or not browser
            or not hmac.compare_digest(found.browser.encode(), browser.encode())
        ):
            raise UnauthenticatedError(
                "this return from the sign-in provider belongs to no sign-in that was begun in this browser",
                hint="begin again at /sign-in",
                reason="state",
            )
        return found
