"""The book of proofs: findings that were proven, signed, and chained one to the next."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import Connection, insert, select

from groundwork.core.clock import Clock
from groundwork.core.errors import InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.evidence.types import Finding, Found, Rechecked
from groundwork.pathways.proofs import cosigning, standing
from groundwork.pathways.proofs.statements import (
    digest_of,
    found_as_json,
    found_from_json,
    holder_of,
    opened,
    plainly,
    statement,
)
from groundwork.pathways.proofs.types import Proof, ProofState, SubjectKind
from groundwork.releases import signing
from groundwork.releases.key import SigningKey
from groundwork.storage.database import Database, exclusive
from groundwork.storage.pathway_tables import cosignatures, proofs

if TYPE_CHECKING:
    from groundwork.evidence.engine import Checker
    from groundwork.pathways.catalogue.book import CatalogueBook

p = proofs.c
c = cosignatures.c


class Proofs:
    """The proofs of a workspace. Safe to use from several threads.

    Args:
        key: what they are signed with; the key that signs releases. checker: looks at their records again.
        catalogues: says what a check means today.
    """

    def __init__(
        self, database: Database, clock: Clock, key: SigningKey, checker: Checker, catalogues: CatalogueBook
    ) -> None:
        self.database = database
        self.key = key
        self.checker = checker
        self.catalogues = catalogues
        self._clock = clock

    # -- writing ----------------------------------------------------------------------------------------------
    def record(
        self, principal: Principal, kind: SubjectKind, subject: str, finding: Finding, title: str = ""
    ) -> Proof:
        """Write a finding down as a proof, and return it; one that still holds under the same check is returned as it is.

        Args:
            subject: id of the milestone, action, skill or lab. title: how people call it.

        Raises:
            InvalidInputError: the finding is not proven, or rests on no record.
        """
        if not finding.proven or not finding.found:
            raise InvalidInputError(
                f"`{subject}` is not proven, so there is nothing to sign",
                hint=f"`groundwork path check {subject} --explain` says what is missing",
            )
        loaded = self.catalogues.pin(principal)  # so that the check can be read later, whatever is changed
        check = standing.check_of(loaded, kind, subject)
        found = found_as_json(finding.found)
        stands = self._newest(principal, kind, subject)
        if (
            stands is not None
            and stands.check == finding.digest
            and self._stand(principal, [stands])[0].state == "current"
        ):
            return stands
        private = self.key.private()
        now = self._clock.now().isoformat()
        identifier = new_id("prf")
        with self.database.write() as connection:
            exclusive(connection, f"proofs {principal.tenant}")
            again = self._newest(principal, kind, subject, connection)
            if again is not None and again != stands and again.check == finding.digest:
                return again  # another process was first
            last = connection.execute(
                select(p.position, p.digest)
                .where(p.tenant == principal.tenant)
                .order_by(p.position.desc())
                .limit(1)
            ).one_or_none()
            position, previous = (int(last.position) + 1, str(last.digest)) if last else (1, "")
            about = {
                "id": identifier,
                "holder": holder_of(private, principal.tenant, principal.name),
                "kind": kind,
                "subject": subject,
                "title": title or subject,
                "catalogue": loaded.digest,
                "check": finding.digest,
                "meaning": standing.meaning(check),
                "predicate": check,
                "found": found,
                "previous": previous,
                "position": position,
                "created_at": now,
            }
            envelope = signing.sign(private, statement(about))
            values = {
                "id": identifier,
                "tenant": principal.tenant,
                "owner": principal.name,
                "subject_kind": kind,
                "subject": subject,
                "catalogue": loaded.digest,
                "check_digest": finding.digest,
                "record": {"title": title or subject, "found": found},
                "digest": digest_of(envelope),
                "previous": previous,
                "position": position,
                "envelope": envelope,
                "created_at": now,
            }
            connection.execute(insert(proofs).values(values))
            row = connection.execute(select(proofs).where(p.id == identifier)).one()
        return _proof(row, ())

    def add_cosignature(self, principal: Principal, signed: Mapping[str, Any]) -> tuple[Proof, ...]:
        """Keep what somebody else signed about one's proofs; return the proofs it is about. Adding it twice adds it once.

        Args:
            signed: the co-signature, as `cosign` makes it.

        Raises:
            InvalidInputError: it is none, its signature does not hold, it is by this workspace itself, or it is
                about none of the principal's proofs.
        """
        read = cosigning.read(signed)
        own = signing.keyid(self.key.public())
        if read.keyid == own:
            raise InvalidInputError(
                "a workspace cannot co-sign its own proofs",
                hint="give the bundle to somebody with a workspace of their own: `groundwork path cosign BUNDLE`",
            )
        kept: list[str] = []
        with self.database.write() as connection:
            exclusive(connection, f"proofs {principal.tenant}")
            for row in connection.execute(_of(principal).where(p.digest.in_(list(read.proofs)))):
                kept.append(str(row.id))
                where = (c.tenant == principal.tenant, c.proof_id == row.id, c.keyid == read.keyid)
                there = connection.execute(select(c.grade).where(*where)).scalars().all()
                if read.proofs[row.digest] in there:
                    continue
                connection.execute(
                    insert(cosignatures).values(
                        id=new_id("csg"),
                        tenant=principal.tenant,
                        proof_id=row.id,
                        keyid=read.keyid,
                        name=read.name,
                        grade=read.proofs[row.digest],
                        envelope=dict(signed),
                        created_at=self._clock.now().isoformat(),
                    )
                )
        if not kept:
            raise InvalidInputError(
                "this co-signature is about none of your proofs",
                hint="it names the proofs by digest; has the bundle been made in this workspace?",
            )
        return tuple(s.proof for s in self.list(principal) if s.proof.id in kept)

    def cosign(
        self, principal: Principal, bundle: Path, *, name: str, only: Iterable[str] = ()
    ) -> dict[str, Any]:
        """Check somebody's bundle and put this workspace's name to it; return the co-signature that its owner adds.

        Args:
            bundle: file or folder. name: of who signs, in their own words. only: ids of proofs; all that hold by default.

        Raises:
            InvalidInputError: the bundle does not hold, it is of this workspace, or none of the proofs holds.
        """
        del principal  # whoever may sign here signs for the workspace
        from groundwork.pathways.portfolio.verify import verify_bundle

        report = verify_bundle(bundle)
        return cosigning.cosign(
            self.key.private(), report, name=name, only=tuple(only), at=self._clock.now().isoformat()
        )

    # -- reading ----------------------------------------------------------------------------------------------
    def list(self, principal: Principal) -> list[ProofState]:
        """Return one's proofs as they stand today, newest first."""
        with self.database.read() as connection:
            rows = connection.execute(_of(principal).order_by(p.position.desc())).all()
            found = _with_cosigners(connection, principal.tenant, rows)
        return list(self._stand(principal, found))

    def show(self, principal: Principal, identifier: str) -> ProofState:
        """Return one proof as it stands today.

        Args:
            identifier: `prf_…`, or the beginning of it.

        Raises:
            NotFoundError: none of one's own begins so, or several do.
        """
        word = identifier.strip()
        query = _of(principal).where(p.id.startswith(word, autoescape=True)).limit(2)
        with self.database.read() as connection:
            rows = connection.execute(query).all() if word.startswith("prf_") else []
            if len(rows) != 1:
                raise NotFoundError(
                    f"several proofs begin with `{word}`" if rows else f"you have no proof `{word}`",
                    hint="list them with `groundwork path proofs`",
                )
            found = _with_cosigners(connection, principal.tenant, rows)
        return self._stand(principal, found)[0]

    def of(self, principal: Principal, subject: str, kind: SubjectKind | None = None) -> ProofState | None:
        """Return the proof of a subject: the newest that is current, else the newest; None where there is none."""
        query = _of(principal).where(p.subject == subject).order_by(p.position.desc())
        query = query.where(p.subject_kind == kind) if kind else query
        with self.database.read() as connection:
            rows = connection.execute(query).all()
            found = _with_cosigners(connection, principal.tenant, rows)
        states = self._stand(principal, found)
        return next((s for s in states if s.state == "current"), states[0] if states else None)

    def verify_chain(self, principal: Principal) -> Sequence[str]:
        """Return in sentences what is wrong with the chain of the workspace's proofs; empty where nothing is.

        A proof that is missing in the middle is said too: it was erased, or somebody removed it.
        """
        with self.database.read() as connection:
            rows = connection.execute(
                select(proofs).where(p.tenant == principal.tenant).order_by(p.position)
            ).all()
        return standing.chain_problems(rows, self.key.private(), principal.tenant)

    def links(self, principal: Principal) -> Sequence[tuple[int, str]]:
        """Return position and digest of every proof of the workspace, in the order of the chain."""
        query = select(p.position, p.digest).where(p.tenant == principal.tenant).order_by(p.position)
        with self.database.read() as connection:
            return [(int(row.position), str(row.digest)) for row in connection.execute(query)]

    def cosignatures(self, principal: Principal, proof_ids: Sequence[str]) -> Sequence[dict[str, Any]]:
        """Return the co-signatures of proofs, oldest first, as they were signed."""
        query = (
            select(c.proof_id, c.envelope)
            .where(c.tenant == principal.tenant, c.proof_id.in_(list(proof_ids)))
            .order_by(c.id)
        )
        with self.database.read() as connection:
            seen: dict[str, dict[str, Any]] = {}
            for row in connection.execute(query):
                seen.setdefault(digest_of(row.envelope), dict(row.envelope))
        return list(seen.values())

    # -- below ------------------------------------------------------------------------------------------------
    def _newest(
        self, principal: Principal, kind: str, subject: str, connection: Connection | None = None
    ) -> Proof | None:
        query = (
            _of(principal)
            .where(p.subject == subject, p.subject_kind == kind)
            .order_by(p.position.desc())
            .limit(1)
        )
        if connection is None:
            with self.database.read() as opened_here:
                return self._newest(principal, kind, subject, opened_here)
        rows = connection.execute(query).all()
        return _with_cosigners(connection, principal.tenant, rows)[0] if rows else None

    def _stand(self, principal: Principal, found: Sequence[Proof]) -> Sequence[ProofState]:
        """Look at proofs again: their signatures, their places, their checks, and every record they name, once."""
        if not found:
            return []
        distinct: dict[tuple[str, str, str], Found] = {}
        for proof in found:
            for record in proof.found:
                plain = replace(record, values=plainly(record.values))
                distinct.setdefault((record.kind, record.id, record.digest), plain)
        again: dict[tuple[str, str, str], Rechecked] = {
            (r.found.kind, r.found.id, r.found.digest): r
            for r in self.checker.recheck(principal, tuple(distinct.values()))
        }
        private = self.key.private()
        with self.database.read() as connection:
            look = standing.Look(
                private,
                private.public_key(),
                principal.tenant,
                standing.neighbours(connection, principal.tenant, found),
                standing.withdrawn(connection, principal.tenant, found),
                self.catalogues.current(),
            )
        return [standing.state_of(proof, again, look) for proof in found]


def _of(principal: Principal) -> Any:
    return select(proofs).where(p.tenant == principal.tenant, p.owner == principal.name)


def _with_cosigners(connection: Connection, tenant: str, rows: Sequence[Any]) -> Sequence[Proof]:
    ids = [row.id for row in rows]
    query = select(c.proof_id, c.envelope).where(c.tenant == tenant, c.proof_id.in_(ids))
    signed: dict[str, list[Any]] = {}
    for row in connection.execute(query.order_by(c.id)) if ids else ():
        signed.setdefault(row.proof_id, []).append(row)
    return [_proof(row, signed.get(row.id, ())) for row in rows]


def _proof(row: Any, signed: Sequence[Any]) -> Proof:
    """Return the proof in a row. What it says is read from what was signed, as far as that can be read."""
    try:
        said = opened(row.envelope)
        found, title = found_from_json(said["found"]), str(said["title"])
    except (InvalidInputError, KeyError, TypeError):
        found, title = found_from_json(row.record.get("found", [])), str(row.record.get("title", row.subject))
    grade, names = cosigning.said_of(row.digest, [s.envelope for s in signed])
    return Proof(
        row.id,
        row.owner,
        row.subject_kind,
        row.subject,
        title,
        row.catalogue,
        row.check_digest,
        found,
        row.digest,
        row.previous,
        int(row.position),
        dict(row.envelope),
        row.created_at,
        grade,
        names,
    )
