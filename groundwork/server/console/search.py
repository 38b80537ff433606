"""Search over everything a workspace keeps: an id goes straight to its page, words find records by group.

Each group looks in its own room with the rights of who asks; a room one may not read is not searched. Nothing is searched
without bound: what a group looks at and shows is limited, and the page says where more is.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
from typing import Annotated

from fastapi import APIRouter, Query, Request
from starlette.responses import RedirectResponse, Response

from groundwork.core.errors import GroundworkError
from groundwork.core.principal import Principal
from groundwork.gateway.flow_trace import trace_hex
from groundwork.server.console import evidence, search_later
from groundwork.server.console import trace_words as words
from groundwork.server.console.render import address, page, path_part, plural
from groundwork.server.console.trace_filters import has_words
from groundwork.server.house import House
from groundwork.server.permissions import AnswersRead
from groundwork.telemetry.types import Query as TraceQuery

router = APIRouter(include_in_schema=False)
SHOWN = 8
LOOKED_AT = 400
"""Answers that are looked through for words, newest first."""
MAX_CHARS = 300
_HEX32 = re.compile(r"[0-9a-f]{32}", re.IGNORECASE)
_VERSION = re.compile(r"(?P<name>[\w.~/-]{1,200})@(?P<digest>[0-9a-f]{4,64})", re.IGNORECASE)
Text = Annotated[str, Query(max_length=2_000)]


@dataclass(frozen=True)
class Hit:
    """One record that was found: where it is, what it is called, and what else helps to know it."""

    href: str
    title: str
    text: str = ""
    facts: tuple[str, ...] = ()
    at: str = ""


@dataclass(frozen=True)
class Group:
    """What one room found; `more` is the address of all of it, where the room has such a list."""

    slug: str
    title: str
    hits: tuple[Hit, ...]
    total: str
    more: str = ""
    note: str = ""


@dataclass(frozen=True)
class Asking:
    """Who asks for what, and what they may see."""

    house: House
    principal: Principal
    text: str
    allows: Callable[[str], bool]
    words: tuple[str, ...] = field(default=())

    def holds(self, *texts: str) -> bool:
        """Say whether every word stands somewhere in the texts, in any case."""
        joined = "\n".join(texts).lower()
        return all(w in joined for w in self.words)


@router.get("/search")
def search_page(request: Request, house: House, principal: AnswersRead, q: Text = "") -> Response:
    """Go to what an id names; else show what holds the words, by room."""
    text = " ".join(q.split())[:MAX_CHARS]
    keeper = request.app.state.doorkeeper
    asking = Asking(
        house, principal, text, lambda p: keeper.allows(principal, p), tuple(text.lower().split())
    )
    if text and (found := straight(asking)):
        return RedirectResponse(found, 303)
    groups = (
        [g for g in (look(asking) for look in ROOMS_SEARCHED) if g is not None and g.hits] if text else []
    )
    return page(request, "search.html", room="", asked_for=text, groups=groups)


def straight(asking: Asking) -> str:
    """Return the address of what an id names and this principal may see; empty where there is no such thing."""
    text, house, principal = asking.text, asking.house, asking.principal
    kind, mark, _ = text.partition("_")
    if _HEX32.fullmatch(text) or (mark and kind == "trc"):
        identifier = trace_hex(text.lower()) if mark else text.lower()
        return _existing(lambda: f"/traces/{house.telemetry.reader.trace(principal, identifier).trace_id}")
    if mark and " " not in text:
        finders: dict[str, tuple[str, Callable[[], str]]] = {
            "ans": ("answers.read", lambda: f"/answers/{path_part(house.answer(text, principal).id)}"),
            "con": ("answers.read", lambda: _conversation(asking)),
            "call": ("usage.read", lambda: f"/usage/{path_part(house.usage.call(principal, text).id)}"),
            "job": ("jobs.read", lambda: f"/jobs/{path_part(house.job(text, principal).id)}"),
            "key": ("keys.read", lambda: f"/keys/{path_part(house.keys.get(principal, text).id)}"),
            "doc": ("documents.read", lambda: _document(asking)),
            **search_later.finders(house, principal, text),
        }
        permission, finder = finders.get(kind, ("", None))
        if finder is not None and asking.allows(permission):
            return _existing(finder)
    if match := _VERSION.fullmatch(text):
        return _version(asking, match["name"], match["digest"].lower())
    return ""


def answers(asking: Asking) -> Group | None:
    """Find answers by their question and text, among the newest."""
    looked = asking.house.answers(asking.principal, limit=LOOKED_AT)
    found = [a for a in looked if asking.holds(a.question, a.text, a.id)]
    hits = (
        Hit(
            f"/answers/{path_part(a.id)}", a.question or "An erased question", a.text or a.reason,
            (evidence.outcome(a)[1],), a.created_at,
        )
        for a in found
    )  # fmt: skip
    note = f"among the newest {LOOKED_AT}" if len(looked) == LOOKED_AT else ""
    return _group("answers", "Answers", hits, len(found), note=note)


def traces(asking: Asking) -> Group | None:
    """Find traces by the words of their spans."""
    if not asking.allows("traces.read") or not has_words(asking.text):
        return None
    query = TraceQuery(text=asking.text)
    reader = asking.house.telemetry.reader
    found = reader.traces(asking.principal, query, limit=SHOWN + 1)
    hits = [
        Hit(
            line.href, line.title, " → ".join(t for t in (line.trace.input, line.trace.output) if t),
            (line.kind, line.state[1], line.took), line.started,
        )
        for line in words.lines(found.items)
    ]  # fmt: skip
    total = (
        len(hits)
        if found.next is None and len(hits) <= SHOWN
        else reader.count(asking.principal, query, 1_000)
    )
    return _group("traces", "Traces", hits, total, address("/traces", text=asking.text), most=1_000)


def documents(asking: Asking) -> Group | None:
    """Find documents by name or title, in every index."""
    if not asking.allows("documents.read"):
        return None
    hits: list[Hit] = []
    total = 0
    for index in asking.house.indexes(asking.principal):
        if not index.documents:
            continue
        page_, count = asking.house.documents(index.name, asking.principal, contains=asking.text, limit=SHOWN)
        total += count
        hits += [
            Hit(
                f"/knowledge/{path_part(index.name)}/documents/{path_part(d.id)}",
                d.title or d.document, d.document if d.title else "", (index.name, plural(d.chunks, "chunk")), d.ingested_at,
            )
            for d in page_
        ]  # fmt: skip
    return _group("documents", "Documents", hits, total)


def prompts(asking: Asking) -> Group | None:
    """Find prompts by name, description and text."""
    if not asking.allows("prompts.read"):
        return None
    hits = []
    for entry in asking.house.prompts.list(asking.principal):
        source = entry.source or (entry.latest.template.source if entry.latest else "")
        if asking.holds(entry.name, source):
            described = entry.latest.template.description if entry.latest else ""
            hits.append(Hit(f"/prompts/{path_part(entry.name)}", entry.name, described))
    return _group("prompts", "Prompts", hits, len(hits), "/prompts")


def models(asking: Asking) -> Group | None:
    """Find models by name."""
    if not asking.allows("models.read"):
        return None
    found = [m for m in asking.house.catalog.list() if asking.holds(m)]
    hits = (Hit(address("/traces", model=m.rpartition("/")[2]), m, "its traces", ()) for m in found)
    return _group("models", "Models", hits, len(found), "/models")


def keys(asking: Asking) -> Group | None:
    """Find API keys by name and first characters."""
    if not asking.allows("keys.read"):
        return None
    found = [k for k in asking.house.keys.list(asking.principal) if asking.holds(k.name, k.prefix, k.id)]
    hits = (
        Hit(
            f"/keys/{path_part(k.id)}",
            k.name or f"{k.prefix}…",
            "",
            ("revoked" if k.revoked_at else f"{k.prefix}…",),
            k.created_at,
        )
        for k in found
    )
    return _group("keys", "Keys", hits, len(found), "/keys")


def datasets(asking: Asking) -> Group | None:
    """Find datasets by name and note."""
    if not asking.allows("datasets.read"):
        return None
    hits = [Hit(*found) for found in search_later.datasets(asking.house, asking.principal, asking.holds)]
    return _group("datasets", "Datasets", hits, len(hits), "/datasets")


def pathways(asking: Asking) -> Group | None:
    """Find skills, roles, milestones and labs."""
    if not asking.allows("pathways.read"):
        return None
    try:
        hits = [Hit(*found) for found in search_later.pathways(asking.house, asking.principal, asking.holds)]
    except ImportError:  # a house without that room
        return None
    return _group("pathways", "Pathways", hits, len(hits), "/pathways/skills")


ROOMS_SEARCHED: Sequence[Callable[[Asking], Group | None]] = (
    answers,
    traces,
    documents,
    prompts,
    models,
    keys,
    datasets,
    pathways,
)


def _group(
    slug: str, title: str, hits: Iterable[Hit], total: int, more: str = "", note: str = "", most: int = 0
) -> Group:
    shown = tuple(hit for _, hit in zip(range(SHOWN), hits, strict=False))
    count = f"{total:,} or more" if most and total >= most else f"{total:,}"
    return Group(slug, title, shown, count, more if total > len(shown) or slug == "models" else "", note)


def _existing(find: Callable[[], str]) -> str:
    try:
        return find()
    except GroundworkError:
        return ""


def _conversation(asking: Asking) -> str:
    asking.house.conversation(asking.text, asking.principal)
    return f"/conversations/{path_part(asking.text)}"


def _document(asking: Asking) -> str:
    asking.house.document(asking.text, asking.principal)
    for index in asking.house.indexes(asking.principal):
        if index.documents:
            return f"/knowledge/{path_part(index.name)}/documents/{path_part(asking.text)}"
    return ""


def _version(asking: Asking, name: str, digest: str) -> str:
    """Return where `name@digest` opens: a snapshot of an index, else a version of a prompt."""
    house, principal = asking.house, asking.principal
    if asking.allows("documents.read"):
        indexes = [name] if name != "snapshot" else [i.name for i in house.indexes(principal)]
        for index in indexes:
            if found := _existing(lambda index=index: _snapshot(asking, index, digest)):  # type: ignore[misc]
                return found
    if asking.allows("prompts.read"):
        return _existing(
            lambda: f"/prompts/{path_part(name)}@{house.prompts.get(principal, name, digest).digest[:12]}"
        )
    return ""


def _snapshot(asking: Asking, index: str, digest: str) -> str:
    found = asking.house.snapshot(index, digest, asking.principal)
    return f"/knowledge/{path_part(index)}@{found.id[:12]}"
