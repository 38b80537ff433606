"""The frame of a report: one HTML page that asks nothing of the network, reads on paper, on a phone, in light and dark."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

STYLE = """
:root{--paper:#faf9f6;--raised:#fff;--ink:#1d2422;--soft:#55605c;--line:#dcd9d0;--strong:#8b918c;--accent:#0b6e6e;
--good:#1c6a3a;--warn:#7d5200;--bad:#a3271e;--good-soft:#e5f2e8;--warn-soft:#faefd9;--bad-soft:#fbe9e6;
color-scheme:light dark}
@media(prefers-color-scheme:dark){:root{--paper:#14191a;--raised:#1b2122;--ink:#e5e9e6;--soft:#a3aeaa;--line:#323b3c;
--strong:#74807d;--accent:#4fc3bd;--good:#74cc92;--warn:#e2b45c;--bad:#ff9085;--good-soft:#1a3123;--warn-soft:#362b15;
--bad-soft:#3b201d}}
*{box-sizing:border-box}
body{margin:0;background:var(--paper);color:var(--ink);
font:16px/1.5 system-ui,-apple-system,"Segoe UI",Roboto,Arial,sans-serif}
main{max-width:64rem;margin:0 auto;padding:1.5rem 1rem 4rem}
h1{font-size:1.5rem;line-height:1.3;margin:0 0 .5rem}h1,h2{overflow-wrap:anywhere}
h2{font-size:1.15rem;margin:2rem 0 .5rem}
p{max-width:46rem;margin:.5rem 0}
.lead{font-size:1.1rem}
.soft{color:var(--soft)}
.box{border-left:4px solid var(--strong);background:var(--raised);padding:.75rem 1rem;margin:1rem 0}
.box.pass,.box.promote{border-color:var(--good);background:var(--good-soft)}
.box.fail,.box.reject{border-color:var(--bad);background:var(--bad-soft)}
.box.undecided,.box.insufficient{border-color:var(--warn);background:var(--warn-soft)}
code{font-family:ui-monospace,Menlo,Consolas,monospace;font-size:.9em;overflow-wrap:anywhere}
a{color:var(--accent)}
a:focus-visible{outline:2px solid var(--accent);outline-offset:2px}
.wide{overflow-x:auto}
table{border-collapse:collapse;width:100%;font-size:.9375rem}
caption{text-align:left;color:var(--soft);padding:.25rem 0}
th,td{text-align:left;padding:.4rem .6rem;border-bottom:1px solid var(--line);vertical-align:top}
th{font-weight:600}td code{overflow-wrap:normal}
td.n,th.n{text-align:right;font-variant-numeric:tabular-nums;white-space:nowrap}
dl{display:grid;grid-template-columns:max-content 1fr;gap:.25rem 1rem}
dt{color:var(--soft)}dd{margin:0;overflow-wrap:anywhere}
pre{white-space:pre-wrap;overflow-wrap:anywhere;background:var(--raised);border:1px solid var(--line);
padding:.5rem;margin:.25rem 0}
.whisker{width:20rem;max-width:100%;height:auto;display:block}
.whisker-axis{stroke:var(--line)}.whisker-zero{stroke:var(--strong)}
.whisker-margin{stroke:var(--warn);stroke-width:2;stroke-dasharray:4 3}
.whisker-range{stroke:var(--accent);stroke-width:2}.whisker-point{fill:var(--accent)}.whisker-bar{fill:var(--accent)}
.whisker-pass .whisker-range{stroke:var(--good)}.whisker-pass .whisker-point{fill:var(--good)}
.whisker-fail .whisker-range{stroke:var(--bad)}.whisker-fail .whisker-point{fill:var(--bad)}
.whisker-undecided .whisker-range{stroke:var(--warn)}.whisker-undecided .whisker-point{fill:var(--warn)}
@media(max-width:40rem){dl{grid-template-columns:1fr}}
@media print{:root{--paper:#fff;--raised:#fff;--ink:#000;--soft:#333;color-scheme:light}main{max-width:none;padding:0}
details{display:block}tr,.box{break-inside:avoid}a{color:inherit}}
"""


def page(title: str, body: Sequence[str], *, made: str = "") -> str:
    """Return a whole page; `body` is HTML that is safe already, `title` and `made` are text."""
    foot = f'<p class="soft">{escape(made)}</p>' if made else ""
    return (
        '<!doctype html>\n<html lang="en">\n<head>\n<meta charset="utf-8">\n'
        '<meta name="viewport" content="width=device-width, initial-scale=1">\n'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'; img-src data:\">\n"
        f"<title>{escape(title)}</title>\n<style>{STYLE}</style>\n</head>\n<body>\n<main>\n"
        + "\n".join(body)
        + f"\n{foot}\n</main>\n</body>\n</html>\n"
    )


def table(
    caption: str, head: Sequence[str], rows: Sequence[Sequence[str]], numeric: Sequence[int] = ()
) -> str:
    """Return a table; cells are HTML that is safe already, `caption` and `head` are text."""
    marks = set(numeric)

    def cells(of: Sequence[str], tag: str, scope: str = "") -> str:
        kind = [' class="n"' if n in marks else "" for n in range(len(of))]
        return "".join(f"<{tag}{k}{scope}>{c}</{tag}>" for k, c in zip(kind, of, strict=True))

    lines = "".join(f"<tr>{cells(r, 'td')}</tr>" for r in rows)
    top = cells([escape(h) for h in head], "th", ' scope="col"')
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(caption)}"><table>'
        f"<caption>{escape(caption)}</caption><thead><tr>{top}</tr></thead><tbody>{lines}</tbody></table></div>"
    )


def facts(pairs: Sequence[tuple[str, str]]) -> str:
    """Return names with their values; names are text, values HTML that is safe already."""
    return "<dl>" + "".join(f"<dt>{escape(k)}</dt><dd>{v}</dd>" for k, v in pairs) + "</dl>"


def moment(timestamp: str) -> str:
    """Return an ISO 8601 time as `2026-11-20 13:27 UTC`, as it is recorded."""
    return f"{timestamp[:16].replace('T', ' ')} UTC" if timestamp else "–"


def words(text: str) -> str:
    """Return text as HTML; what stands between backticks as code."""
    parts = escape(text).split("`")
    if len(parts) % 2 == 0:
        return escape(text)
    return "".join(f"<code>{p}</code>" if n % 2 else p for n, p in enumerate(parts))
