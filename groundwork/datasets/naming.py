"""What datasets and their versions are called: `golden`, `golden@3`, `golden@latest`, `golden@9a07`, `9a07c41`."""

from __future__ import annotations

import re
from dataclasses import dataclass

from groundwork.core.errors import InvalidInputError

LATEST = "latest"
MIN_PREFIX = 4
_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,62}\Z")
_HEX = re.compile(r"[0-9a-f]{4,64}\Z")
MOST_NUMBER = 10**9


@dataclass(frozen=True, slots=True)
class Ref:
    """A name and which version of it: by number, by the beginning of its digest, or the newest where both are missing."""

    name: str
    number: int | None = None
    prefix: str = ""

    @property
    def newest(self) -> bool:
        """Whether no version was named."""
        return self.number is None and not self.prefix


def check_name(name: str) -> str:
    """Return the name of a dataset; raises InvalidInputError where it cannot be one."""
    if not _NAME.match(name):
        raise InvalidInputError(
            f"`{name[:80]}` is no name of a dataset",
            hint="such as `golden`: lower-case letters, digits, `.`, `-` and `_`, at most 63",
        )
    return name


def parse_ref(written: str) -> Ref:
    """Return name and version of what somebody wrote.

    Raises:
        InvalidInputError: it names no version: neither a number, nor `latest`, nor at least 4 digits of a digest.
    """
    name, mark, version = written.strip().partition("@")
    check_name(name)
    if not mark or version in ("", LATEST):
        return Ref(name)
    if version.isascii() and version.isdigit() and 0 < int(version[:12]) <= MOST_NUMBER and len(version) < 10:
        return Ref(name, number=int(version))
    if looks_like_digest(version):
        return Ref(name, prefix=version)
    raise InvalidInputError(
        f"`{version[:80]}` names no version of the dataset `{name}`",
        hint=f"such as `{name}@3`, `{name}@latest`, or `{name}@` with at least {MIN_PREFIX} digits of its digest",
    )


def looks_like_digest(text: str) -> bool:
    """Say whether a text can be the beginning of a digest."""
    return _HEX.match(text) is not None
