"""How API keys look on a terminal; pure layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from groundwork.app.money import usd
from groundwork.cli.screen import Screen, count, moment, one_line

if TYPE_CHECKING:
    from groundwork.app.keyring import KeyReport

SHOWN_EXAMPLES = ("curl", "openai")


def made(secret: str, key: KeyReport, origin: str, examples: Mapping[str, str], screen: Screen) -> list[str]:
    """Show a new key, this one time, and how it is used."""
    lines = [
        screen.bold(secret),
        screen.amber("Copy it now: it is stored nowhere and cannot be shown again."),
        "",
        *_facts(key, screen),
        "",
        screen.bold("Try it") + screen.soft("  (`groundwork serve` must be running)"),
    ]
    for name in SHOWN_EXAMPLES:
        lines += ["", *(f"  {line}" if line else "" for line in examples[name].split("\n"))]
    anthropic = (
        f"Anthropic clients take the base URL {origin}, others {origin}/v1; `--json` has more examples."
    )
    return [*lines, "", *screen.paragraph(anthropic)]


def listed(found: Sequence[KeyReport], hidden: int, screen: Screen) -> list[str]:
    """Lay out keys with what is left of their budgets."""
    more = (
        f"{count(hidden, 'key')} revoked or expired; `groundwork key list --all` shows them" if hidden else ""
    )
    if not found:
        none = "There is no API key." if not hidden else "There is no API key that works."
        return [f"{none} Make one with `groundwork key create`.", *([screen.soft(more)] if more else [])]
    rows = [
        [
            k.info.prefix + "…",
            one_line(k.info.name) or "–",
            k.state,
            usd(k.spent_usd),
            "; ".join(f"{usd(b.left_usd or 0)} of {usd(b.limit_usd or 0)}/{b.period}" for b in k.budgets)
            or "no limit",
            moment(k.info.last_used_at) if k.info.last_used_at else "never",
        ]
        for k in found
    ]
    head = ["key", "name", "state", "spent", "left", "last used (UTC)"]
    return [*screen.table(head, rows, "<<<><<", stretch=1), *([screen.soft(more)] if more else [])]


def shown(key: KeyReport, screen: Screen) -> list[str]:
    """Lay out one key."""
    return _facts(key, screen)


def revoked(key: KeyReport, screen: Screen) -> list[str]:
    """Say that a key is gone, and what stays."""
    name = f" ({one_line(key.info.name)})" if key.info.name else ""
    return [
        f"{key.info.prefix}…{name} is refused from now on.",
        screen.soft(f"Its calls stay on record: `groundwork usage calls --key {key.info.id}`"),
    ]


def _facts(key: KeyReport, screen: Screen) -> list[str]:
    info = key.info
    access = "every document" if info.access is None else ", ".join(info.access) or "public documents"
    facts = [
        ("key", f"{info.prefix}…"),
        ("id", info.id),
        ("name", one_line(info.name)),
        ("state", key.state),
        ("may", ", ".join(info.scopes) or "call no models"),
        ("role", info.role),
        ("reads", access),
        *(("budget" if not n else "", line) for n, line in enumerate(_budgets(key))),
        ("rate", _rates(key)),
        ("spent", f"{usd(key.spent_usd)} in {count(key.calls, 'call')}"),
        ("made", f"{moment(info.created_at)} by {info.created_by}"),
        ("expires", moment(info.expires_at) if info.expires_at else "never"),
        ("revoked", moment(info.revoked_at) if info.revoked_at else ""),
        ("last used", moment(info.last_used_at) if info.last_used_at else "never"),
    ]
    lines: list[str] = []
    for name, value in facts:
        if value:
            lines += screen.paragraph(value, " " * 11, screen.soft(f"{name:<11}"))
    return lines


def _budgets(key: KeyReport) -> list[str]:
    if not key.budgets:
        return ["no limit"]
    return [
        f"{usd(b.limit_usd or 0)} {_per(b.period)}: {usd(b.spent_usd)} spent"
        + (f", {usd(b.reserved_usd)} held for calls in flight" if b.reserved_usd else "")
        + f", {usd(b.left_usd or 0)} left"
        for b in key.budgets
    ]


def _per(period: str) -> str:
    return "in total" if period == "total" else f"a {period}"


def _rates(key: KeyReport) -> str:
    info = key.info
    parts = [f"{info.requests_per_minute:,.0f} requests a minute"] if info.requests_per_minute else []
    parts += [f"{info.tokens_per_minute:,.0f} tokens a minute"] if info.tokens_per_minute else []
    return ", ".join(parts) or "no limit"
