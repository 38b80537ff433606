"""How a metric over a scorer is written: `correct`, `p95(latency)`, `pass_3(reward)`, `risk_at_80(abstention)`."""

from __future__ import annotations

import difflib
import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from groundwork.core.errors import InvalidInputError, SettingsError
from groundwork.evaluation.metrics import METRICS

_WRITTEN = re.compile(
    r"^\s*(?:(?P<metric>[a-z][a-z0-9_.]*)\s*\(\s*(?P<over>[^()\s]+)\s*\)|(?P<bare>[^()\s]+))\s*$"
)
_QUANTILE = re.compile(r"^p(\d{1,2}(?:\.\d+)?)$")
_PASS = re.compile(r"^pass_(\d{1,3})$")
_RISK = re.compile(r"^risk_at_(\d{1,3})$")


UNITS: Mapping[str, str] = {"latency": "ms", "cost": "USD"}
"""Units of scorers whose numbers have one."""


class MetricName(NamedTuple):
    """A metric's spec for `METRICS.make`, empty for the scorer's own first one; and the scorer's name in the evaluation."""

    metric: str | Mapping[str, Any]
    scorer: str


def parse_metric(expression: str) -> MetricName:
    """Read how a metric is written.

    A bare word is a scorer, measured by the first of its metrics. `pNN` is a quantile, `pass_K` is pass^k, `risk_at_NN` the
    risk at NN % coverage; every other word before the brackets is a name on the shelf of metrics.

    Raises:
        InvalidInputError: it is written in no such way, or there is no such metric.
    """
    found = _WRITTEN.match(expression)
    if not found:
        raise InvalidInputError(
            f"`{expression}` names no metric",
            hint="write a scorer, such as `correct`, or a metric over one, such as `p95(latency)`",
        )
    if found["bare"]:
        return MetricName("", found["bare"])
    return MetricName(_spec(found["metric"], expression), found["over"])


def _spec(word: str, expression: str) -> str | dict[str, Any]:
    if word in METRICS.names():
        return word
    if q := _QUANTILE.match(word):
        return {"name": "quantile", "q": float(q[1]) / 100}
    if k := _PASS.match(word):
        if int(k[1]) < 1:
            raise InvalidInputError(f"`{expression}`: pass^k begins at 1", hint="write `pass_1`")
        return {"name": "pass_k", "k": int(k[1])}
    if (c := _RISK.match(word)) and 0 < int(c[1]) <= 100:
        return {"name": "risk_at_coverage", "coverage": int(c[1]) / 100}
    near = difflib.get_close_matches(word, METRICS.names(), 1)
    hint = f"did you mean `{near[0]}`? " if near else ""
    raise InvalidInputError(
        f"there is no metric called `{word}` in `{expression}`",
        hint=f"{hint}known: {', '.join(METRICS.names())}",
    )


def name_of(spec: str | Mapping[str, Any]) -> str:
    """Return the name a scorer goes by in an evaluation: what `as` says, else its own.

    Raises:
        SettingsError: the table has no name.
    """
    if isinstance(spec, str):
        return spec
    name = spec.get("as") or spec.get("name")
    if not isinstance(name, str) or not name:
        raise SettingsError("a scorer needs a `name`", hint='write `{name = "rouge_l", as = "overlap"}`')
    return name


def with_unit(shown: str, expression: str, scorers: Mapping[str, Mapping[str, Any]] | None = None) -> str:
    """Return what a metric is called with the unit its numbers are in: `p95(latency), ms`.

    Args:
        shown: what it is called. expression: how it is written.
        scorers: of the evaluation, by the names they go by there, each with its own `name`.
    """
    found = _WRITTEN.match(expression)
    over = "" if found is None else found["bare"] or found["over"]
    unit = UNITS.get(str((scorers or {}).get(over, {}).get("name", over)), "")
    return f"{shown}, {unit}" if unit else shown
