"""How measurements look on a terminal: a quality never stands without its interval; pure layout."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from groundwork.cli.screen import Screen, one_line

RANKED = ("ndcg@10", "recall@10", "mrr@10")
WIDE = 90
LISTED = 40


def retrieval(result: Mapping[str, Any], screen: Screen) -> list[str]:
    """Lay out strategies beside each other, as many measures as the screen is wide; the default is marked."""
    sets = result.get("sets") or {}
    lines: list[str] = []
    for name, strategies in sets.items() if len(sets) > 1 else ():
        lines += [screen.bold(name), *_strategies(strategies, screen), ""]
    if len(sets) > 1:
        lines.append(screen.bold("all together"))
    lines += _strategies(result["strategies"], screen)
    data = f"data {str(result.get('data_digest', ''))[:7]}, embedder {result.get('embedder', '')}"
    return [*lines, "", screen.soft(f"* default; {data}; 95 % intervals; --json has more")]


def _strategies(strategies: Sequence[Mapping[str, Any]], screen: Screen) -> list[str]:
    measures = [m for m in RANKED[: 3 if screen.width >= WIDE else 2] if strategies and m in strategies[0]]
    rows = [
        [
            f"{s['strategy']}{' *' if s.get('default') else ''}",
            f"{s['n']:,}",
            *(interval(s[m]) for m in measures),
            f"{s['p50_ms']:.1f}",
        ]
        for s in strategies
    ]
    return screen.table(["strategy", "n", *measures, "p50 ms"], rows, "<" + ">" * (len(measures) + 2))


def figures(result: Mapping[str, Any], screen: Screen) -> list[str]:
    """Lay out any measurement as its figures by name; intervals beside their values, lists only by their length."""
    flat = _flat(result, "")
    wide = max((len(k) for k, _ in flat), default=0) + 2
    return [line for k, v in flat for line in screen.paragraph(v, " " * wide, screen.soft(f"{k:<{wide}}"))]


def interval(value: Any) -> str:
    """Return `.812 [.790 .834]`, or the bare number when no interval is known."""
    if isinstance(value, Mapping):
        return f"{_short(value['value'])} [{_short(value.get('low'))} {_short(value.get('high'))}]"
    return _short(value)


def _short(value: Any) -> str:
    return (
        f"{value:.3f}".replace("0.", ".", 1)
        if isinstance(value, float) and 0 <= value < 1
        else _number(value)
    )


def _flat(value: Mapping[str, Any], prefix: str) -> list[tuple[str, str]]:
    rows: list[tuple[str, str]] = []
    for key, item in value.items():
        name = f"{prefix}{key}"
        if isinstance(item, Mapping) and "value" in item and "low" in item:
            rows.append((name, interval(item)))
            rows += _flat({k: v for k, v in item.items() if k not in ("value", "low", "high")}, f"{name} ")
        elif isinstance(item, Mapping):
            rows += _flat(item, f"{name} ")
        elif isinstance(item, list | tuple):
            rows.append(
                (
                    name,
                    f"{len(item)} entries (--json shows them)"
                    if len(item) > LISTED or _nested(item)
                    else _joined(item),
                )
            )
        else:
            rows.append((name, _number(item)))
    return rows


def _nested(items: Any) -> bool:
    return any(isinstance(i, Mapping | list | tuple) for i in items)


def _joined(items: Any) -> str:
    return ", ".join(_number(i) for i in items)


def _number(value: Any) -> str:
    if isinstance(value, bool) or value is None:
        return {True: "yes", False: "no", None: "–"}[value]
    if isinstance(value, int):
        return f"{value:,}"
    if isinstance(value, float):
        return f"{value:,.3f}" if abs(value) < 1000 else f"{value:,.0f}"
    return one_line(str(value))
