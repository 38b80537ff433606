"""Names of users and of tenants, as they are stored and compared."""

from __future__ import annotations

import re

from groundwork.core.errors import InvalidInputError

_USER = re.compile(r"[a-z0-9][a-z0-9._+@-]{0,99}")
_TENANT = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
_TAKEN = ("usr_", "key_", "gw_")


def user_name(given: str) -> str:
    """Return what somebody signs in with, in lower case.

    Raises:
        InvalidInputError: it is no name.
    """
    name = given.strip().lower()
    if not _USER.fullmatch(name) or name.startswith(_TAKEN) or name in ("local", "nobody"):
        raise InvalidInputError(
            f"{given[:100]!r} is no name to sign in with",
            hint="use letters of the alphabet, digits, `.`, `-`, `_`, `+` and `@`; an address of e-mail is a good one",
        )
    return name


def tenant_name(given: str) -> str:
    """Return the name of a tenant.

    Raises:
        InvalidInputError: it is none.
    """
    if not _TENANT.fullmatch(given):
        raise InvalidInputError(
            f"{given[:100]!r} is no name of a workspace",
            hint="use 1 to 40 lower-case letters, digits and `-`, beginning with a letter or digit",
        )
    return given


def title_of(given: str) -> str:
    """Return a name as people write it: one line, at most 200 characters.

    Raises:
        InvalidInputError: it holds control characters or is longer.
    """
    title = given.strip()
    if len(title) > 200 or not title.isprintable():
        raise InvalidInputError(
            f"{given[:60]!r} cannot be shown as a name", hint="use up to 200 printable characters"
        )
    return title


def principal_name(user: str) -> str:
    """Return what stands in records for a user."""
    return f"user:{user}"
