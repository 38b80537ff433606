"""Pages: the template environment, what every page has, and error pages. Everything in a template is escaped."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from functools import cache
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import jinja2
from fastapi import Request
from markupsafe import Markup
from starlette.responses import HTMLResponse

from groundwork.app.money import usd
from groundwork.core.digest import short
from groundwork.server import forms, static
from groundwork.server.console import pins, rail, trace_text
from groundwork.server.doorkeeper import visitor_of
from groundwork.server.problems import Problem, safe_note

TEMPLATES = Path(__file__).parent / "templates"
THEME_COOKIE = "groundwork_theme"
ROOMS = (("ask", "Ask", "/", "a"), ("answers", "Answers", "/answers", "r"), ("knowledge", "Knowledge", "/knowledge", "k"),
         ("prompts", "Prompts", "/prompts", "p"), ("models", "Models", "/models", "m"), ("keys", "Keys", "/keys", "y"),
         ("traces", "Traces", "/traces", "t"), ("dashboards", "Dashboards", "/dashboards", "d"),
         ("usage", "Usage", "/usage", "u"), ("datasets", "Datasets", "/datasets", "e"),
         ("evaluations", "Evaluations", "/evaluations", "v"), ("judges", "Judges", "/judges", "i"),
         ("gates", "Gates", "/gates", "o"), ("releases", "Releases", "/releases", "l"),
         ("pathways", "Pathways", "/pathways", "w"), ("jobs", "Jobs", "/jobs", "j"),
         ("settings", "Settings", "/settings", "s"))  # fmt: skip
"""Rooms of the rail: slug, name, address, and the key after `g`."""
GROUPS = ("prompts", "traces", "datasets", "pathways", "jobs")
"""Rooms that begin a group of the rail: they stand a little apart from the ones before."""


@cache
def environment() -> jinja2.Environment:
    """Return the environment; an undefined name in a template is an error, not an empty string."""
    made = jinja2.Environment(
        loader=jinja2.FileSystemLoader(TEMPLATES),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters.update(
        ago=ago, number=number, size=size, short=short, path=path_part, moment=moment, usd=usd,
        pretty=trace_text.pretty, browser=browser,
    )  # fmt: skip
    made.globals.update(pin=pins.pin, static=static.address, rail_groups=GROUPS, plural=plural, address=address,
                        as_it_is=trace_text.plain, as_markdown=trace_text.markdown)  # fmt: skip
    return made


def page(request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
    """Render a page; templates may ask for `form_token()`, and the cookie that belongs to it is then set."""

    def form_token() -> str:
        return forms.token_of(request)

    theme = request.cookies.get(THEME_COOKIE, "")
    text = (
        environment()
        .get_template(template)
        .render(
            context,
            form_token=form_token,
            visitor=visitor_of(request),
            may=rail.may_of(request),
            rooms=rail.rooms_for(request, ROOMS),
            theme=theme if theme in ("light", "dark") else "",
            here=request.url.path,
        )
    )
    response = HTMLResponse(text, status)
    forms.remember(request, response)
    return response


def error_page(request: Request, problem: Problem, headers: Mapping[str, str] | None = None) -> HTMLResponse:
    """Render a problem for a person: what happened, what is safe, what to do, and the code for searching."""
    response = page(
        request, "problem.html", problem.status, problem=problem, safe=safe_note(problem), room=""
    )
    response.headers.update(headers or {})
    return response


def ago(value: str, now: datetime | None = None) -> str:
    """Return a time as people say it: `3 minutes ago`; older than a month: the date. What is no time stays as it is."""
    then = _read(value)
    if then is None:
        return value
    seconds = ((now or datetime.now(UTC)) - then).total_seconds()
    if seconds < 45:
        return "just now"
    for limit, unit, word in ((3570, 60, "minute"), (84600, 3600, "hour"), (30 * 86400, 86400, "day")):
        if seconds < limit:
            return f"{plural(max(1, round(seconds / unit)), word)} ago"
    return then.strftime("%-d %B %Y")


def moment(value: str) -> Markup:
    """Return a `time` element: relative words, the exact time in UTC on hover (the page's script makes it local)."""
    then = _read(value)
    if then is None:
        return Markup("<span>{}</span>").format(value or "–")
    exact = then.strftime("%Y-%m-%d %H:%M:%S UTC")
    return Markup('<time datetime="{}" title="{}">{}</time>').format(then.isoformat(), exact, ago(value))


def number(value: float) -> str:
    """Return a whole number with separators, or a fraction with three digits."""
    return f"{value:,}" if isinstance(value, int) else f"{value:,.3f}".rstrip("0").rstrip(".")


def size(value: int) -> str:
    """Return a number of bytes in words."""
    amount = float(value)
    for unit in ("bytes", "KiB", "MiB"):
        if amount < 1024:
            return f"{amount:.0f} {unit}" if unit == "bytes" or amount >= 10 else f"{amount:.1f} {unit}"
        amount /= 1024
    return f"{amount:.1f} GiB"


def plural(count: int, word: str, many: str = "") -> str:
    """Return `1 word` or `2 words`."""
    return f"{count:,} {word if count == 1 else many or word + 's'}"


def browser(agent: str) -> str:
    """Return how a browser names itself in words: `Firefox on Linux`; what is none is cut."""
    names = (
        ("Edg/", "Edge"),
        ("OPR/", "Opera"),
        ("Firefox/", "Firefox"),
        ("Chrome/", "Chrome"),
        ("Safari/", "Safari"),
    )
    systems = (
        ("Android", "Android"), ("iPhone", "iOS"), ("iPad", "iOS"), ("Windows", "Windows"), ("Mac OS", "macOS"),
        ("Linux", "Linux"),
    )  # fmt: skip
    name = next((word for mark, word in names if mark in agent), "")
    system = next((word for mark, word in systems if mark in agent), "")
    return f"{name} on {system}" if name and system else agent[:80] or "unnamed"


def path_part(value: str) -> str:
    """Return a value as one part of an address."""
    return quote(value, safe="@~")


def address(path: str, **query: Any) -> str:
    """Return an address with a query; empty values are left out."""
    kept = {k: v for k, v in query.items() if v not in (None, "")}
    return f"{path}?{urlencode(kept)}" if kept else path


def _read(value: str) -> datetime | None:
    try:
        then = datetime.fromisoformat(value)
    except ValueError:
        return None
    return then if then.tzinfo else then.replace(tzinfo=UTC)
