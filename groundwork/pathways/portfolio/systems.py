"""The systems of a portfolio: every app that has releases, with the facts that its records hold.

Nothing of documents, questions or answers is read here: counts, versions, measures and money alone.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import ColumnElement, Connection, func, literal_column, select

from groundwork.core.principal import Principal
from groundwork.releases import evidence, rows
from groundwork.releases.types import Release
from groundwork.storage import tables as t
from groundwork.storage.improvement_tables import deployments, releases, verdicts

LAB = "lab-"
RELEASES = 50
"""Newest releases of an app that are shown."""
NANO = 1_000_000_000


@dataclass(frozen=True)
class Measure:
    """One measured number: never without its interval and how many examples it is over. `release`: what it is of."""

    release: str
    metric: str
    value: float
    low: float
    high: float
    n: int


@dataclass(frozen=True)
class Gate:
    """What a gate said of a release."""

    release: str
    gate: str
    outcome: str
    sentence: str
    at: str


@dataclass(frozen=True)
class Shipped:
    """One release: when it was made, where it has been, what became of it."""

    ref: str
    digest: str
    at: str
    note: str
    places: tuple[str, ...] = ()
    rolled_back: bool = False
    redacted: bool = False


@dataclass(frozen=True)
class Month:
    """What an app did in a month: answers given and declined; calls of models, tokens, and dollars."""

    month: str
    answers: int = 0
    declined: int = 0
    calls: int = 0
    tokens: int = 0
    cost_usd: float = 0.0


@dataclass(frozen=True)
class System:
    """One system as its page shows it; `about` is the owner's README in Markdown, empty where none was written."""

    app: str
    about: str
    description: str
    facts: tuple[tuple[str, str], ...]
    shipped: tuple[Shipped, ...]
    measures: tuple[Measure, ...] = ()
    gates: tuple[Gate, ...] = ()
    months: tuple[Month, ...] = ()
    questions: tuple[Mapping[str, Any], ...] = field(default=())

    @property
    def answers(self) -> int:
        return sum(m.answers for m in self.months)

    @property
    def cost_usd(self) -> float:
        return sum(m.cost_usd for m in self.months)

    @property
    def calls(self) -> int:
        return sum(m.calls for m in self.months)


def apps_with_releases(connection: Connection, principal: Principal) -> list[str]:
    """Return the names of apps that have releases, sorted; those of labs are exercises and not among them."""
    r = releases.c
    query = select(r.app).where(r.tenant == principal.tenant).distinct().order_by(r.app)
    return [str(name) for name in connection.execute(query).scalars() if not str(name).startswith(LAB)]


def system_of(
    connection: Connection,
    principal: Principal,
    app: str,
    about: str,
    description: str,
    questions: Sequence[Any] = (),
) -> System:
    """Return what is known of one app."""
    tenant, r = principal.tenant, releases.c
    query = select(releases).where(r.tenant == tenant, r.app == app).order_by(r.number.desc()).limit(RELEASES)
    made = [rows.release(row) for row in connection.execute(query)]
    places, back = _moves(connection, tenant, app)
    measures: list[Measure] = []
    gates: dict[str, Gate] = {}
    for release in reversed(made):
        lines = evidence.lines_of(connection, tenant, release)
        if lines:
            measures += _measures(release.ref, lines[0].summary)
        for line in evidence.verdicts_of(connection, tenant, release):
            gates.setdefault(
                line.id, Gate(release.ref, line.gate, line.outcome, line.headline, line.created_at)
            )
    gates |= dict(_refusals(connection, tenant, app, set(gates)))
    shipped = tuple(
        Shipped(
            release.ref,
            release.digest,
            release.created_at,
            release.note,
            tuple(sorted(places.get(release.id, ()))),
            release.id in back,
            release.redacted,
        )
        for release in made
    )
    facts: tuple[tuple[str, str], ...] = ()
    if made:
        own = sum(release.created_by == principal.name for release in made)
        facts = (
            *_facts(connection, tenant, made[0]),
            ("Releases made by the owner", f"{own} of {len(made)}"),
        )
    ordered = tuple(sorted(gates.values(), key=lambda g: (g.at, g.release, g.gate), reverse=True))
    return System(
        app,
        about,
        description,
        facts,
        shipped,
        tuple(measures),
        ordered,
        _months(connection, tenant, app),
        tuple(questions),
    )


def answers_chosen(connection: Connection, principal: Principal, ids: Sequence[str]) -> list[dict[str, Any]]:
    """Return answers that the owner chose to show: their own, or any for who owns the workspace; erased ones never."""
    a = t.answers.c
    query = select(a.id, a.app, a.question, a.text, a.abstained, a.principal, a.created_at).where(
        a.tenant == principal.tenant, a.id.in_(list(ids)), a.redacted.is_(False)
    )
    found = {row.id: row for row in connection.execute(query)}
    return [
        {
            "id": i,
            "app": found[i].app,
            "question": found[i].question,
            "text": found[i].text,
            "at": found[i].created_at,
        }
        for i in ids
        if i in found and (principal.owner or found[i].principal == principal.name)
    ]


def _facts(connection: Connection, tenant: str, release: Release) -> tuple[tuple[str, str], ...]:
    manifest, s = release.manifest, t.snapshots.c
    row = connection.execute(
        select(s.documents, s.chunks, s.embedder).where(
            s.tenant == tenant, s.index_name == manifest.index, s.id == manifest.snapshot
        )
    ).one_or_none()
    model = manifest.recipe.get("model") or manifest.spec.get("model")
    facts = [("Newest release", release.ref)]
    if row is not None:
        facts += [
            ("Documents", f"{row.documents:,}"),
            ("Passages", f"{row.chunks:,}"),
            ("Embedder", str(row.embedder)),
        ]
    facts += [
        ("Snapshot", manifest.snapshot[:7]),
        ("Prompt", _prompt(manifest.prompt)),
        ("Model", _name(model)),
        ("Retrieval", _name(manifest.recipe.get("strategy") or manifest.spec.get("strategy"))),
        ("Passages read", str(manifest.recipe.get("passages") or manifest.spec.get("passages") or "")),
        ("Declines below", f"confidence {manifest.threshold:g}"),
        ("Release digest", release.digest[:7]),
    ]
    return tuple((name, value) for name, value in facts if value)


def _name(spec: Any) -> str:
    return str(spec.get("name", "")) if isinstance(spec, Mapping) else str(spec or "")


def _prompt(prompt: str) -> str:
    name, mark, digest = prompt.partition("@")
    return f"{name}@{digest[:7]}" if mark else prompt or "none: it quotes"


def _moves(connection: Connection, tenant: str, app: str) -> tuple[dict[str, set[str]], set[str]]:
    """Return the environments that each release stood in, and the releases that were taken back."""
    d = deployments.c
    query = select(d.release, d.previous, d.environment, d.kind, d.state).where(
        d.tenant == tenant, d.app == app
    )
    places: dict[str, set[str]] = {}
    back: set[str] = set()
    for move in connection.execute(query.order_by(d.id)):
        if move.kind in ("promote", "rollback") or move.state == "promoted":
            places.setdefault(move.release, set()).add(move.environment)
        if move.kind == "rollback":
            back.add(move.previous)
        if move.state == "rolled_back":
            back.add(move.release)
    return places, back


def _measures(ref: str, summary: Mapping[str, Any]) -> list[Measure]:
    made = []
    for metric, found in sorted(summary.items()):
        if not isinstance(found, Mapping):
            continue
        numbers = [found.get(k) for k in ("value", "low", "high")]
        if all(isinstance(x, int | float) and not isinstance(x, bool) for x in numbers):
            value, low, high = (float(x) for x in numbers if x is not None)
            made.append(Measure(ref, metric, value, low, high, int(found.get("n") or 0)))
    return made


def _refusals(connection: Connection, tenant: str, app: str, known: set[str]) -> list[tuple[str, Gate]]:
    """Return verdicts on what never became a release: a gate that refused has done its work."""
    v = verdicts.c
    query = select(v.id, v.gate, v.outcome, v.record, v.created_at).where(v.tenant == tenant, v.app == app)
    return [
        (row.id, Gate("", row.gate, row.outcome, str(dict(row.record).get("headline", "")), row.created_at))
        for row in connection.execute(query.order_by(v.id.desc()).limit(RELEASES))
        if row.id not in known and not str(row.gate).startswith(LAB)
    ]


def _months(connection: Connection, tenant: str, app: str) -> tuple[Month, ...]:
    a, u = t.answers.c, t.usage_days.c
    # Written out, not bound: PostgreSQL compares what is grouped by with what is selected, parameters and all.
    first: ColumnElement[int] = literal_column("1")
    seventh: ColumnElement[int] = literal_column("7")
    month = func.substr(a.created_at, first, seventh)
    made: dict[str, dict[str, Any]] = {}
    counted = (
        select(month.label("month"), a.abstained, func.count().label("n"))
        .where(a.tenant == tenant, a.app == app)
        .group_by(month, a.abstained)
    )
    for row in connection.execute(counted):
        one = made.setdefault(row.month, {})
        one["declined" if row.abstained else "answers"] = int(row.n)
    used = func.substr(u.day, first, seventh)
    summed = (
        select(
            used.label("month"),
            func.sum(u.calls).label("calls"),
            func.sum(u.input_tokens + u.output_tokens).label("tokens"),
            func.sum(u.cost_nanousd).label("cost"),
        )
        .where(u.tenant == tenant, u.app == app)
        .group_by(used)
    )
    for row in connection.execute(summed):
        made.setdefault(row.month, {}).update(
            calls=int(row.calls or 0), tokens=int(row.tokens or 0), cost_usd=int(row.cost or 0) / NANO
        )
    return tuple(Month(name, **made[name]) for name in sorted(made))
