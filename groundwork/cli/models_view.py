"""How models, providers, checks and prices look on a terminal; pure layout."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from groundwork.app import money
from groundwork.cli.screen import Screen, count, one_line

if TYPE_CHECKING:
    from groundwork.app.checking import Checked
    from groundwork.app.offers import Nearby, Offer, Price, ProviderLine


def listed(
    models: Sequence[Offer],
    providers: Sequence[ProviderLine],
    nearby: Sequence[Nearby],
    found: Sequence[dict[str, Any]],
    screen: Screen,
) -> list[str]:
    """Lay out what can be asked for, who serves it, and what could be added."""
    rows = [
        [
            m.id,
            m.kind,
            f"{m.context_tokens:,}" if m.context_tokens else "–",
            m.price_words,
            "spec" if m.price_source == "spec" else m.price_date,
        ]
        for m in models
    ]
    lines = screen.table(
        ["model", "serves", "context", "USD per million tokens", "as of"], rows, "<<><<", stretch=0
    )
    for p in providers:
        if p.problem:
            lines += ["", *screen.paragraph(f"{screen.amber(p.name)}: {p.problem}", "  ")]
    for server in nearby:
        if not server.known:
            serves = ", ".join(server.models) or "no model yet"
            said = f"{screen.bold(server.title)} answers at {server.base_url} and serves {serves}."
            lines += ["", *screen.paragraph(said)]
            lines += ["To offer it, add these lines to groundwork.toml:", ""]
            lines += [f"    {line}".rstrip() for line in server.lines.split("\n")]
    return [*lines, "", *encoders(found, screen)]


def encoders(found: Sequence[dict[str, Any]], screen: Screen) -> list[str]:
    """Lay out the encoders and where their weights are."""
    rows = [
        [
            m["name"],
            "here" if m["present"] else "not here",
            m["folder"] or "groundwork model fetch " + m["name"],
        ]
        for m in found
    ]
    return screen.table(["encoder", "weights", "folder"], rows, stretch=2)


def checked(results: Sequence[Checked], screen: Screen) -> list[str]:
    """Lay out what works, how fast, and what fails."""
    if not results:
        return ["There is nothing to check: name a provider in groundwork.toml."]
    rows = [
        [
            r.name,
            screen.green("works") if r.ok else screen.red("fails"),
            _ms(r.latency_ms),
            _ms(r.first_token_ms),
            f"{r.tokens_per_second:,.0f}" if r.tokens_per_second else "–",
            r.cost_words,
            ", ".join(r.supports) or "–",
        ]
        for r in results
    ]
    head = ["model", "", "latency", "first token", "tokens/s", "cost", "can"]
    lines = screen.table(head, rows, "<<>>><<", stretch=0)
    for r in results:
        if r.problem:
            name = r.name if r.ok else screen.red(r.name)
            lines += ["", *screen.paragraph(f"{name}: {one_line(r.problem)}", "  ")]
        for what, why in r.refused.items() if r.ok else ():
            lines += [
                "",
                *screen.paragraph(f"{screen.amber(r.name)} cannot do `{what}`: {one_line(why)}", "  "),
            ]
    bad = sum(not r.ok for r in results)
    return [*lines, "", f"{count(bad, 'check')} of {len(results)} failed" if bad else "everything works"]


def prices(found: Sequence[Price], screen: Screen) -> list[str]:
    """Lay out prices with their dates, and below them where each vendor's stand."""
    if not found:
        return ["No price is known of such a model."]
    rows = [
        [
            p.model,
            _usd(p.price.get("input")),
            _usd(p.price.get("output")),
            _usd(p.price.get("cached_input")),
            "groundwork.toml" if p.source == "spec" else p.date,
        ]
        for p in found
    ]
    lines = screen.table(["model", "read", "written", "cached", "as of"], rows, "<>>><", stretch=0)
    lines.append(screen.soft("USD per million tokens; a price in groundwork.toml goes before the list"))
    sources = dict.fromkeys((p.model.partition("/")[0], p.source) for p in found if p.source != "spec")
    for vendor, source in sources:
        lines += screen.paragraph(source, " " * 12, screen.soft(f"{vendor:<12}"))
    return lines


def secrets(action: str, name: str, rows: Sequence[dict[str, Any]], screen: Screen) -> list[str]:
    """Say what was done, or lay out the names of the secrets; never a value."""
    if action == "set":
        used: list[str] = next((r["used_by"] for r in rows if r["name"] == name), [])
        hint = f"used by {', '.join(used)}" if used else f'name it in a provider: key = "secret:{name}"'
        return [f"`{name}` is stored, encrypted.", screen.soft(hint)]
    if action == "remove":
        return [f"`{name}` is gone."]
    if not rows:
        return ["No secret is stored. Set one with `groundwork model secret set NAME`."]
    return screen.table(
        ["secret", "used by"], [[r["name"], ", ".join(r["used_by"]) or "nobody"] for r in rows]
    )


def _ms(value: float | None) -> str:
    if value is None:
        return "–"
    return f"{value:,.0f} ms" if value < 10_000 else f"{value / 1000:,.1f} s"


def _usd(value: float | None) -> str:
    return "–" if value is None else money.usd(value)
