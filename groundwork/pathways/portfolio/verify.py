"""Check a bundle offline: signatures, chain, digests, records, co-signatures, credentials; and run its checks again.

Nothing is believed but what the manifest's key signed. Which person or workspace stands behind that key is not in the
bundle: whoever was given the key by hand compares it, or names it and has it compared.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.core.digest import digest_bytes, digest_json
from groundwork.core.errors import GroundworkError, InvalidInputError
from groundwork.evidence.types import Found
from groundwork.pathways.portfolio import bundle, reading
from groundwork.pathways.portfolio.did import jwk_of, public_key_of
from groundwork.pathways.portfolio.rerun import rerun
from groundwork.pathways.portfolio.types import BundleLine, BundleReport
from groundwork.pathways.proofs import cosigning
from groundwork.pathways.proofs.statements import (
    CLAIM,
    digest_of,
    found_from_json,
    names_key,
    opened,
    refuse_loose,
    signed_by,
    subject_digest,
)
from groundwork.releases import signing

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

_SAID = {
    "id", "holder", "kind", "subject", "title", "catalogue", "check", "meaning", "predicate", "found", "previous",
    "position", "created_at", "claim",
}  # fmt: skip


def verify_bundle(path: Path, *, issuer: str = "") -> BundleReport:
    """Return what checking a bundle found; it needs no workspace and no network, and writes nothing.

    Args:
        path: the archive, a folder with its files, or the folder of an export.
        issuer: the `did:key` that it should be signed by; empty: whoever signed it is only named.

    Raises:
        NotFoundError: nothing is there. InvalidInputError, TooLargeError: it is no bundle, or one that cannot be read.
    """
    files = reading.read_bundle(Path(path))
    checked = _Checked(files)
    if not checked.manifest(issuer):
        return checked.report()
    checked.files_listed()
    checked.keys()
    for n, envelope in enumerate(checked.listed("proofs.json")):
        checked.proof(n, envelope)
    checked.missing_proofs()
    checked.records()
    for envelope in checked.listed("cosignatures.json"):
        checked.cosignature(envelope)
    for entry in checked.listed("credentials.json"):
        checked.credential(entry)
    return checked.report()


@dataclass
class _Checked:
    """A bundle while it is checked; `lines` grows."""

    files: Mapping[str, bytes]
    lines: list[BundleLine] = field(default_factory=list)
    grades: dict[str, str] = field(default_factory=dict)
    digests: dict[str, str] = field(default_factory=dict)
    said: Mapping[str, Any] = field(default_factory=dict)
    named: dict[str, str] = field(default_factory=dict)
    found: dict[str, Sequence[Found]] = field(default_factory=dict)
    issuer: str = ""
    key: Ed25519PublicKey | None = None

    def say(self, what: str, state: Any, sentence: str) -> None:
        self.lines.append(BundleLine(what, state, sentence))

    def report(self) -> BundleReport:
        valid = all(line.state != "fails" for line in self.lines)
        return BundleReport(
            valid,
            self.issuer,
            str(self.said.get("owner", "")),
            str(self.said.get("created_at", "")),
            self.grades,
            tuple(self.lines),
            self.digests,
        )

    # -- the manifest -----------------------------------------------------------------------------------------
    def manifest(self, wanted: str) -> bool:
        """Check the manifest; False when nothing else can be believed."""
        data = self.files[reading.MANIFEST]
        envelope = reading.read_json(data, reading.MANIFEST)
        try:
            refuse_loose(envelope, data)
            said = opened(envelope, bundle.PREDICATE_TYPE)
            self.issuer = str(said["issuer"])
            self.key = public_key_of(self.issuer)
            self.named = {str(s["name"]): str(s["digest"]["sha256"]) for s in _payload(envelope)["subject"]}
        except (InvalidInputError, KeyError, TypeError):
            self.say("manifest", "fails", "The manifest is none, or it was changed.")
            return False
        if said.get("format") != bundle.FORMAT:
            newer = isinstance(said.get("format"), int) and said["format"] > bundle.FORMAT
            hint = (
                "it was made by a newer Groundwork; update this one"
                if newer
                else "it is not one that is known"
            )
            self.say("manifest", "fails", f"The format of the bundle cannot be read: {hint}.")
            return False
        if not signed_by(envelope, self.key) or not names_key(envelope, self.key):
            self.say(
                "manifest", "fails", f"The manifest is not signed by the key that it names, {self.issuer}."
            )
            return False
        if wanted and wanted != self.issuer:
            self.say("issuer", "fails", f"The bundle is signed by {self.issuer}, not by {wanted}.")
        self.said = said
        self.say("manifest", "holds", f"The manifest is signed by {self.issuer}. The bundle is {CLAIM}.")
        return True

    def files_listed(self) -> None:
        there = {name: digest_bytes(data) for name, data in self.files.items() if name != reading.MANIFEST}
        for name in sorted(self.named.keys() | there.keys()):
            if name not in there:
                self.say(name, "fails", f"`{name}` is missing from the bundle.")
            elif name not in self.named:
                self.say(name, "fails", f"`{name}` is not in the manifest: it was added.")
            elif there[name] != self.named[name]:
                self.say(name, "fails", f"`{name}` was changed after the manifest was signed.")

    def keys(self) -> None:
        assert self.key is not None
        try:
            keys = reading.read_json(self.files.get("keys.json", b"null"), "keys.json")
        except InvalidInputError:
            keys = None
        wanted = {self.issuer: {**jwk_of(self.key), "keyid": signing.keyid(self.key)}}
        if keys != wanted:
            self.say(
                "keys.json", "fails", "`keys.json` holds another key than the one that signed the bundle."
            )

    def listed(self, name: str) -> list[Any]:
        """Return the list in a file; what cannot be read is a line that fails."""
        try:
            found = reading.read_json(self.files.get(name, b""), name)
        except InvalidInputError:
            found = None
        if isinstance(found, list):
            return found
        self.say(name, "fails", f"`{name}` of the bundle holds no list.")
        return []

    # -- proofs -----------------------------------------------------------------------------------------------
    def proof(self, n: int, envelope: Any) -> None:
        """Check one proof, and run its check again."""
        name = f"proof {n + 1}"
        try:
            refuse_loose(envelope)
            said = opened(envelope)
            digest = digest_of(envelope)
            name = str(said["id"])
            found = found_from_json(said["found"])
            problems = self._problems(envelope, said, digest)
        except (GroundworkError, KeyError, TypeError, ValueError, AttributeError):
            self.say(name, "fails", f"The envelope of {name} holds no statement of a proof.")
            return
        if problems:
            for problem in problems:
                self.say(name, "fails", f"{name}, `{said.get('subject')}`: {problem}.")
            return
        self.digests[name] = digest
        self.found[name] = found
        state, why = self._state(name)
        title = f"{said['kind']} `{said['subject']}`"
        if state == "stale":
            self.say(
                name, "history", f"{title} was proven on {said['created_at'][:10]}, and is history now: {why}"
            )
            return
        if state != "current":
            self.say(name, "fails", f"{title} was {state or 'not listed'} when the bundle was made: {why}")
            return
        self._again(name, title, said, found)

    def _problems(self, envelope: Mapping[str, Any], said: Mapping[str, Any], digest: str) -> list[str]:
        assert self.key is not None
        problems = []
        if not signed_by(envelope, self.key) or not names_key(envelope, self.key):
            problems.append(
                f"it is signed by another key than the bundle, {self.issuer}: it is of another workspace, or forged"
            )
        if set(said) != _SAID:
            problems.append("its statement has other fields than a proof")
        if said.get("holder") != self.said.get("holder"):
            problems.append("it belongs to somebody else than the bundle does")
        if subject_digest(envelope) != digest_json(said.get("found")):
            problems.append("the records it lists are not those that it is about")
        listed = {str(p["id"]): str(p["digest"]) for p in self.said["proofs"]}
        if listed.get(str(said.get("id"))) != digest:
            problems.append("the manifest does not list it")
        chain = {int(position): str(named) for position, named in self.said["chain"]}
        position = int(said["position"])
        if chain.get(position) != digest:
            problems.append("it does not stand at its place in the chain")
        before = chain.get(position - 1)
        if said["previous"] != (before if before is not None else said["previous"]) or (
            position == 1 and said["previous"]
        ):
            problems.append("it is not chained to the proof before it")
        return problems

    def _state(self, name: str) -> tuple[str, str]:
        for entry in self.said["proofs"]:
            if entry["id"] == name:
                return str(entry.get("state", "")), " ".join(map(str, entry.get("why", [])))
        return "", ""

    def _again(self, name: str, title: str, said: Mapping[str, Any], found: Sequence[Found]) -> None:
        check = said.get("predicate")
        self.grades[name] = "verified_here"
        if not isinstance(check, Mapping):
            why = "its check was drawn for one workspace and is not in the bundle"
            self.say(name, "cannot_be_checked", f"{title}: signature and chain hold; {why}.")
            return
        if not self._means(check, said):
            self.grades.pop(name)
            self.say(name, "fails", f"{title}: the check in it is another one than it names.")
            return
        again = rerun(check, found)
        if again.outcome == "holds":
            self.grades[name] = "re_run"
            self.say(name, "holds", f"{title}: the check was run again over {len(found)} records and holds.")
        elif again.outcome == "fails":
            self.grades.pop(name)
            self.say(name, "fails", f"{title}: its records do not show what it says.")
        else:
            self.say(
                name,
                "cannot_be_checked",
                f"{title}: signature and chain hold; the check cannot be run again: {again.why}.",
            )

    def _means(self, check: Mapping[str, Any], said: Mapping[str, Any]) -> bool:
        from groundwork.evidence.parse import predicate_digest

        try:
            return bool(predicate_digest(check) == said["meaning"])
        except (GroundworkError, RecursionError):
            return True  # a check of another version; `rerun` says that it cannot be read

    def missing_proofs(self) -> None:
        names = {line.what for line in self.lines}
        for entry in self.said["proofs"]:
            if str(entry["id"]) not in names:
                self.say(
                    str(entry["id"]),
                    "fails",
                    f"The proof {entry['id']} is in the manifest and not in the bundle.",
                )

    def records(self) -> None:
        """Check that the records are those that the proofs name, with the values they were signed with."""
        listed = self.listed("records.json")
        try:
            there = {(r["kind"], r["id"], r["digest"]): r for r in listed}
            named = {(f.kind, f.id, f.digest): f for found in self.found.values() for f in found}
            good = len(there) == len(listed)
            for found in self.found.values():
                for f in found:
                    record = there.get((f.kind, f.id, f.digest), {})
                    values = record.get("values", {})
                    good &= record.get("at") == f.at and all(
                        k in values and values[k] == v for k, v in f.values.items()
                    )
        except (KeyError, TypeError, AttributeError):
            good, named, there = False, {}, {}
        if not good:
            self.say(
                "records.json",
                "fails",
                "The records in the bundle are not those that its proofs were signed over.",
            )
        elif self.lines_fail_nowhere() and set(there) != set(named):
            self.say("records.json", "fails", "The bundle holds records that no proof names.")
        else:
            self.say(
                "records.json",
                "holds",
                f"The records in the bundle, {len(there)}, are those that its proofs were signed over.",
            )

    def lines_fail_nowhere(self) -> bool:
        return all(line.state != "fails" for line in self.lines)

    # -- what others signed, and credentials ------------------------------------------------------------------
    def cosignature(self, envelope: Any) -> None:
        try:
            read = cosigning.read(envelope)
        except (GroundworkError, AttributeError):
            self.say("co-signature", "fails", "A co-signature in the bundle does not hold.")
            return
        if read.signer == self.issuer or read.issuer != self.issuer:
            whose = (
                "by the key of the bundle itself"
                if read.signer == self.issuer
                else "about another key's proofs"
            )
            self.say("co-signature", "fails", f"The co-signature of {read.name} is {whose}.")
            return
        by_digest = {digest: name for name, digest in self.digests.items()}
        about = [by_digest[d] for d in read.proofs if d in by_digest]
        for name in about:
            if self.grades.get(name) == "verified_here":
                self.grades[name] = "co_signed"
        if about:
            ran = "and ran the checks again" if read.grade == "re_run" else "after checking the signatures"
            self.say(
                "co-signature",
                "holds",
                f"{read.name} co-signed {len(about)} proofs on {read.at[:10]} {ran}, with the key {read.signer}.",
            )
        else:
            self.say(
                "co-signature", "fails", f"The co-signature of {read.name} is about no proof of the bundle."
            )

    def credential(self, entry: Any) -> None:
        from groundwork.pathways.portfolio.badges import read_credential

        assert self.key is not None
        try:
            token, proof = str(entry["jwt"]), str(entry["proof"])
            credential = read_credential(token, self.key)
            about = credential["evidence"][0]["id"]
            good = (
                set(entry) == {"jwt", "proof"}
                and about == f"urn:groundwork-ai:proof:{self.digests.get(proof)}"
            )
        except (GroundworkError, KeyError, IndexError, TypeError):
            self.say(
                "credential", "fails", "A credential in the bundle is not signed by its key, or was changed."
            )
            return
        if not good:
            self.say(
                "credential",
                "fails",
                f"The credential `{credential.get('name')}` is about no proof of the bundle.",
            )
            return
        state = "holds" if proof in self.grades else "history"
        self.say(
            "credential",
            state,
            f"The credential `{credential.get('name')}` is signed by the key of the bundle.",
        )


def _payload(envelope: Mapping[str, Any]) -> Mapping[str, Any]:
    import base64

    found = reading.read_json(base64.b64decode(str(envelope["payload"])), "manifest.json")
    return dict(found)
