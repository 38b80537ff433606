"""What the flow tells the ledger, and what the ledger answers: one admission, attempts, one settlement for every call.

Money is counted in whole billionths of a US dollar (`nanousd`), rounded up for each attempt, so that sums are exact.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol

from groundwork.core.errors import GroundworkError
from groundwork.gateway.types import NO_USAGE, Caller, DialectName, Usage

Operation = Literal["chat", "embed"]
Reason = Literal["first", "retry", "fallback", "hedge", "repair", "escalation"]
CallState = Literal["open", "done", "failed", "incomplete", "cancelled", "lost"]
Period = Literal["day", "month", "total"]
NANO = 1_000_000_000


@dataclass(frozen=True, slots=True)
class BudgetLimit:
    """A budget beside those of the key: `scope` is `app:<name>` or `workspace`."""

    scope: str
    period: Period
    limit_nanousd: int


@dataclass(frozen=True, slots=True)
class AttemptStart:
    """An attempt that is about to be made; its row exists before the request leaves."""

    id: str
    n: int
    reason: Reason
    provider: str
    model: str


@dataclass(frozen=True, slots=True)
class AttemptEnd:
    """How an attempt ended; `failure` is a code of `failures.py` or empty."""

    id: str
    state: CallState
    status: int | None = None
    failure: str = ""
    usage: Usage = NO_USAGE
    cost_nanousd: int = 0
    latency_ms: float = 0.0
    first_token_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Admission:
    """A call that asks to be let in.

    Attributes:
        reserve_nanousd: what it may cost at most, by estimate; held from every budget until settlement.
        estimate_tokens: input and output tokens by estimate; taken from token rates, corrected at settlement.
        limits: budgets of app and workspace; those of the key are on the key.
        cache_key: digest to look up, "" for a call that is not cached.
        keyless: whether a caller without a key may be let in at all while no key exists (see `gateway_keys`).
    """

    call_id: str
    caller: Caller
    operation: Operation
    dialect: DialectName
    model: str
    stream: bool
    reserve_nanousd: int
    estimate_tokens: int
    attempt: AttemptStart
    limits: tuple[BudgetLimit, ...] = ()
    cache_key: str = ""
    keyless: bool = True


@dataclass(frozen=True, slots=True)
class KeyInfo:
    """An API key as everybody may see it; the key itself is shown once, at creation, and is stored nowhere.

    `budget_usd` maps period to USD. A rate of 0 is no limit.
    """

    id: str
    tenant: str
    name: str
    prefix: str
    scopes: tuple[str, ...]
    access: tuple[str, ...] | None
    budget_usd: Mapping[str, float]
    requests_per_minute: float
    tokens_per_minute: float
    created_at: str
    created_by: str
    expires_at: str | None = None
    revoked_at: str | None = None
    last_used_at: str | None = None
    role: str = ""


@dataclass(frozen=True, slots=True)
class Admitted:
    """The call is in: its row and first attempt are committed, its reservation is held.

    With `cached` (the stored completion) the call is already settled at no cost, and no attempt was recorded.
    """

    caller: Caller  # with key_id, tenant, principal and access as the key says
    cached: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Settlement:
    """How a call ended. Everything in it is committed together: attempts, call, budgets, rates, usage, cache."""

    call_id: str
    state: CallState
    attempts: tuple[AttemptEnd, ...] = ()
    provider: str = ""
    model: str = ""
    usage: Usage = NO_USAGE
    cost_nanousd: int = 0
    energy_uwh: int = 0
    structured: Literal["none", "valid", "repaired", "refused"] = "none"
    error: str = ""
    latency_ms: float = 0.0
    first_token_ms: float | None = None
    cache_key: str = ""
    cache: Mapping[str, Any] | None = None
    cache_ttl_s: float | None = None
    answer_id: str = ""  # where the answer's id is known only at the end
    tool_calls: int = 0


class Ledger(Protocol):
    """Every method returns after its transaction has been committed (group commit), or raises and has changed nothing.

    When the waiting task is cancelled, a settlement is carried out all the same, and a call that was let in nevertheless is
    settled by the ledger itself: nobody is left who could.
    """

    async def admit(self, admission: Admission) -> Admitted:
        """Let a call in, or refuse it.

        Raises:
            UnauthenticatedError: the key is not known, revoked or expired, or a key is needed.
            ModelNotFoundError, ForbiddenError: the key's scopes do not cover the operation or model.
            RateLimitedError: with `retry_after_s`.
            BudgetExceededError: names scope, period, limit and what is left.
            StorageFullError, UnavailableError, BusyError: the store refuses writes, or too many calls wait for it.
        """
        ...

    async def refuse(self, admission: Admission, error: GroundworkError) -> Caller:
        """Record a call that is refused before it could be admitted, and return who called; nothing is held.

        Raises:
            UnauthenticatedError: the key is not valid, which is then what the caller is to be told.
        """
        ...

    async def attempt(self, call_id: str, start: AttemptStart, *, more_nanousd: int = 0) -> None:
        """Record a further attempt, holding `more_nanousd` beyond what is held.

        Raises:
            BudgetExceededError: there is not enough for it; the call goes on without that attempt.
        """
        ...

    async def settle(self, settlement: Settlement) -> None: ...


@dataclass(frozen=True, slots=True)
class UsageRow:
    """Totals of a group of calls; `group` maps the names asked for (`key`, `app`, …) to values."""

    group: Mapping[str, str]
    calls: int
    failed: int
    cached: int
    input_tokens: int
    output_tokens: int
    cost_usd: float
    energy_wh: float
    extra: Mapping[str, Any] = field(default_factory=dict)
