"""What people say themselves: attestations, which are counted apart, and reflections, which nobody else reads."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from sqlalchemy import delete, insert, select, update

from groundwork.core.errors import ConflictError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.pathways.walking.types import Attestation, Reflected
from groundwork.storage.pathway_tables import attestations, reflections

if TYPE_CHECKING:
    from groundwork.core.clock import Clock
    from groundwork.core.principal import Principal
    from groundwork.pathways.catalogue.book import CatalogueBook
    from groundwork.storage.database import Database

MAX_TEXT = 20_000
MAX_LINK = 2_000
MAX_NAME = 200
a, r = attestations.c, reflections.c


class Notes:
    """Attestations and reflections of one person; every query takes the owner beside the tenant."""

    def __init__(self, database: Database, clock: Clock, catalogues: CatalogueBook) -> None:
        self._database = database
        self._clock = clock
        self._catalogues = catalogues

    def attest(
        self, principal: Principal, subject: str, statement: str, link: str = "", by: str | None = None
    ) -> Attestation:
        """Write down that somebody did what no record can show.

        Args:
            subject: id of a milestone, an action or a skill. link: where it can be seen, `https://…`, or "".
            by: who says so, in their own words; None: the principal.

        Raises:
            NotFoundError: the catalogue has no such subject; the hint offers the nearest ones.
            InvalidInputError: the statement is empty or too long, or the link is none.
        """
        made = Attestation(
            new_id("ats"),
            known_subject(self._catalogues, subject),
            _text(statement, "statement"),
            _link(link),
            _text(by, "name", MAX_NAME) if by is not None else principal.name,
            self._now(),
        )
        row = {**made.as_dict(), "tenant": principal.tenant, "owner": principal.name}
        with self._database.write() as connection:
            connection.execute(insert(attestations).values(row))
        return made

    def withdraw(self, principal: Principal, id: str) -> Attestation:
        """Take an attestation back; it stays in the list of all, with the time, and counts no more.

        Raises:
            NotFoundError: the principal made none of this id. ConflictError: it was withdrawn before.
        """
        mine = (a.tenant == principal.tenant, a.owner == principal.name, a.id == id)
        with self._database.write() as connection:
            row = connection.execute(select(attestations).where(*mine)).first()
            if row is None:
                raise NotFoundError(f"there is no attestation `{id[:60]}` of yours", hint=LIST_ATTESTATIONS)
            if row.withdrawn_at:
                raise ConflictError(
                    f"`{id}` was withdrawn at {row.withdrawn_at}", hint="nothing is left to do"
                )
            connection.execute(update(attestations).where(*mine).values(withdrawn_at=self._now()))
            return _attestation(connection.execute(select(attestations).where(*mine)).one())

    def attestations(self, principal: Principal, *, withdrawn: bool = False) -> list[Attestation]:
        """Return the principal's attestations, newest first; `withdrawn`: those that were taken back, too."""
        statement = select(attestations).where(a.tenant == principal.tenant, a.owner == principal.name)
        if not withdrawn:
            statement = statement.where(a.withdrawn_at.is_(None))
        with self._database.read() as connection:
            return [_attestation(row) for row in connection.execute(statement.order_by(a.id.desc()))]

    def reflect(self, principal: Principal, question: str, text: str) -> Reflected:
        """Keep a private note; `question` is the id of a reflection of the catalogue, "" for a note of one's own.

        Raises:
            NotFoundError: the catalogue has no such reflection. InvalidInputError: the text is empty or too long.
        """
        if question:
            question = self._catalogues.current().reflection(question).id
        made = Reflected(new_id("rfl"), question, _text(text, "text"), self._now())
        row = {**made.as_dict(), "tenant": principal.tenant, "owner": principal.name}
        with self._database.write() as connection:
            connection.execute(insert(reflections).values(row))
        return made

    def reflections(self, principal: Principal) -> list[Reflected]:
        """Return the principal's own notes, newest first; nobody else's, whatever their role."""
        mine = (r.tenant == principal.tenant, r.owner == principal.name)
        with self._database.read() as connection:
            rows = connection.execute(select(reflections).where(*mine).order_by(r.id.desc()))
            return [Reflected(row.id, row.question, row.text, row.created_at) for row in rows]

    def forget(self, principal: Principal, id: str) -> None:
        """Delete a reflection or an attestation for good; no file of the database holds it afterwards.

        Raises:
            NotFoundError: the principal wrote none of this id.
        """
        table = attestations if id.startswith("ats_") else reflections
        mine = (table.c.tenant == principal.tenant, table.c.owner == principal.name, table.c.id == id)
        with self._database.write() as connection:
            gone = connection.execute(delete(table).where(*mine)).rowcount
        if not gone:
            what = "attestation" if table is attestations else "reflection"
            raise NotFoundError(f"there is no {what} `{id[:60]}` of yours", hint=LIST_REFLECTIONS)
        self._database.scrub()

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


LIST_ATTESTATIONS = "`groundwork path attest` lists them"
LIST_REFLECTIONS = "`groundwork path reflect` and `groundwork path attest` list them"


def known_subject(catalogues: CatalogueBook, subject: str) -> str:
    """Return the id of a milestone, action or skill of the catalogue.

    Raises:
        NotFoundError: there is none; the hint offers the nearest of all three.
    """
    catalogue = catalogues.current().catalogue
    known = {e.id for e in (*catalogue.milestones, *catalogue.actions, *catalogue.skills)}
    word = subject.strip()
    if word in known:
        return word
    import difflib

    near = difflib.get_close_matches(word.lower(), sorted(known), 3, 0.5)
    offered = ", ".join(f"`{n}`" for n in near)
    raise NotFoundError(
        f"there is no milestone, action or skill `{word[:80]}`",
        hint=f"did you mean {offered}?"
        if near
        else "`groundwork path milestones` and `path skills` list them",
    )


def _text(value: str, what: str, most: int = MAX_TEXT) -> str:
    text = value.strip()
    if not text:
        raise InvalidInputError(f"the {what} is empty", hint="say it in a sentence")
    if len(text) > most:
        raise InvalidInputError(
            f"the {what} has {len(text):,} characters", hint=f"at most {most:,} are kept; shorten it"
        )
    return text


def _link(link: str) -> str:
    link = link.strip()
    if link and (not link.startswith(("https://", "http://")) or len(link) > MAX_LINK or " " in link):
        raise InvalidInputError(f"{link[:80]!r} is no link", hint="begin it with https://")
    return link


def _attestation(row: Any) -> Attestation:
    return Attestation(row.id, row.subject, row.statement, row.link, row.by, row.created_at, row.withdrawn_at)
