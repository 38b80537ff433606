"""Do the models work: each one is sent a short call, and what came of it is said in words."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from groundwork.app import calls, money, offers
from groundwork.app.calling import caller_of
from groundwork.core.principal import Principal

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.gateway.check import CheckResult


@dataclass(frozen=True)
class Checked:
    """What trying one model brought.

    Attributes:
        problem: why it does not work; of a provider that works, what was left out.
        cost_usd: of one short answer, None where the price is unknown. spent_usd: of all tries together.
        supports, refused: what it can do, and what it cannot with the reason.
    """

    name: str
    provider: str
    ok: bool
    problem: str
    latency_ms: float | None
    first_token_ms: float | None
    tokens_per_second: float | None
    cost_usd: float | None
    cost_words: str
    spent_usd: float
    supports: tuple[str, ...]
    refused: dict[str, str]

    @property
    def words(self) -> str:
        """The same in one line."""
        if not self.ok:
            return self.problem
        parts = [calls.duration(self.latency_ms)] if self.latency_ms is not None else []
        parts += [f"{self.tokens_per_second:,.0f} tokens a second"] if self.tokens_per_second else []
        parts += [f"{money.usd(self.cost_usd)} for a short answer"] if self.cost_usd else []
        parts += [f"can {', '.join(self.supports)}"] if self.supports else []
        parts += [f"not {', '.join(self.refused)}"] if self.refused else []
        return "; ".join([*parts, *([self.problem] if self.problem else [])])

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def check(workspace: Workspace, principal: Principal, name: str | None = None) -> list[Checked]:
    """Try a provider, a model, or everything that the spec names; each try is a call on record.

    Raises:
        ModelNotFoundError: there is no such provider or model.
    """
    from groundwork.gateway.check import check as try_models

    work = try_models(workspace.door.gateway, name, caller=caller_of(principal))
    return [_checked(workspace, r) for r in workspace.gateway.run(work)]


def _checked(workspace: Workspace, result: CheckResult) -> Checked:
    model = result.name.partition("/")[2]
    price = offers.price_of(workspace, result.provider, model) if model else None
    known = result.cost_usd if result.cost_usd is not None or price is None else 0.0
    return Checked(
        name=result.name,
        provider=result.provider,
        ok=result.ok,
        problem=result.problem,
        latency_ms=result.latency_ms,
        first_token_ms=result.first_token_ms,
        tokens_per_second=result.tokens_per_second,
        cost_usd=known,
        cost_words=money.UNKNOWN_PRICE if known is None else money.usd(known),
        spent_usd=result.spent_usd,
        supports=result.supports,
        refused=dict(result.refused),
    )
