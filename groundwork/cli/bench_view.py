"""How measurements look on a terminal: a quality never stands without its interval; pure layout."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from groundwork.cli.screen import Screen, one_line

RANKED = ("ndcg@10", "mrr@10", "recall@10", "recall@100")
LISTED = 40


def retrieval(result: Mapping[str, Any], screen: Screen) -> list[str]:
    """Lay out strategies beside each other; the default one is marked."""
    strategies = result["strategies"]
    rows = [
        [
            f"{s['strategy']}{' *' if s.get('default') else ''}",
            *(interval(s[measure]) if measure in s else "–" for measure in RANKED),
            f"{s['p50_ms']:.1f}",
            f"{s['p95_ms']:.1f}",
        ]
        for s in strategies
    ]
    n = strategies[0]["n"] if strategies else 0
    head = ["strategy", *RANKED, "p50 ms", "p95 ms"]
    wide = screen.table(head, rows, "<>>>>>>")
    if max((len(line) for line in wide), default=0) > screen.width:
        rows = [
            [r[0], *(cell.split(" ")[0] for cell in r[1:3]), r[1].partition(" ")[2], *r[5:]] for r in rows
        ]
        wide = screen.table(["strategy", *RANKED[:2], "ndcg 95 %", "p50 ms", "p95 ms"], rows, "<>>>>>")
    return [
        *wide,
        "",
        screen.soft(f"* default; n = {n}, data {str(result.get('data_digest', ''))[:7]}; 95 % intervals"),
    ]


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
