"""The portfolio as a static site: plain HTML, no script, and nothing that is asked of another host.

The style stands in each page and is named by its hash in a content security policy that allows nothing else.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from functools import cache
from typing import Any

from markupsafe import Markup

from groundwork.pathways.portfolio import chart
from groundwork.pathways.portfolio.gather import GRADES, Gathered, summary_of
from groundwork.pathways.portfolio.markdown import rendered
from groundwork.pathways.portfolio.systems import Measure, System
from groundwork.pathways.proofs.statements import shown_id

OUTCOMES = {"promote": "passed", "reject": "refused", "insufficient": "not enough evidence"}


def pages(found: Gathered, *, issuer: str, credentials: Mapping[str, str]) -> dict[str, bytes]:
    """Return the pages by their path; equal contents give equal bytes.

    Args:
        issuer: DID of the key that signed. credentials: path of the badge by id of its proof.
    """
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    common: dict[str, Any] = {
        "found": found,
        "person": found.person,
        "issuer": issuer,
        "credentials": credentials,
        "grades": GRADES,
        "outcomes": OUTCOMES,
        "summary_of": summary_of,
        "style": Markup(style),  # noqa: S704  # our own file
        "policy": f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'",
    }
    made = {
        "index.html": _render("index.html", {**common, "root": ""}),
        "proofs.html": _render("proofs.html", {**common, "root": ""}),
    }
    for system in found.systems:
        values = {
            **common,
            "root": "../",
            "system": system,
            "about": rendered(system.about),
            "charts": _charts(system),
        }
        made[f"systems/{system.app}.html"] = _render("system.html", values)
    return made


def _charts(system: System) -> dict[str, Markup]:
    """Return the charts of a system: of each metric its releases, and answers by month."""
    by_metric: dict[str, list[Measure]] = {}
    for measure in system.measures:
        by_metric.setdefault(measure.metric, []).append(measure)
    made = {
        metric: Markup(chart.intervals(shown, f"{metric} by release, each with its interval"))  # noqa: S704
        for metric, shown in by_metric.items()
    }
    made["months"] = Markup(chart.months(system.months, "Answers by month"))  # noqa: S704  # drawn and escaped by us
    return made


def _render(name: str, values: Mapping[str, Any]) -> bytes:
    text = _environment().get_template(name).render(values)
    return ("\n".join(line.rstrip() for line in text.splitlines() if line.strip()) + "\n").encode()


@cache
def _style() -> str:
    from importlib.resources import files

    return files("groundwork.pathways.portfolio").joinpath("templates/style.css").read_text("utf-8").strip()


@cache
def _environment() -> Any:
    from jinja2 import Environment, PackageLoader, StrictUndefined

    made = Environment(
        loader=PackageLoader("groundwork.pathways.portfolio"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    made.filters["day"] = lambda text: str(text)[:10]
    made.filters["short"] = lambda text: str(text)[:7]
    made.filters["words"] = lambda text: str(text).replace("_", " ")
    made.filters["shown"] = shown_id
    made.filters["grade"] = lambda grade: GRADES[grade].partition(":")[0]
    made.filters["value"] = lambda value: "yes" if value is True else "no" if value is False else value
    made.filters["count"] = lambda n: f"{n:,}"
    made.filters["number"] = lambda n: f"{n:.3g}"
    made.filters["usd"] = lambda n: f"${n:,.2f}" if n >= 0.01 or not n else f"${n:.4f}"
    return made
