"""Where each fact of the founding documents stands in the product, what it says, and whose word it is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from groundwork.pathways.catalogue.hours import DataWork
from groundwork.pathways.types import Catalogue, Entry, Fact, Origin, Quiz, Resource, Role, Stage, Transition

_FACTS = (
    "facts",
    "roles",
    "transitions",
    "stages",
    "milestones",
    "actions",
    "resources",
    "quizzes",
    "reflections",
)
"""Lists whose entries are facts themselves where a document states them."""
_LISTS = (*_FACTS, "backgrounds", "skills")


_UPPER = frozenset({"ai", "aws", "hf", "ml", "oss", "phd", "pm", "rag", "swe", "us"})
CURRICULUM = "curriculum-data-share"
"""Id of the one fact that is not of the documents: it is computed from the catalogue."""


@dataclass(frozen=True, slots=True)
class FactView:
    """One fact.

    Attributes:
        section: what sort of fact it is, `principles`, `roles` … says: in one or two sentences. sources: ids of the
            documents; empty when it is ours. carried_by: the entries that carry it, as (list, id); the first is its own.
        details, dated: further values, and the date of a claim about the market as the document has it.
        left_out: why the product does not carry it; "" when it does.
    """

    id: str
    section: str
    title: str
    says: str
    origin: Origin
    sources: tuple[str, ...] = ()
    carried_by: tuple[tuple[str, str], ...] = ()
    details: Mapping[str, Any] = field(default_factory=dict)
    dated: str = ""
    left_out: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


def fact_views(catalogue: Catalogue) -> dict[str, FactView]:
    """Return every fact by id: documents, entries that a document is named for, what entries list, what is left out."""
    found: dict[str, FactView] = {}
    for source in catalogue.sources:
        says = f"A founding document: {source.about}."
        found[source.id] = FactView(
            source.id, "sources", source.about, says, "stated", (source.id,), (("sources", source.id),)
        )
    for kind in _LISTS:
        for entry in getattr(catalogue, kind):
            itself = entry.id in entry.facts or (
                kind in _FACTS and entry.origin == "stated" and entry.sources
            )
            if itself or kind == "facts":
                found.setdefault(entry.id, _view(kind, entry))
    for kind in _LISTS:
        for entry in getattr(catalogue, kind):
            for identifier in entry.facts:
                found[identifier] = _carried(found.get(identifier), identifier, kind, entry)
    for left in catalogue.left_out:
        found[left.id] = FactView(left.id, "left_out", "", "", "stated", left_out=left.reason)
    return found


def curriculum_view(work: Mapping[str, DataWork], labs: DataWork) -> FactView:
    """Return how much of our own curriculum is work on data, beside what the documents say of a first job."""
    shares = {role: round(found.share, 3) for role, found in work.items()}
    entry = shares.get("entry-level-ai-role", 0.0)
    says = (
        f"{entry:.0%} of the hours of the skills for an entry-level role are work on data (quality, preparation, "
        f"pipelines, sets for evaluation), and {labs.share:.0%} of the time of the labs. Of the hours of a first job the "
        "lesson says 60 to 70 percent, so whoever wants to be ready for it chooses work on data beyond this plan."
    )
    return FactView(
        CURRICULUM,
        "curriculum",
        "How much of our curriculum is work on data",
        says,
        "ours",
        carried_by=(("facts", "job-data-share"),),
        details={"share_by_role": shares, "share_of_labs": round(labs.share, 3)},
    )


def _view(kind: str, entry: Entry) -> FactView:
    section = getattr(entry, "section", kind)
    title = getattr(entry, "title", "") or _title(entry.id)
    return FactView(
        entry.id,
        section,
        title,
        _says(entry),
        entry.origin,
        entry.sources,
        ((kind, entry.id),),
        getattr(entry, "details", {}),
        getattr(entry, "dated", ""),
    )


def _title(identifier: str) -> str:
    """Return an id as a title: `oss-docs` is "OSS docs"."""
    words = [word.upper() if word in _UPPER else word for word in identifier.split("-")]
    return " ".join(words)[:1].upper() + " ".join(words)[1:]


def _carried(known: FactView | None, identifier: str, kind: str, entry: Entry) -> FactView:
    """Return the view of a fact that `entry` lists, with `entry` among those who carry it."""
    if known is None:
        known = FactView(
            identifier, kind, getattr(entry, "title", ""), _says(entry), entry.origin, entry.sources
        )
    place = (kind, entry.id)
    if place in known.carried_by:
        return known
    values = {name: getattr(known, name) for name in FactView.__dataclass_fields__}
    return FactView(**{**values, "carried_by": (*known.carried_by, place)})


def _says(entry: Entry) -> str:
    """Return what an entry says as a fact, in words."""
    if isinstance(entry, Fact):
        return entry.text
    if isinstance(entry, Role):
        return _sentences(
            entry.title
            + ": "
            + (entry.focus or ", ".join(entry.named_skills) or "a role to come from or go to")
        )
    if isinstance(entry, Transition):
        time = (
            f"{entry.months[0]:g} to {entry.months[1]:g} months" if entry.months else "no months are stated"
        )
        way = f"From {_title(entry.start)} to {_title(entry.target)}: {time}"
        return _sentences(way, entry.why, entry.note)
    if isinstance(entry, Quiz):
        asked = [q for q in entry.questions if q.origin == "stated"] or list(entry.questions[:1])
        return " ".join(f"{q.ask} {q.options[q.answer]}." for q in asked)
    if isinstance(entry, Resource):
        cost = (
            "" if entry.cost is None else "free" if entry.cost == 0 else f"{entry.cost:,.0f} {entry.currency}"
        )
        said = ", ".join(
            text for text in (entry.kind, entry.provider, entry.trait, cost, entry.cost_note) if text
        )
        return f"{entry.title} ({said})."
    if isinstance(entry, Stage):
        return _sentences(
            entry.summary,
            "Technical: " + ", ".join(entry.technical_focus),
            "Ethical: " + ", ".join(entry.ethical_dimension),
            "Able to " + ", ".join(entry.key_capability),
        )
    return _sentences(str(next(t for n in ("summary", "ask", "title") if (t := getattr(entry, n, "")))))


def _sentences(*texts: str) -> str:
    """Return texts as sentences, each with one full stop at its end; empty ones are left out."""
    return " ".join(text if text.endswith((".", "?")) else f"{text}." for text in texts if text)
