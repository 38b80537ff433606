"""How totals and calls look on a terminal; pure layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app import calls as words
from groundwork.app.money import usd
from groundwork.cli.answer_view import plain
from groundwork.cli.screen import Screen, count, moment, one_line

if TYPE_CHECKING:
    from groundwork.gateway.erasure import CachedRow
    from groundwork.gateway.records import UsageRow
    from groundwork.gateway.usage import AttemptRow, BudgetRow, CallRow

__all__ = ["plain"]
NOBODY = {
    "key": "no key",
    "app": "no app",
    "release": "no release",
    "answer": "no answer",
    "provider": "nobody",
}


def row(found: UsageRow) -> dict[str, Any]:
    """Return a row of totals as a document."""
    body = plain(found)
    return {k: v for k, v in body.items() if k != "extra"} if isinstance(body, dict) else {}


def totals(
    groups: Sequence[str],
    rows: Sequence[UsageRow],
    total: UsageRow | None,
    unpriced: Sequence[str],
    budgets: Sequence[BudgetRow],
    names: Mapping[str, str],
    screen: Screen,
) -> list[str]:
    """Lay out totals, and what is left of budgets."""
    lines: list[str] = []
    if not rows or total is None or not total.calls:
        lines.append("Nothing was called in this time.")
    else:
        shown = [[*(_group(g, r.group.get(g, ""), names) for g in groups), *_figures(r)] for r in rows]
        if len(rows) > 1:
            shown.append([screen.bold("all"), *("" for _ in groups[1:]), *_figures(total)])
        head = [*groups, "calls", "failed", "cached", "read", "written", "cost"]
        lines += screen.table(head, shown, "<" * len(groups) + ">>>>>>", stretch=0)
        lines.append(screen.soft(f"energy, by estimate: {words.energy(total.energy_wh)}"))
    if unpriced:
        said = f"{screen.amber('unknown price')}, counted as $0: {', '.join(unpriced)}"
        lines += screen.paragraph(f"{said}; name one under [providers.NAME.models.MODEL.price]", "  ")
    if budgets:
        rows_ = [
            [
                _scope(b.scope, names),
                b.period,
                usd(b.limit_usd or 0),
                usd(b.spent_usd),
                usd(b.reserved_usd),
                usd(b.left_usd) if b.left_usd else screen.red("$0"),
            ]
            for b in budgets
        ]
        lines += [
            "",
            *screen.table(
                ["budget of", "period", "limit", "spent", "held", "left"], rows_, "<<>>>>", stretch=0
            ),
        ]
    return lines


def calls(rows: Sequence[tuple[CallRow, str]], names: Mapping[str, str], screen: Screen) -> list[str]:
    """Lay out calls, newest first."""
    if not rows:
        return ["There is no such call."]
    roomy = screen.width >= 100
    shown = [
        [
            c.id,
            moment(c.started_at)[5:],
            one_line(c.model),
            "cached" if c.cached else c.state,
            *([f"{c.input_tokens:,} + {c.output_tokens:,}"] if roomy else []),
            cost,
            *([one_line(words.who(c, names))] if roomy else []),
        ]
        for c, cost in rows
    ]
    head = ["call", "at (UTC)", "model", "state", *(["tokens", "cost", "who"] if roomy else ["cost"])]
    return screen.table(head, shown, "<<<<>>" if roomy else "<<<<>", stretch=2)


def call(found: CallRow, cost: str, names: Mapping[str, str], screen: Screen) -> list[str]:
    """Lay out one call with its attempts."""
    tokens = f"{found.input_tokens:,} read, {found.output_tokens:,} written"
    tokens += (
        f", {found.cached_input_tokens:,} of them from the provider's cache"
        if found.cached_input_tokens
        else ""
    )
    tokens += ", estimated" if found.estimated else ""
    facts = [
        ("call", found.id),
        ("asked for", one_line(found.model)),
        ("served by", words.served(found)),
        ("state", f"{found.state}, from the cache" if found.cached else found.state),
        ("problem", found.error),
        ("who", one_line(words.who(found, names))),
        ("app", found.app),
        ("answer", found.answer_id),
        ("part of", found.parent),
        ("tokens", tokens),
        ("cost", cost),
        ("time", _times(found)),
        ("structured", "" if found.structured == "none" else found.structured),
        ("energy", f"{words.energy(found.energy_wh)}, by estimate"),
        ("prompt", found.prompt),
        ("snapshot", found.snapshot[:12]),
        ("trace", found.trace_id),
        ("at (UTC)", moment(found.started_at)),
    ]
    lines: list[str] = []
    for name, value in facts:
        if value:
            lines += screen.paragraph(str(value), " " * 12, screen.soft(f"{name:<12}"))
    if found.state in words.ENDINGS:
        lines += ["", words.ENDINGS[found.state]]
    if not found.attempts:
        return [*lines, "", "No provider was asked."]
    lines += ["", screen.bold(count(len(found.attempts), "attempt"))]
    for a in found.attempts:
        lines += screen.paragraph(_attempt(a, screen), "     ", f"  {a.n}  ")
    return lines


def made(rows: Sequence[tuple[CallRow, str]], names: Mapping[str, str], screen: Screen) -> list[str]:
    """Lay out the calls that an app made to serve one, with what they cost together."""
    total = usd(sum(c.cost_usd for c, _ in rows))
    head = screen.bold(f"{count(len(rows), 'call')} made for it, {total} together")
    return ["", head, *calls(rows, names, screen)]


def cache(rows: Sequence[CachedRow], removed: int | None, screen: Screen) -> list[str]:
    """Lay out what is cached, or how much of it was forgotten."""
    if removed is not None:
        return [f"{count(removed, 'cached completion')} forgotten."]
    if not rows:
        return ["Nothing is cached."]
    shown = [
        [one_line(r.model), f"{r.completions:,}", f"{r.hits:,}", f"{-(-r.size // 1024):,} KiB"] for r in rows
    ]
    return screen.table(["model", "completions", "hits", "size"], shown, "<>>>", stretch=0)


def _attempt(a: AttemptRow, screen: Screen) -> str:
    parts = [f"{words.REASONS.get(a.reason, a.reason)}: {a.provider}/{one_line(a.model)}"]
    state = screen.green(a.state) if a.state == "done" else screen.red(a.state)
    parts.append(f"{state}, {words.FAILURES.get(a.failure, a.failure)}" if a.failure else state)
    parts += [f"HTTP {a.status}"] if a.status else []
    parts += [words.duration(a.latency_ms)]
    parts += [usd(a.cost_usd)] if a.cost_usd else []
    return "; ".join(parts)


def _times(found: CallRow) -> str:
    first = (
        f", first token after {words.duration(found.first_token_ms)}"
        if found.first_token_ms is not None
        else ""
    )
    return words.duration(found.latency_ms) + first


def _figures(r: UsageRow) -> list[str]:
    return [
        f"{r.calls:,}",
        f"{r.failed:,}",
        f"{r.cached:,}",
        f"{r.input_tokens:,}",
        f"{r.output_tokens:,}",
        usd(r.cost_usd),
    ]


def _group(name: str, value: str, names: Mapping[str, str]) -> str:
    if not value:
        return NOBODY.get(name, "–")
    return one_line(names.get(value, value)) if name == "key" else one_line(value)


def _scope(scope: str, names: Mapping[str, str]) -> str:
    kind, mark, name = scope.partition(":")
    if kind == "key" and mark:
        return f"key {one_line(names.get(name, name))}"
    return f"app {name}" if mark else scope
