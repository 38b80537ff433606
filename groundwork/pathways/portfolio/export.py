"""Export a portfolio: gather it, look for what must not leave, and only then write it, all of it or nothing.

Equal contents at an equal time give equal bytes. What was written is kept as a record: counts and a digest, no text.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sqlalchemy import insert

from groundwork.core.clock import Clock
from groundwork.core.digest import canonical_json, digest_bytes, digest_json
from groundwork.core.errors import InvalidInputError
from groundwork.core.ids import new_id
from groundwork.core.principal import DEFAULT_TENANT, Principal
from groundwork.pathways.portfolio import badges, bundle, resume, site
from groundwork.pathways.portfolio.did import did_document, did_of, did_web
from groundwork.pathways.portfolio.gather import Gathered, Person, gather, summary_of
from groundwork.pathways.portfolio.reading import ARCHIVE, MANIFEST
from groundwork.pathways.portfolio.scanning import leaves, scan
from groundwork.pathways.portfolio.types import ExportReport
from groundwork.pathways.portfolio.writing import write_all
from groundwork.pathways.proofs.statements import holder_of
from groundwork.releases.key import SigningKey
from groundwork.storage.database import Database
from groundwork.storage.pathway_tables import portfolio_exports

if TYPE_CHECKING:
    from groundwork.pathways.catalogue.book import CatalogueBook
    from groundwork.pathways.proofs.book import Proofs
    from groundwork.pathways.walking.notes import Notes
    from groundwork.pathways.walking.walk import Walk

NAMELESS = "The owner of this portfolio"
ISSUER = "A Groundwork workspace"
MAX_TEXT = 2_000


@dataclass(frozen=True)
class Made:
    """The files of an export by path, and the texts of ours in them that only look like secrets."""

    files: Mapping[str, bytes]
    tokens: Sequence[str]
    texts: Sequence[tuple[str, str]]


class Portfolio:
    """Exports one's portfolio. Safe to use from several threads.

    Args:
        walk: knows the person's profile and progress. key: what proofs were signed with.
        proofs, catalogues, notes: other parts of the room. root: of the workspace, where `portfolio/<app>.md` lie; None:
            there are none. described: an app in a sentence.
    """

    def __init__(
        self,
        database: Database,
        clock: Clock,
        walk: Walk,
        key: SigningKey,
        *,
        proofs: Proofs,
        catalogues: CatalogueBook,
        notes: Notes,
        root: Path | None = None,
        described: Callable[[str], str] = lambda app: "",
    ) -> None:
        self._database = database
        self._clock = clock
        self._walk = walk
        self._key = key
        self._proofs = proofs
        self._catalogues = catalogues
        self._notes = notes
        self._root = root
        self._described = described

    def export(
        self,
        principal: Principal,
        folder: Path | str,
        *,
        name: str = "",
        label: str = "",
        summary: str = "",
        email: str = "",
        url: str = "",
        address: str = "",
        domain: str = "",
        systems: Sequence[str] | None = None,
        include_questions: Sequence[str] = (),
        erased_names: Sequence[str] = (),
    ) -> ExportReport:
        """Write the portfolio into a folder, or say what stopped it; then nothing is written and nothing recorded.

        Args:
            folder: made if need be; files of an earlier export in it are replaced, other files are left alone.
            name, label, summary, email, url: of the person, as they shall be shown; the name by default that of the profile.
            address: `https://…` where it will be published; credentials then name their status list.
            domain: the owner's, for an issuer `did:web`; `did:key` without one.
            systems: apps to show; None: every one with releases. include_questions: ids of answers to show in whole.
            erased_names: of people who must not appear any more.

        Raises:
            InvalidInputError: a choice does not make sense. ConflictError: the folder holds files of somebody else
                where the export would write.
        """
        target = self._walk.profile(principal)
        person = _person(name or target.name or NAMELESS, label, summary, email, url)
        address = _address(address)
        progress = self._walk.progress(principal)
        loaded = self._catalogues.current()
        states = self._proofs.list(principal)
        kept = [s for s in states if s.state != "forged"]
        now = self._clock.now().replace(microsecond=0).isoformat()
        found = gather(
            self._database,
            principal,
            loaded,
            kept,
            progress.skills,
            self._notes.attestations(principal),
            person,
            at=now,
            root=self._root if principal.tenant == DEFAULT_TENANT else None,
            described=self._described,
            systems=systems,
            include_questions=include_questions,
        )
        made = self._made(principal, found, address, domain)
        allowed = [v for v in (email, url, address, domain) if v]
        stopped = scan(sources_of(found), names=erased_names, allowed=allowed) or scan(
            written(made), names=erased_names, allowed=allowed
        )
        names = tuple(s.app for s in found.systems)
        report = ExportReport(str(folder), (), "", len(found.current), len(found.past), names, tuple(stopped))
        report = replace(report, forged=len(states) - len(kept))
        if stopped:
            return report
        files = write_all(Path(folder), made.files)
        self._record(principal, made, found)
        return replace(report, files=files, bundle=str(Path(folder) / ARCHIVE))

    def _made(self, principal: Principal, found: Gathered, address: str, domain: str) -> Made:
        """Return every file of the export, in memory."""
        private = self._key.private()
        public = private.public_key()
        issuing = badges.Issuing(
            private,
            did_web(domain) if domain else did_of(public),
            ISSUER,
            holder_of(private, principal.tenant, principal.name),
            "" if found.person.name == NAMELESS else found.person.name,
            address,
        )
        signed: dict[str, str] = {}
        files: dict[str, bytes] = {}
        texts: list[tuple[str, str]] = []
        for state in found.states:
            proof = state.proof
            body = badges.credential(proof, summary_of(state), found.alignments.get(proof.id, ()), issuing)
            texts += leaves(body, f"credential of {proof.id}")
            signed[proof.id] = badges.sign(body, issuing)
            detail = f"{proof.created_at[:10]} · {proof.grade.replace('_', ' ')}"
            files[f"credentials/{proof.id}.svg"] = badges.bake(signed[proof.id], proof.title, detail)
            files[f"credentials/{proof.id}.jwt"] = signed[proof.id].encode()
        revoked = [s.proof.position for s in found.past]
        status = badges.sign(badges.status_list(revoked, found.at, issuing), issuing)
        files["credentials/status.jwt"] = status.encode()
        if domain:
            files[_did_path(domain)] = _json(did_document(issuing.issuer, public))
        contents = bundle.Contents(
            found.person.name,
            issuing.holder,
            found.states,
            self._proofs.links(principal),
            found.catalogue,
            found.at,
            self._proofs.cosignatures(principal, [s.proof.id for s in found.states]),
            signed,
            found.attributions,
        )
        packed = bundle.build(private, contents)
        files[ARCHIVE] = bundle.pack(packed)
        texts += _bundled(packed)
        document = resume.resume(found, address=address)
        resume.refuse_invalid(document)
        files["resume.json"] = _json(document)
        badge_of = {p: f"credentials/{p}.svg" for p in signed}
        files |= site.pages(found, issuer=did_of(public), credentials=badge_of)
        tokens = [*signed.values(), status, *_opaque(packed)]
        return Made(files, tokens, texts)

    def _record(self, principal: Principal, made: Made, found: Gathered) -> None:
        digests = {path: digest_bytes(data) for path, data in made.files.items()}
        values = {
            "id": new_id("exp"),
            "tenant": principal.tenant,
            "owner": principal.name,
            "digest": digest_json(digests),
            "record": {
                "files": len(digests),
                "proofs": len(found.current),
                "stale": len(found.past),
                "systems": [s.app for s in found.systems],
                "skills_proven": len(found.of_state("proven")),
                "bundle": digests[ARCHIVE],
            },
            "created_at": self._clock.now().isoformat(),
        }
        with self._database.write() as connection:
            connection.execute(insert(portfolio_exports).values(values))


def sources_of(found: Gathered) -> list[tuple[str, str]]:
    """Return every text that a person or a program wrote and that would be shown, with its place in words."""
    texts = list(leaves(asdict(found.person), "what you say of yourself"))
    for system in found.systems:
        texts.append((f"portfolio/{system.app}.md", system.about))
        texts.append((f"description of {system.app}", system.description))
        texts += [(f"note of the release {one.ref}", one.note) for one in system.shipped]
        texts += [(f"verdict of {g.gate} on {system.app}", g.sentence) for g in system.gates]
        texts += [(f"facts of {system.app}", f"{k}: {v}") for k, v in system.facts]
        for one in system.questions:
            texts += [(f"the answer {one['id']}, {k}", str(one[k])) for k in ("question", "text")]
    for a in found.attestations:
        texts += [(f"the attestation {a.id}", text) for text in (a.statement, a.link, a.by)]
    for state in found.states:
        place = f"the proof {state.proof.id}"
        texts += [(place, state.proof.title), *((place, why) for why in state.why)]
        texts += [(f"a co-signer of {place}", who) for who in state.proof.cosigners]
        for record in state.proof.found:
            texts += leaves(record.values, f"{place}, {record.kind}")
    return texts


def written(made: Made) -> list[tuple[str, str]]:
    """Return every text of the files as it would be written, and what stands inside signatures, without our own tokens."""
    texts = list(made.texts)
    for path, data in sorted(made.files.items()):
        if path == ARCHIVE or path.endswith(".jwt"):
            continue  # their contents are among the texts
        texts.append((path, _without(data.decode(), made.tokens)))
    return texts


def _bundled(files: Mapping[str, bytes]) -> list[tuple[str, str]]:
    """Return the texts of a bundle: of its files, and of what is signed in them."""
    texts: list[tuple[str, str]] = []
    opaque = _opaque(files)
    for name, data in sorted(files.items()):
        texts.append((f"{ARCHIVE}, {name}", _without(data.decode(), opaque)))
    for name in (MANIFEST, "proofs.json", "cosignatures.json"):
        value = json.loads(files[name])
        for envelope in value if isinstance(value, list) else [value]:
            texts += leaves(_payload(envelope), f"{ARCHIVE}, {name}")
    return texts


def _opaque(files: Mapping[str, bytes]) -> list[str]:
    """Return what stands encoded in a bundle; it is looked at decoded instead."""
    made = [str(entry["jwt"]) for entry in json.loads(files["credentials.json"])]
    envelopes = [json.loads(files[MANIFEST])]
    for name in ("proofs.json", "cosignatures.json"):
        envelopes += json.loads(files[name])
    for envelope in envelopes:
        made += [str(envelope["payload"]), *(str(s["sig"]) for s in envelope["signatures"])]
    return made


def _payload(envelope: Mapping[str, Any]) -> Any:
    import base64

    return json.loads(base64.b64decode(str(envelope["payload"])))


def _without(text: str, tokens: Sequence[str]) -> str:
    for token in tokens:
        text = text.replace(token, "…")
    return text


def _person(name: str, label: str, summary: str, email: str, url: str) -> Person:
    for what, text in (
        ("name", name),
        ("label", label),
        ("summary", summary),
        ("email", email),
        ("url", url),
    ):
        if len(text) > MAX_TEXT or any(ord(c) < 32 for c in text):
            raise InvalidInputError(
                f"the {what} has {len(text):,} characters or holds line breaks",
                hint=f"at most {MAX_TEXT:,} in one line",
            )
    if url and not url.startswith(("https://", "http://")):
        raise InvalidInputError(f"`{url[:80]}` is no address of a page", hint="write it as https://…")
    if email and ("@" not in email or " " in email):
        raise InvalidInputError(f"`{email[:80]}` is no e-mail address", hint="write it as name@example.org")
    return Person(name, label, summary, email, url)


def _address(text: str) -> str:
    plain = text.strip().rstrip("/")
    if plain and not (
        plain.startswith("https://") and len(plain) < MAX_TEXT and not any(c in plain for c in " \"'<>#?")
    ):
        raise InvalidInputError(
            f"`{text[:80]}` is no address where a portfolio can be published",
            hint="write it as https://example.org/portfolio",
        )
    return plain


def _did_path(domain: str) -> str:
    """Return where the document of a `did:web` lies: `.well-known/did.json`, or `did.json` where there is a path."""
    return (
        "did.json" if "/" in domain.strip().removeprefix("https://").rstrip("/") else ".well-known/did.json"
    )


def _json(value: Any) -> bytes:
    text = json.dumps(json.loads(canonical_json(value)), ensure_ascii=False, indent=1)
    return f"{text}\n".encode()


__all__ = ["Portfolio", "sources_of", "written"]
