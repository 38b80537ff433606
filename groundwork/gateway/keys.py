"""API keys: who may call what, with which budget, how often, and with access to which documents.

A key is 256 random bits. Its last characters are a checksum, so that a mistyped or cut key is told apart without a look
into the database; what is stored is its SHA-256 alone. The digest of so many random bits cannot be guessed or reversed, so
it needs no slow hash, and a look-up by it tells nothing in its timing: nobody can choose the first bytes of a digest.
"""

from __future__ import annotations

import hashlib
import hmac
import math
import re
import secrets
import zlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from enum import Enum
from fnmatch import fnmatchcase
from typing import Any

from sqlalchemy import Connection, Row, insert, or_, select, type_coerce, update

from groundwork.accounts.roles import ROLES, may_give, permissions_of, role_named
from groundwork.accounts.visitors import held_by_key
from groundwork.core.clock import Clock
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    ModelNotFoundError,
    NotFoundError,
    UnauthenticatedError,
)
from groundwork.core.ids import new_id
from groundwork.core.principal import PUBLIC, Principal
from groundwork.gateway.records import KeyInfo, Period
from groundwork.gateway.types import Caller
from groundwork.storage import tables as t
from groundwork.storage.columns import Word
from groundwork.storage.database import Database, exclusive

OPERATIONS = ("chat", "embed", "models", "traces")
DEFAULT_SCOPES = OPERATIONS[:3]
PERIODS: tuple[Period, ...] = ("day", "month", "total")
PREFIX_LENGTH = 9
_DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz"
_SHAPE = re.compile(r"gw_[0-9A-Za-z]{43}([0-9A-Za-z]{6})")
_SCOPE = re.compile(r"chat|embed|models|traces|(model|app):[^\s:][^\s]{0,199}")
_MOST_USD = 9_000_000_000.0  # in nanousd it fits into the column


def new_secret() -> str:
    """Return a new key: `gw_`, 43 characters of randomness, 6 of checksum."""
    body = _base62(int.from_bytes(secrets.token_bytes(32), "big"), 43)
    return f"gw_{body}{_checksum(body)}"


def looks_like_key(secret: str) -> bool:
    """Say whether this has the shape and checksum of a key, which says nothing about whether it exists."""
    match = _SHAPE.fullmatch(secret)
    return match is not None and hmac.compare_digest(match[1], _checksum(secret[3:46]))


def digest_of(secret: str) -> str:
    """Return what is stored of a key."""
    return hashlib.sha256(secret.encode("utf-8", "surrogatepass")).hexdigest()


@dataclass(frozen=True)
class Terms:
    """What a stored key allows; `scope` names its budgets and rates, `budget` is periods with limits in nanousd."""

    id: str
    tenant: str
    name: str
    digest: str
    scopes: tuple[str, ...]
    access: tuple[str, ...] | None
    budget: tuple[tuple[Period, int], ...]
    requests_per_minute: float
    tokens_per_minute: float
    expires_at: str | None
    revoked_at: str | None
    scope: str

    def check(self, now: str) -> None:
        """Make sure that it is in force.

        Raises:
            UnauthenticatedError: revoked or expired; `reason` in the details says which.
        """
        if self.revoked_at is not None:
            raise unauthenticated("revoked", f"the API key `{self.name}` was revoked at {self.revoked_at}")
        if self.expires_at is not None and self.expires_at <= now:
            raise unauthenticated("expired", f"the API key `{self.name}` expired at {self.expires_at}")


def check_scopes(scopes: Iterable[str], operation: str, model: str = "") -> None:
    """Make sure that the scopes of a key cover an operation on a model.

    Raises:
        ForbiddenError: the operation is not among them.
        ModelNotFoundError: the model is not; it is answered as one that does not exist.
    """
    given = tuple(scopes)
    if operation not in given:
        words = ", ".join(s for s in given if s in OPERATIONS) or "none"
        raise ForbiddenError(
            f"this API key may not `{operation}`; its operations: {words}",
            hint=f"use a key with the scope `{operation}`",
            operation=operation,
        )
    if model and not covers(given, model):
        raise ModelNotFoundError(
            f"there is no model `{model}` for this API key",
            hint="list the models with GET /v1/models; the scopes of the key say which it may ask for",
            model=model,
        )


def covers(scopes: Iterable[str], model: str) -> bool:
    """Say whether a model may be asked for: every one where no scope names models or apps."""
    kind, name = ("app:", model[4:]) if model.startswith("app/") else ("model:", model)
    limited = False
    for scope in scopes:
        if scope.startswith(("model:", "app:")):
            limited = True
            if scope.startswith(kind) and fnmatchcase(name, scope[len(kind) :]):
                return True
    return not limited


def unauthenticated(reason: str, message: str) -> UnauthenticatedError:
    """Return the error for a caller who is not let in; `reason` is one word for machines."""
    return UnauthenticatedError(
        message,
        hint="send a valid key as `Authorization: Bearer gw_…`; `groundwork key create` makes one",
        reason=reason,
    )


def refuse_shape(secret: str) -> None:
    """Refuse what cannot be a key.

    Raises:
        UnauthenticatedError: reason `malformed`.
    """
    if not looks_like_key(secret):
        raise unauthenticated("malformed", "the API key is mistyped or cut: its checksum does not fit")


class Unchanged(Enum):
    """What an argument is when nothing was given, where None says something of its own."""

    UNCHANGED = "unchanged"


UNCHANGED = Unchanged.UNCHANGED


class Keys:
    """The keys of a workspace."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def create(
        self,
        principal: Principal,
        name: str,
        *,
        scopes: Iterable[str] = DEFAULT_SCOPES,
        access: Iterable[str] | None = (),
        budget_usd: Mapping[str, float] | None = None,
        requests_per_minute: float = 0.0,
        tokens_per_minute: float = 0.0,
        expires_at: str | None = None,
        role: str = "",
        calls: bool = True,
    ) -> tuple[str, KeyInfo]:
        """Make a key and return it with what is known of it. It is shown this once and stored nowhere.

        Args:
            name: for people; no two active keys of a tenant share one.
            scopes: `chat`, `embed`, `models`, `traces` (send spans); `model:<glob>` and `app:<glob>` narrow what may be
                asked for. The name of a role among them is the role.
            role: what it may do on the platform beside calling models, see `accounts/roles.py`; empty: nothing.
            calls: False: it may call no model whatever the scopes, and callers without a key are let in as before.
            access: document access of whoever calls with it, beside public documents; None reads everything.
            budget_usd: by period `day`, `month`, `total`; what is left out has no limit.
            requests_per_minute, tokens_per_minute: 0 is no limit.
            expires_at: ISO 8601; None: never.

        Raises:
            InvalidInputError: a value does not make sense.
            ForbiddenError: the key would open documents that its maker may not read, or have a role above theirs.
            ConflictError: an active key has the name.
        """
        now = self._now()
        scopes, role = _role_among(scopes, role)
        may_give(principal, role)
        expires_at = _moment(expires_at, now)
        secret = new_secret()
        row: dict[str, Any] = {
            "id": new_id("key"),
            "tenant": principal.tenant,
            "name": _named(name),
            "digest": digest_of(secret),
            "prefix": secret[:PREFIX_LENGTH],
            "scopes": _scopes(scopes) if calls else [],
            "access": _access(principal, access),
            "role": role or None,
            "limits": _limits(budget_usd or {}, requests_per_minute, tokens_per_minute),
            "created_at": now,
            "created_by": principal.name,
            "expires_at": expires_at,
            "revoked_at": None,
            "last_used_at": None,
        }
        with self._database.write() as connection:
            exclusive(connection, f"keys:{principal.tenant}")
            self._refuse_taken(connection, principal.tenant, row["name"], now)
            connection.execute(insert(t.api_keys).values(**row))
            made = connection.execute(select(t.api_keys).where(t.api_keys.c.id == row["id"])).one()
        return secret, _info(made)

    def list(self, principal: Principal, *, revoked: bool = True) -> list[KeyInfo]:
        """Return the keys that the principal may see, oldest first: an owner all of the tenant, others those they made."""
        query = select(t.api_keys).where(*_visible(principal)).order_by(t.api_keys.c.id)
        if not revoked:
            query = query.where(t.api_keys.c.revoked_at.is_(None))
        with self._database.read() as connection:
            return [_info(row) for row in connection.execute(query)]

    def get(self, principal: Principal, key: str) -> KeyInfo:
        """Return a key by its id, or by its name or first characters where only one active key has them.

        Raises:
            NotFoundError: there is none, or the principal may not know of it.
            ConflictError: several have that name.
        """
        with self._database.read() as connection:
            return _info(self._find(connection, principal, key))

    def revoke(self, principal: Principal, key: str) -> KeyInfo:
        """End a key; from the next admission on it is refused. Doing so twice keeps the first time.

        Raises:
            NotFoundError, ConflictError: see `get`.
        """
        with self._database.write() as connection:
            found = self._find(connection, principal, key)
            may_give(principal, found.role or "")
            c = t.api_keys.c
            connection.execute(
                update(t.api_keys)
                .where(c.id == found.id, c.revoked_at.is_(None))
                .values(revoked_at=self._now())
            )
            return _info(connection.execute(select(t.api_keys).where(c.id == found.id)).one())

    def update(
        self,
        principal: Principal,
        key: str,
        *,
        name: str | None = None,
        scopes: Iterable[str] | None = None,
        access: Iterable[str] | Unchanged | None = UNCHANGED,
        budget_usd: Mapping[str, float] | None = None,
        requests_per_minute: float | None = None,
        tokens_per_minute: float | None = None,
        expires_at: str | None = None,
        role: str | None = None,
    ) -> KeyInfo:
        """Change what is given, keep the rest; budgets are replaced as a whole. What was spent stays counted.

        Args:
            access: None reads every document. expires_at: empty: never. role: empty: none any more.

        Raises:
            InvalidInputError, NotFoundError, ConflictError: see `create` and `get`.
            ForbiddenError: see `create`; or the key has a role above the principal's.
        """
        now = self._now()
        with self._database.write() as connection:
            exclusive(connection, f"keys:{principal.tenant}")
            found = self._find(connection, principal, key)
            may_give(principal, found.role or "")
            limits = found.limits
            changes: dict[str, Any] = {
                "limits": _limits(
                    limits["budget_usd"] if budget_usd is None else budget_usd,
                    limits["requests_per_minute"] if requests_per_minute is None else requests_per_minute,
                    limits["tokens_per_minute"] if tokens_per_minute is None else tokens_per_minute,
                )
            }
            if name is not None and name != found.name:
                changes["name"] = _named(name)
                self._refuse_taken(connection, principal.tenant, changes["name"], now)
            if scopes is not None:
                scopes, role = _role_among(scopes, role)
                changes["scopes"] = _scopes(scopes)
            if role is not None:
                changes["role"] = role_named(role) if role else None
                may_give(principal, role)
            if expires_at is not None:
                changes["expires_at"] = _moment(expires_at or None, now)
            if not isinstance(access, Unchanged):
                changes["access"] = _access(principal, access)
            c = t.api_keys.c
            connection.execute(update(t.api_keys).where(c.id == found.id).values(**changes))
            return _info(connection.execute(select(t.api_keys).where(c.id == found.id)).one())

    def authenticate(self, caller: Caller, operation: str = "models", model: str = "") -> Caller:
        """Return the caller as the key says, for what is not admitted to the ledger, such as the list of models.

        Raises:
            UnauthenticatedError, ForbiddenError, ModelNotFoundError: as at admission.
        """
        if caller.key is not None:
            refuse_shape(caller.key)
        now = self._now()
        with self._database.read() as connection:
            if caller.key is None:
                if caller.door == "http" and self._any_active(connection, caller.tenant, now):
                    raise key_needed()
                return caller
            digest = digest_of(caller.key)
            row = connection.execute(select(t.api_keys).where(t.api_keys.c.digest == digest)).one_or_none()
            role = held_by_key(connection, row) if row is not None else ""
        if row is None:
            raise unknown_key()
        key = terms(tuple(getattr(row, name) for name in TERM_COLUMNS))
        key.check(now)
        if not (operation == "traces" and "traces.write" in permissions_of(role)):
            check_scopes(key.scopes, operation, model)
        return as_key_says(caller, key)

    def exist(self, tenant: str) -> bool:
        """Say whether the tenant has an active key that may call models, so that callers from outside need one."""
        with self._database.read() as connection:
            return self._any_active(connection, tenant, self._now())

    def _any_active(self, connection: Connection, tenant: str, now: str) -> bool:
        calls = type_coerce(t.api_keys.c.scopes, Word) != "[]"
        query = select(t.api_keys.c.id).where(*_active(tenant, now), calls).limit(1)
        return connection.execute(query).first() is not None

    def _find(self, connection: Connection, principal: Principal, key: str) -> Row[Any]:
        c = t.api_keys.c
        visible = _visible(principal)
        row = connection.execute(select(t.api_keys).where(*visible, c.id == key)).one_or_none()
        if row is not None:
            return row
        named = (
            or_(c.name == key, c.prefix == key[:PREFIX_LENGTH]) if key.startswith("gw_") else c.name == key
        )
        rows = connection.execute(select(t.api_keys).where(*visible, named)).all()
        in_force = [r for r in rows if r.revoked_at is None] or rows
        if not in_force:
            raise NotFoundError(
                f"there is no API key `{key[:64]}`", hint="list them with `groundwork key list`"
            )
        if len(in_force) > 1:
            ids = ", ".join(r.id for r in in_force[:5])
            raise ConflictError(
                f"{len(in_force)} API keys are called `{key[:64]}`", hint=f"name one by id: {ids}"
            )
        return in_force[0]

    def _refuse_taken(self, connection: Connection, tenant: str, name: str, now: str) -> None:
        query = select(t.api_keys.c.id).where(*_active(tenant, now), t.api_keys.c.name == name).limit(1)
        taken = connection.execute(query).first()
        if taken is not None:
            raise ConflictError(
                f"an active API key is called `{name}` already ({taken.id})",
                hint="choose another name, or revoke that one first",
            )

    def _now(self) -> str:
        return moment(self._clock.now())


TERM_COLUMNS = (
    "id", "tenant", "name", "digest", "scopes", "access", "limits", "expires_at", "revoked_at",
)  # fmt: skip


def terms(row: tuple[Any, ...]) -> Terms:
    """Return what a row allows, its columns in the order of `TERM_COLUMNS`."""
    identifier, tenant, name, digest, scopes, access, limits, expires_at, revoked_at = row
    return Terms(
        identifier,
        tenant,
        name,
        digest,
        tuple(scopes),
        None if access is None else tuple(access),
        tuple((period, nanousd(usd)) for period, usd in limits["budget_usd"].items()),
        float(limits["requests_per_minute"]),
        float(limits["tokens_per_minute"]),
        expires_at,
        revoked_at,
        f"key:{identifier}",
    )


def as_key_says(caller: Caller, key: Terms) -> Caller:
    """Return the caller as the owner of the key; the key itself goes no further."""
    return replace(
        caller,
        key=None,
        key_id=key.id,
        tenant=key.tenant,
        principal=key.scope,
        access=key.access,
        scopes=key.scopes,
    )


def unknown_key() -> UnauthenticatedError:
    """Return the error for a key that is well formed and was never made here."""
    return unauthenticated("unknown", "the API key is not known here")


def key_needed() -> UnauthenticatedError:
    """Return the error for a caller without a key while there are keys."""
    return unauthenticated("missing", "this call carries no API key, and this workspace has keys")


def nanousd(usd: float) -> int:
    """Return US dollars in billionths, to the nearest."""
    return round(usd * 1_000_000_000)


def moment(at: datetime) -> str:
    """Return a time as it is stored and compared."""
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _active(tenant: str, now: str) -> tuple[Any, ...]:
    c = t.api_keys.c
    return c.tenant == tenant, c.revoked_at.is_(None), or_(c.expires_at.is_(None), c.expires_at > now)


def _visible(principal: Principal) -> tuple[Any, ...]:
    c = t.api_keys.c
    own = () if principal.owner else (c.created_by == principal.name,)
    return c.tenant == principal.tenant, *own


def _info(row: Row[Any]) -> KeyInfo:
    return KeyInfo(
        id=row.id,
        tenant=row.tenant,
        name=row.name,
        prefix=row.prefix,
        scopes=tuple(row.scopes),
        access=None if row.access is None else tuple(row.access),
        budget_usd=dict(row.limits["budget_usd"]),
        requests_per_minute=float(row.limits["requests_per_minute"]),
        tokens_per_minute=float(row.limits["tokens_per_minute"]),
        created_at=row.created_at,
        created_by=row.created_by,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
        last_used_at=row.last_used_at,
        role=row.role or "",
    )


def _named(name: str) -> str:
    name = name.strip()
    if not name or len(name) > 100 or not name.isprintable() or name.startswith(("gw_", "key_")):
        raise InvalidInputError(
            f"{name[:100]!r} is no name for an API key",
            hint="use 1 to 100 printable characters that do not begin with `gw_` or `key_`",
        )
    return name


def _role_among(scopes: Iterable[str], role: str | None) -> tuple[list[str], Any]:
    """Return the scopes without names of roles, and the role: the one that was given, or the highest among the scopes."""
    given = list(scopes)
    named = [r for r in ROLES if r in given]
    if role:
        role_named(role)
    return [s for s in given if s not in ROLES], role or (named[-1] if named else role)


def _scopes(scopes: Iterable[str]) -> list[str]:
    given = sorted(set(scopes))
    for scope in given:
        if not _SCOPE.fullmatch(scope):
            raise InvalidInputError(
                f"{scope[:100]!r} is no scope",
                hint=f"scopes are {', '.join(OPERATIONS)}, `model:<glob>` and `app:<glob>`; roles are {', '.join(ROLES)}",
            )
    if not any(s in OPERATIONS for s in given):
        given = sorted({*given, *DEFAULT_SCOPES})
    return given


def _access(principal: Principal, access: Iterable[str] | None) -> list[str] | None:
    if access is None:
        if not principal.owner:
            raise ForbiddenError(
                f"{principal.name} may not make a key that reads every document",
                hint="name the access of the key",
            )
        return None
    wanted = sorted(set(access))
    beyond = [a for a in wanted if not principal.owner and a != PUBLIC and a not in principal.access]
    if beyond:
        raise ForbiddenError(
            f"{principal.name} has no access to {', '.join(beyond)} and cannot hand it on",
            hint="name access that you have yourself",
        )
    return wanted


def _limits(budget_usd: Mapping[str, float], requests: float, tokens: float) -> dict[str, Any]:
    for period, usd in budget_usd.items():
        if period not in PERIODS:
            raise InvalidInputError(
                f"{period!r} is no period of a budget", hint=f"periods are {', '.join(PERIODS)}"
            )
        _in_range(f"the budget of a {period}", usd, _MOST_USD)
    _in_range("the rate of requests", requests, 1e12)
    _in_range("the rate of tokens", tokens, 1e12)
    return {
        "budget_usd": {period: float(usd) for period, usd in budget_usd.items()},
        "requests_per_minute": float(requests),
        "tokens_per_minute": float(tokens),
    }


def _in_range(what: str, value: float, most: float) -> None:
    if not (math.isfinite(value) and 0 <= value <= most):
        raise InvalidInputError(f"{what} cannot be {value}", hint=f"give a number from 0 to {most:.0f}")


def _moment(given: str | None, now: str) -> str | None:
    if given is None:
        return None
    try:
        at = datetime.fromisoformat(given)
    except ValueError as error:
        raise InvalidInputError(
            f"{given[:50]!r} is no time", hint="write it as ISO 8601, such as `2027-01-31T00:00:00+00:00`"
        ) from error
    stored = moment(at if at.tzinfo is not None else at.replace(tzinfo=UTC))
    if stored <= now:
        raise InvalidInputError(f"{stored} is past", hint="give a time to come, or revoke the key")
    return stored


def _base62(number: int, length: int) -> str:
    digits = []
    for _ in range(length):
        number, digit = divmod(number, 62)
        digits.append(_DIGITS[digit])
    return "".join(reversed(digits))


def _checksum(body: str) -> str:
    return _base62(zlib.crc32(body.encode("ascii")), 6)
