"""Passwords: argon2id with OWASP's parameters, rules of length after NIST SP 800-63B, at most a few at work at once."""

from __future__ import annotations

import base64
import contextlib
import os
import threading
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING

from groundwork.core.errors import InvalidInputError, RateLimitedError

if TYPE_CHECKING:
    from argon2 import PasswordHasher

MIN_CHARS = 15
"""NIST SP 800-63B-4, 3.1.1.2: a password that is the only factor has at least 15 characters."""
MAX_CHARS = 1024
"""The same section asks for at least 64; longer ones are welcome until they are a way to keep the server busy."""
AT_ONCE, WAITING = 2, 8
_RUNS = ("abcdefghijklmnopqrstuvwxyz", "01234567890123456789", "qwertyuiopasdfghjklzxcvbnm")


@dataclass(frozen=True)
class Cost:
    """What one hash costs. The default is the first choice of OWASP's Password Storage Cheat Sheet for argon2id."""

    memory_kib: int = 19 * 1024
    passes: int = 2
    lanes: int = 1


@dataclass(frozen=True)
class Checked:
    """Whether a password is right, and its hash at today's cost where the stored one costs otherwise."""

    right: bool
    fresh: str = ""


@dataclass
class Passwords:
    """Makes and checks hashes. Safe to use from several threads; each call blocks for some ten milliseconds.

    Args:
        cost: of a new hash; a stored one of another cost is replaced at the next sign-in.
        min_chars: least characters of a new password.
    """

    cost: Cost = field(default_factory=Cost)
    min_chars: int = MIN_CHARS

    def __post_init__(self) -> None:
        self._slots = threading.BoundedSemaphore(AT_ONCE)
        self._places = threading.BoundedSemaphore(AT_ONCE + WAITING)

    def hash(self, password: str) -> str:
        """Return the argon2id hash of a password, with its salt and parameters in it.

        Raises:
            RateLimitedError: too many others wait for theirs.
        """
        with self._turn():
            return self._hasher.hash(normal(password))

    def check(self, stored: str, password: str) -> Checked:
        """Say whether a password is the stored one. Without a stored one the work is the same, and the answer no.

        Raises:
            RateLimitedError: too many others wait for theirs.
        """
        from argon2.exceptions import InvalidHashError, VerificationError

        given = normal(password[: MAX_CHARS + 1])
        with self._turn():
            try:
                self._hasher.verify(stored or self._nobodys, given)
            except (VerificationError, InvalidHashError):
                return Checked(False)
            if not stored:
                return Checked(False)
            fresh = self._hasher.hash(given) if self._hasher.check_needs_rehash(stored) else ""
            return Checked(True, fresh)

    def refuse_weak(self, password: str, name: str = "") -> None:
        """Refuse a password that is too short, too long, or among the first guesses; no mixture of characters is asked for.

        Args:
            name: what its owner signs in with, which may not be most of it.

        Raises:
            InvalidInputError: with what to do instead.
        """
        given = normal(password)
        if len(given) < self.min_chars:
            raise InvalidInputError(
                f"this password has {len(given)} characters; it needs {self.min_chars}",
                hint="four or five words that only you would put together are easy to keep and hard to guess",
            )
        if len(password) > MAX_CHARS or len(given) > MAX_CHARS:
            raise InvalidInputError(f"this password is longer than {MAX_CHARS} characters")
        if _is_guessed_first(given.casefold(), name.casefold()):
            raise InvalidInputError(
                "this password is among the first that are guessed: repeated, in a row, or made of the name",
                hint="four or five words that only you would put together are easy to keep and hard to guess",
            )

    @contextlib.contextmanager
    def _turn(self) -> Iterator[None]:
        if not self._places.acquire(blocking=False):
            raise RateLimitedError(
                "too many passwords are being checked", hint="try again in a moment", retry_after_s=1.0
            )
        try:
            with self._slots:
                yield
        finally:
            self._places.release()

    @cached_property
    def _hasher(self) -> PasswordHasher:
        from argon2 import PasswordHasher, Type

        cost = self.cost
        return PasswordHasher(cost.passes, cost.memory_kib, cost.lanes, type=Type.ID)

    @cached_property
    def _nobodys(self) -> str:
        """What is compared with when there is no user, so that the answer comes after the same work; no password has it."""
        cost = self.cost
        salt, digest = (base64.b64encode(os.urandom(n)).decode().rstrip("=") for n in (16, 32))
        return f"$argon2id$v=19$m={cost.memory_kib},t={cost.passes},p={cost.lanes}${salt}${digest}"


def normal(password: str) -> str:
    """Return a password in the one form that is hashed (NFKC), however a keyboard composed its letters."""
    return unicodedata.normalize("NFKC", password.encode("utf-8", "replace").decode())


def _is_guessed_first(given: str, name: str) -> bool:
    plain = given.replace(" ", "")
    for word in {name, name.partition("@")[0], "groundwork", "password"} - {""}:
        if len(word) >= 3 and len(plain.replace(word, "")) < 6:
            return True
    if len(set(plain)) < 5:
        return True
    half = len(plain) // 2
    if any(plain == (plain[:n] * len(plain))[: len(plain)] for n in range(1, half + 1)):
        return True
    return any(plain in run + run or plain in (run + run)[::-1] for run in _RUNS)
