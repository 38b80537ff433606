"""What the operator sets about the flow of calls: budgets beside those of keys, the cache, retries and breakers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.gateway.breaker import BreakerOptions
from groundwork.gateway.records import NANO, BudgetLimit, Period
from groundwork.gateway.retry import RetryOptions

if TYPE_CHECKING:
    from groundwork.core.settings import AppSpec, Settings, Spec

DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class GatewayOptions:
    """How calls are served.

    Attributes:
        assumed_output_tokens: reserved for where a call names no maximum.
        cache_ttl_s: how long a completion is kept; 0 keeps and finds none.
        keyless: whether callers without a key are let in while no key exists.
        limits: budgets of the whole workspace. app_limits: by app, those of the workspace included.
        sticky: one user (`user` of the request) stays at one of several weighted routes while it is ready.
    """

    assumed_output_tokens: int = 1024
    cache_ttl_s: float = 30 * DAY_S
    keyless: bool = True
    limits: tuple[BudgetLimit, ...] = ()
    app_limits: Mapping[str, tuple[BudgetLimit, ...]] = field(default_factory=dict)
    sticky: bool = False
    retry: RetryOptions = field(default_factory=RetryOptions)
    breaker: BreakerOptions = field(default_factory=BreakerOptions)

    @classmethod
    def of(cls, spec: Spec, *, keyless: bool = True) -> GatewayOptions:
        """Return what the spec says."""
        settings = spec.settings
        workspace = _limits("workspace", settings)
        return cls(
            assumed_output_tokens=settings.assumed_output_tokens,
            cache_ttl_s=settings.cache_days * DAY_S,
            keyless=keyless,
            limits=workspace,
            app_limits={name: (*_limits(f"app:{name}", app), *workspace) for name, app in spec.apps.items()},
        )

    def limits_of(self, app: str) -> tuple[BudgetLimit, ...]:
        """Return the budgets that a call for `app` is held against; an empty name is a direct call."""
        return self.app_limits.get(app, self.limits) if app else self.limits


def _limits(scope: str, spec: Settings | AppSpec) -> tuple[BudgetLimit, ...]:
    periods: tuple[tuple[Period, float | None], ...] = (
        ("day", spec.budget_day_usd),
        ("month", spec.budget_month_usd),
    )
    return tuple(BudgetLimit(scope, p, round(usd * NANO)) for p, usd in periods if usd is not None)
