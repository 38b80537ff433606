"""API keys beside what they spent: one view for the terminal, the console and HTTP."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Literal

from groundwork.core.principal import Principal

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from groundwork.app.workspace import Workspace
    from groundwork.gateway.records import KeyInfo
    from groundwork.gateway.usage import BudgetRow

State = Literal["active", "expired", "revoked"]


@dataclass(frozen=True)
class KeyReport:
    """A key, whether it works, and what it spent since it was made; a revoked one has no budgets any more."""

    info: KeyInfo
    state: State
    budgets: tuple[BudgetRow, ...]
    spent_usd: float
    calls: int

    def as_dict(self) -> dict[str, Any]:
        """Return one flat document; the key itself is not in it."""
        return {
            **asdict(self.info),
            "state": self.state,
            "budgets": [b.as_dict() for b in self.budgets],
            "spent_usd": self.spent_usd,
            "calls": self.calls,
        }


def reports(workspace: Workspace, principal: Principal) -> list[KeyReport]:
    """Return every key that the principal may see, newest first."""
    return _reports(workspace, principal, list(reversed(workspace.keys.list(principal))))


def find(workspace: Workspace, principal: Principal, key: str) -> KeyReport:
    """Return one key by id, name or first characters.

    Raises:
        NotFoundError, ConflictError: there is none, or several are called so.
    """
    return _reports(workspace, principal, [workspace.keys.get(principal, key)])[0]


def free_name(workspace: Workspace, principal: Principal) -> str:
    """Return a name for a key that was given none: `unnamed 1`, `unnamed 2`, …"""
    taken = {k.name for k in workspace.keys.list(principal)}
    return next(name for n in range(1, len(taken) + 2) if (name := f"unnamed {n}") not in taken)


def usual_access(principal: Principal, scopes: Iterable[str], role: str) -> tuple[str, ...] | None:
    """Return the access of a key for which none was named: public documents; with a role, what the role usually reads."""
    from groundwork.accounts.roles import rank

    highest = max([role, *scopes], key=rank)
    return None if principal.owner and rank(highest) > rank("viewer") else ()


def shared_budgets(workspace: Workspace, principal: Principal) -> list[BudgetRow]:
    """Return the budgets of the workspace and of its apps."""
    return [b for b in workspace.usage.budgets(principal) if not b.scope.startswith("key:")]


def state_of(info: KeyInfo, now: datetime | None = None) -> State:
    """Say whether a key works."""
    if info.revoked_at:
        return "revoked"
    if info.expires_at and datetime.fromisoformat(info.expires_at) <= (now or datetime.now(UTC)):
        return "expired"
    return "active"


def _reports(workspace: Workspace, principal: Principal, keys: Sequence[KeyInfo]) -> list[KeyReport]:
    left = workspace.usage.budgets(principal)
    spent = {r.group["key"]: r for r in workspace.usage.totals(principal, by=["key"])}
    found = []
    for info in keys:
        row = spent.get(info.id)
        own = tuple(b for b in left if b.scope == f"key:{info.id}")
        found.append(
            KeyReport(info, state_of(info), own, row.cost_usd if row else 0.0, row.calls if row else 0)
        )
    return found
