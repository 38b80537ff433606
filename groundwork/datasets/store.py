"""The datasets of a workspace: immutable versions by digest, their examples, and what waits for review.

An example is kept once however many versions hold it. What may be read for what is decided here: no holdout goes to a tuner.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import Any, Literal

from sqlalchemy import Connection, func, select

from groundwork.core.clock import Clock
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    InvalidInputError,
    NotFoundError,
    TooLargeError,
)
from groundwork.core.ids import new_id
from groundwork.core.principal import Principal
from groundwork.datasets import content, records, reviewing
from groundwork.datasets.checking import Check, check
from groundwork.datasets.diff import DatasetDiff, diff_examples
from groundwork.datasets.duplicates import THRESHOLD
from groundwork.datasets.naming import MIN_PREFIX, check_name, looks_like_digest, parse_ref
from groundwork.datasets.summary import summarise
from groundwork.datasets.types import (
    HOLDOUT,
    SPLITS,
    Candidate,
    CandidateState,
    DatasetVersion,
    Example,
    ExampleOrigin,
)
from groundwork.storage.database import Database, exclusive
from groundwork.storage.improvement_tables import evaluations
from groundwork.storage.tables import answer_documents, answers

MOST_AT_ONCE = 5000
"""Versions of so many examples are looked over as they are made; larger ones when somebody asks."""
Purpose = Literal["look", "evaluate", "tune", "export"]
Traced = Callable[[str, Sequence[str]], Mapping[str, Iterable[str]]]
"""(tenant, trace ids) -> ids of the documents that were shown in each."""


Examples = list[Example]
Candidates = list[Candidate]
Versions = list[DatasetVersion]
Names = list[str]


Shown = Mapping[str, set[str]]
"""Id of an example -> documents whose text may stand in it."""


def _untraced(tenant: str, trace_ids: Sequence[str]) -> Mapping[str, Iterable[str]]:
    return {}


class Datasets:
    """The datasets of one workspace. Safe to use from several threads and processes.

    Args:
        database: that of the workspace.
        clock: for records.
        traced: says which documents were shown in traces, so that examples made of them can be erased with them.
    """

    def __init__(self, database: Database, clock: Clock, traced: Traced = _untraced) -> None:
        self._database = database
        self._clock = clock
        self._traced = traced

    # -- looking --------------------------------------------------------------------------------------------------------
    def list(self, principal: Principal) -> Versions:
        """Return the newest version of every dataset, by name."""
        with self._database.read() as connection:
            return records.newest(connection, principal.tenant)

    def versions(self, principal: Principal, name: str) -> Versions:
        """Return every version of a dataset, newest first; raises NotFoundError where there is no such dataset."""
        check_name(name)
        with self._database.read() as connection:
            found = records.versions(connection, principal.tenant, name)
            if not found:
                raise self._unknown(connection, principal, name)
            return found

    def get(self, principal: Principal, ref: str) -> DatasetVersion:
        """Return a version.

        Args:
            ref: `golden` or `golden@latest` (the newest), `golden@3`, `golden@` with the beginning of a digest, or at least
                4 digits of a digest alone.

        Raises:
            NotFoundError: there is none; the hint gives near names or the numbers that there are.
            InvalidInputError: it is no name of a version, or several digests begin so.
        """
        with self._database.read() as connection:
            return self._get(connection, principal, ref)

    def examples(
        self,
        principal: Principal,
        ref: str,
        *,
        split: str | None = None,
        tag: str = "",
        contains: str = "",
        limit: int | None = None,
        offset: int = 0,
        purpose: Purpose = "look",
    ) -> Examples:
        """Return examples of a version in their order; those that were erased are left out.

        Args:
            split: only these; empty or None: all, and to evaluate or tune on, all but the holdout.
            tag: only those with this tag. contains: only those with this text in them, in any case.
            purpose: what they are for.

        Raises:
            ForbiddenError: the holdout is asked for to tune on.
            NotFoundError, InvalidInputError: as `get`; there is no such split.
        """
        splits = _splits(split, purpose)
        with self._database.read() as connection:
            found = self._get(connection, principal, ref)
            plain = not (tag or contains)
            rows = records.contents(
                connection,
                principal.tenant,
                found.digest,
                splits=splits,
                words=_plain_word(contains or tag),
                limit=limit if plain else None,
                offset=offset if plain else 0,
                whole=not found.redacted,
            )
            read = (content.from_body(i, s, body) for _, i, s, body in rows)
            if plain:
                return [*read]
            wanted = contains.casefold()
            kept = (x for x in read if (not tag or tag in x.tags) and (not wanted or holds(x, wanted)))
            return _paged(kept, limit, offset)

    def page(
        self,
        principal: Principal,
        ref: str,
        *,
        split: str | None = None,
        tag: str = "",
        contains: str = "",
        limit: int = 50,
        offset: int = 0,
    ) -> tuple[Examples, int]:
        """Return one page of what `examples` gives to look at, and how many there are in all."""
        found = self.get(principal, ref)
        exact = f"{found.name}@{found.number}"
        if tag or contains:
            kept = self.examples(principal, exact, split=split, tag=tag, contains=contains)
            return kept[offset : offset + limit], len(kept)
        counts = found.summary.get("splits", {})
        total = int(counts.get(split, 0)) if split else found.examples
        if found.redacted:
            total = len(self.examples(principal, exact, split=split))
        return self.examples(principal, exact, split=split, limit=limit, offset=offset), total

    def example(self, principal: Principal, ref: str, example_id: str) -> Example:
        """Return one example of a version.

        Raises:
            NotFoundError: the version has none of that id, or it was erased.
        """
        with self._database.read() as connection:
            found = self._get(connection, principal, ref)
            rows = [*records.contents(connection, principal.tenant, found.digest, ids=[example_id])]
            if rows:
                _, identifier, split, body = rows[0]
                return content.from_body(identifier, split, body)
            erased = found.redacted and example_id in records.erased_ids(
                connection, principal.tenant, found.digest
            )
        raise NotFoundError(
            f"{found.ref} has no example `{example_id[:80]}`"
            + (" any more: it was erased" if erased else ""),
            hint=f"list them with `groundwork dataset examples {found.ref}`",
        )

    def erased(self, principal: Principal, ref: str) -> Names:
        """Return the ids of the examples of a version that were erased, in order."""
        with self._database.read() as connection:
            found = self._get(connection, principal, ref)
            return records.erased_ids(connection, principal.tenant, found.digest) if found.redacted else []

    def diff(self, principal: Principal, old: str, new: str) -> DatasetDiff:
        """Return what was added, removed and changed from one version to another, of one dataset or of two."""
        ends = [self.get(principal, ref) for ref in (old, new)]
        was, now = (self.examples(principal, f"{end.name}@{end.number}") for end in ends)
        return diff_examples(ends[0], was, ends[1], now)

    def check(self, principal: Principal, ref: str, *, threshold: float = THRESHOLD) -> Check:
        """Look a version over for duplicates, leaks between splits and personal data, and keep the counts with it.

        Versions of up to 5,000 examples were looked over when they were made; 50,000 take some seconds.

        Args:
            threshold: see `duplicates.find_duplicates`; above 0 to 1.
        """
        if not 0 < threshold <= 1:
            raise InvalidInputError(f"a similarity is above 0 and at most 1, not {threshold}")
        found = self.get(principal, ref)
        result = check(self.examples(principal, f"{found.name}@{found.number}"), threshold)
        if threshold == THRESHOLD:
            with self._database.write() as connection:
                now = records.one(connection, principal.tenant, found.name, found.number)
                if now is not None and now.digest == found.digest and now.redacted == found.redacted:
                    merged = {**now.summary, **result.summary()}
                    records.set_summary(connection, principal.tenant, found, merged)
        return result

    def holdout_looks(self, principal: Principal, ref: str) -> int:
        """Return how many evaluations have looked at the holdout of a version; a gate may trust a few, not many."""
        c = evaluations.c
        found = self.get(principal, ref)
        query = select(func.count()).where(
            c.tenant == principal.tenant, c.dataset_version == found.digest, c.split == HOLDOUT
        )
        with self._database.read() as connection:
            return int(connection.execute(query).scalar_one())

    # -- changing -------------------------------------------------------------------------------------------------------
    def create(
        self,
        principal: Principal,
        name: str,
        examples: Iterable[Example],
        *,
        note: str = "",
        parent: str | None = None,
        summary: Mapping[str, Any] | None = None,
    ) -> DatasetVersion:
        """Make the next version of a dataset of these examples and return it; one that says the same as the newest is that.

        An example that says the same as the one of its id in the newest version keeps the origin that it has there.

        Args:
            parent: digest of the version it was made from; None: the newest. Should that not be the newest any more, nothing
                is made.
            summary: more to be kept beside the counts, such as `source`.

        Raises:
            InvalidInputError: there are no examples, two share an id, or one cannot be kept; nothing is stored.
            ConflictError: somebody else made a version since `parent`.
            TooLargeError: there are more than 200,000.
        """
        check_name(name)
        if len(note) > 2000:
            raise TooLargeError(f"a note has at most 2,000 characters, not {len(note):,}")
        given = _checked(examples)
        summary = {**_looked_over(given), **(summary or {})}
        shown = self._shown(principal.tenant, [x.example for x in given])
        with self._database.write() as connection:
            exclusive(connection, f"dataset:{principal.tenant}:{name}")
            return self._create(connection, principal, name, given, note, parent, summary, shown)

    def remove(self, principal: Principal, ref: str, *, force: bool = False) -> int:
        """Take a dataset away with what waits for its review, or one of its versions, and return how many versions went.

        Args:
            ref: a name, or a version that is not the newest: its number would be given again.
            force: also where evaluations were made of it; they keep their results and lose their examples.

        Raises:
            ConflictError: evaluations refer to it and `force` was not said, or it is the newest version.
            NotFoundError: there is none.
        """
        named = "@" in ref
        with self._database.write() as connection:
            found = self._get(connection, principal, ref)
            exclusive(connection, f"dataset:{principal.tenant}:{found.name}")
            all_versions = records.versions(connection, principal.tenant, found.name)
            going = [x for x in all_versions if x.number == found.number] if named else all_versions
            if named and found.number == all_versions[0].number:
                raise ConflictError(
                    f"{found.ref} is the newest version of `{found.name}`, and its number would be given again",
                    hint=f"make another version, or remove the whole dataset with `groundwork dataset delete {found.name}`",
                )
            used = self._used(connection, principal, [x.digest for x in going], found.name)
            if used and not force:
                raise ConflictError(
                    f"{used:,} evaluation{'s' if used != 1 else ''} of `{ref}` would lose the examples",
                    hint="remove it all the same with `--force`",
                )
            removed = records.delete_versions(
                connection, principal.tenant, found.name, [x.number for x in going] if named else ()
            )
            if not named:
                reviewing.delete_all(connection, principal.tenant, found.name)
        self._database.scrub()
        return removed

    # -- reviewing ------------------------------------------------------------------------------------------------------
    def propose(
        self, principal: Principal, name: str, example: Example, *, origin: str = "", reason: str = ""
    ) -> Candidate:
        """Put an example into the queue of a dataset, which need not exist yet, and return the candidate.

        Args:
            origin: what it was made from, such as an answer's id; the same origin answers the candidate that there is.
                Empty: taken from the example's own origin, else from its id.
            reason: why it should be one, for who decides.

        Raises:
            InvalidInputError: the example cannot be kept, or what it came from was erased.
        """
        check_name(name)
        example = content.checked(example)
        origin = origin or reviewing.origin_of(example)
        shown = self._shown(principal.tenant, [example])
        with self._database.write() as connection:
            exclusive(connection, f"dataset:{principal.tenant}:{name}")
            known = reviewing.by_origin(connection, principal.tenant, name, origin)
            if known is not None:
                return known
            documents = self._documents(connection, principal.tenant, [example], shown)[example.id]
            made = Candidate(
                new_id("cnd"), name, example, "proposed", reason[:2000], self._now(), principal.name
            )
            reviewing.add(connection, principal.tenant, made, origin)
            records.add_documents(connection, principal.tenant, ((x, made.id) for x in documents))
            return made

    def candidates(
        self,
        principal: Principal,
        name: str = "",
        *,
        state: CandidateState | Literal[""] = "proposed",
        limit: int = 50,
        before: str | None = None,
    ) -> Candidates:
        """Return candidates, newest first.

        Args:
            state: only these; empty: all. before: only those older than this id.
        """
        with self._database.read() as connection:
            return reviewing.candidates(connection, principal.tenant, name, state, limit, before)

    def candidate(self, principal: Principal, candidate_id: str) -> Candidate:
        """Return one candidate; raises NotFoundError."""
        with self._database.read() as connection:
            return reviewing.get(connection, principal.tenant, candidate_id)

    def waiting(self, principal: Principal) -> dict[str, int]:
        """Return how many candidates wait for a decision, by dataset."""
        with self._database.read() as connection:
            return reviewing.counts(connection, principal.tenant, "proposed")

    def edit(self, principal: Principal, candidate_id: str, example: Example) -> Candidate:
        """Change what a candidate says while nobody has decided; its origin stays.

        Raises:
            ConflictError: it was decided about already. NotFoundError, InvalidInputError: there is none; it cannot be kept.
        """
        example = content.checked(example)
        with self._database.write() as connection:
            found = reviewing.get(connection, principal.tenant, candidate_id)
            kept = replace(example, origin=found.example.origin)
            return reviewing.change(connection, principal.tenant, found, kept)

    def decide(
        self,
        principal: Principal,
        candidate_id: str,
        accept: bool,
        *,
        reason: str = "",
        example: Example | None = None,
    ) -> Candidate:
        """Accept or reject a candidate; accepted ones stand in the next version that `publish` makes.

        Args:
            example: what it is to say instead; its origin stays.

        Raises:
            ConflictError: it was decided about already. NotFoundError: there is none.
        """
        if example is not None:
            self.edit(principal, candidate_id, example)
        with self._database.write() as connection:
            found = reviewing.get(connection, principal.tenant, candidate_id)
            state: CandidateState = "accepted" if accept else "rejected"
            return reviewing.decide(
                connection, principal.tenant, found, state, reason[:2000], self._now(), principal.name
            )

    def publish(self, principal: Principal, name: str, *, note: str = "") -> DatasetVersion:
        """Make the next version of a dataset with every accepted candidate in it that stands in none yet.

        An accepted one whose id there is already takes its place.

        Raises:
            ConflictError: none was accepted since the last version. NotFoundError: there is no such dataset.
        """
        check_name(name)
        with self._database.write() as connection:
            exclusive(connection, f"dataset:{principal.tenant}:{name}")
            fresh = reviewing.unpublished(connection, principal.tenant, name)
            newest = records.one(connection, principal.tenant, name)
            if not fresh:
                if newest is None and not reviewing.candidates(
                    connection, principal.tenant, name, "", 1, None
                ):
                    raise self._unknown(connection, principal, name)
                raise ConflictError(
                    f"no accepted candidate of `{name}` waits to be published",
                    hint=f"look at what is proposed with `groundwork dataset review {name}`",
                )
            held: dict[str, Example] = {}
            if newest is not None:
                held = {x.id: x for x in self._all(connection, principal.tenant, newest.digest)}
            for candidate in fresh:
                held[candidate.example.id] = candidate.example
            note = note or f"{len(fresh)} accepted from review"
            given = _checked(held.values())
            shown = {
                candidate.example.id: documents
                for candidate, documents in reviewing.documents(connection, principal.tenant, fresh)
            }
            made = self._create(connection, principal, name, given, note, None, _looked_over(given), shown)
            reviewing.mark_published(connection, principal.tenant, fresh, made.digest)
            return made

    # -- within ---------------------------------------------------------------------------------------------------------
    def _create(
        self,
        connection: Connection,
        principal: Principal,
        name: str,
        given: Sequence[content.Packed],
        note: str,
        parent: str | None,
        summary: Mapping[str, Any],
        shown: Shown,
    ) -> DatasetVersion:
        tenant = principal.tenant
        newest = records.one(connection, tenant, name)
        if parent is not None and newest is not None and newest.digest != parent:
            raise ConflictError(
                f"`{name}` has a newer version, {newest.ref}, made by {newest.created_by or 'somebody'}",
                hint="look at it, and make the change again",
            )
        known: dict[str, Any] = {}
        places: dict[str, str] = {}
        if newest is not None:
            held = records.members(connection, tenant, newest.digest)
            stored = records.bodies(connection, tenant, (digest for _, digest, _ in held))
            known = {i: stored[digest] for i, digest, _ in held if digest in stored}
            places = {i: digest for i, digest, _ in held}
        kept = [_with_origin(x, known.get(x.example.id)) for x in given]
        examples = [x.example for x in kept]
        digest = content.version_digest([(x.example.id, x.digest, x.example.split) for x in kept])
        if newest is not None and newest.digest == digest:
            return newest
        by_id = self._documents(connection, tenant, examples, shown)
        # What an example was made of stays known when it is edited, also after its trace has gone.
        edited = {
            places[x.example.id]: x.example.id for x in kept if places.get(x.example.id, x.digest) != x.digest
        }
        for old, inherited in records.documents_of(connection, tenant, edited).items():
            by_id[edited[old]] |= inherited
        documents = {x.digest: by_id[x.example.id] for x in kept if by_id[x.example.id]}
        records.add_examples(connection, tenant, {x.digest: x.body for x in kept})
        records.add_documents(connection, tenant, ((doc, d) for d, docs in documents.items() for doc in docs))
        records.add_members(
            connection, tenant, digest, [(x.example.id, x.digest, x.example.split) for x in kept]
        )
        erased = records.any_erased(connection, tenant, digest)
        made = DatasetVersion(
            name=name,
            number=1 if newest is None else newest.number + 1,
            digest=digest,
            examples=len(examples),
            parent=None if newest is None else newest.digest,
            summary={**summarise(examples), **summary},
            note=note,
            redacted=erased,
            created_at=self._now(),
            created_by=principal.name,
        )
        records.add_version(connection, principal, made)
        return made

    def _all(self, connection: Connection, tenant: str, version: str) -> Examples:
        rows = records.contents(connection, tenant, version)
        return [content.from_body(i, s, body) for _, i, s, body in rows]

    def _get(self, connection: Connection, principal: Principal, ref: str) -> DatasetVersion:
        tenant = principal.tenant
        text = ref.strip()
        if "@" not in text and looks_like_digest(text):
            named = records.one(connection, tenant, text) if len(text) <= 63 else None
            if named is not None:
                return named
            found = records.by_prefix(connection, tenant, text)
            if not found:
                raise self._unknown(connection, principal, text)
            return _single(found, text)
        wanted = parse_ref(text)
        if wanted.prefix:
            found = records.by_prefix(connection, tenant, wanted.prefix, wanted.name)
            if found:
                return _single(found, wanted.prefix)
        else:
            one = records.one(connection, tenant, wanted.name, wanted.number)
            if one is not None:
                return one
            # The beginning of a digest may have no letter in it.
            digits = str(wanted.number or "")
            found = (
                records.by_prefix(connection, tenant, digits, wanted.name)
                if len(digits) >= MIN_PREFIX
                else []
            )
            if found:
                return _single(found, digits)
        newest = records.one(connection, tenant, wanted.name)
        if newest is None:
            raise self._unknown(connection, principal, wanted.name)
        raise NotFoundError(
            f"`{wanted.name}` has no version `{wanted.prefix or wanted.number}`",
            hint=f"the newest is {newest.ref}; list them with `groundwork dataset versions {wanted.name}`",
        )

    def _unknown(self, connection: Connection, principal: Principal, name: str) -> NotFoundError:
        known = records.names(connection, principal.tenant)
        near = difflib.get_close_matches(name, known, 3, 0.5)
        if near:
            hint = f"did you mean {' or '.join(f'`{n}`' for n in near)}?"
        elif known:
            hint = "list them with `groundwork dataset list`"
        else:
            hint = "there is none yet: bring one in with `groundwork dataset import FILE`"
        return NotFoundError(f"there is no dataset `{name[:80]}`", hint=hint)

    def _used(self, connection: Connection, principal: Principal, digests: Sequence[str], name: str) -> int:
        c = evaluations.c
        query = select(func.count()).where(
            c.tenant == principal.tenant, c.dataset == name, c.dataset_version.in_(list(digests))
        )
        return int(connection.execute(query).scalar_one())

    def _shown(self, tenant: str, examples: Sequence[Example]) -> Shown:
        """Return the documents of the traces that examples came from, by example."""
        traces = sorted({x.origin.trace_id for x in examples if x.origin.trace_id})
        if not traces:
            return {}
        found = self._traced(tenant, traces)
        return {x.id: set(found.get(x.origin.trace_id, ())) for x in examples if x.origin.trace_id}

    def _documents(
        self, connection: Connection, tenant: str, examples: Sequence[Example], shown: Shown
    ) -> dict[str, set[str]]:
        """Return the documents whose text may stand in examples, by id of the example.

        Raises:
            InvalidInputError: one came from an answer that was redacted: what it said must not come back.
        """
        answer_ids = sorted({x.origin.answer_id for x in examples if x.origin.answer_id})
        quoted: dict[str, set[str]] = {}
        a, ad = answers.c, answer_documents.c
        for start in range(0, len(answer_ids), records.AT_ONCE):
            some = answer_ids[start : start + records.AT_ONCE]
            gone = select(a.id).where(a.tenant == tenant, a.id.in_(some), a.redacted.is_(True)).limit(1)
            redacted = connection.execute(gone).scalar()
            if redacted is not None:
                raise InvalidInputError(
                    f"the answer `{redacted}` was redacted because a document was erased; no example is made of it",
                    hint="leave it out; what it quoted is not to come back",
                )
            query = select(ad.answer_id, ad.document_id).where(ad.tenant == tenant, ad.answer_id.in_(some))
            for answer, document in connection.execute(query):
                quoted.setdefault(str(answer), set()).add(str(document))
        return {x.id: {*quoted.get(x.origin.answer_id, ()), *shown.get(x.id, ())} for x in examples}

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def _looked_over(given: Sequence[content.Packed]) -> dict[str, Any]:
    if len(given) > MOST_AT_ONCE:
        return {}
    return check([x.example for x in given]).summary()


def holds(example: Example, wanted: str) -> bool:
    """Say whether a text, folded by `casefold`, stands in what an example says."""
    if wanted in example.id.casefold() or wanted in example.question.casefold():
        return True
    texts: list[Any] = [
        example.input, example.expected, example.cluster, [*example.context], [*example.relevant],
        example.metadata, example.tools,
    ]  # fmt: skip
    while texts:
        one = texts.pop()
        if isinstance(one, str):
            if wanted in one.casefold():
                return True
        elif isinstance(one, Mapping):
            texts += [*one, *one.values()]
        elif isinstance(one, list | tuple):
            texts += one
    return False


def _splits(split: str | None, purpose: Purpose) -> tuple[str, ...]:
    if split and split not in SPLITS:
        raise InvalidInputError(f"`{split[:40]}` is no split", hint=f"one of: {', '.join(SPLITS)}")
    if split == HOLDOUT and purpose == "tune":
        raise ForbiddenError(
            "the holdout is not for tuning: what was tuned on it says nothing about what is to come",
            hint="tune on `validation` or `train`",
        )
    if split:
        return (split,)
    return tuple(s for s in SPLITS if s != HOLDOUT) if purpose in ("evaluate", "tune") else ()


def _plain_word(wanted: str) -> str:
    """Return what the JSON of a body surely holds where the text is in it; empty where that cannot be said."""
    plain = wanted.isascii() and all(c.isalnum() or c in " -_.,:;?!()" for c in wanted)
    return wanted if plain else ""


def _paged(examples: Iterable[Example], limit: int | None, offset: int) -> list[Example]:
    from itertools import islice

    return [*islice(examples, offset, None if limit is None else offset + limit)]


def _single(found: Sequence[DatasetVersion], prefix: str) -> DatasetVersion:
    if len({x.digest for x in found}) > 1:
        raise InvalidInputError(
            f"several versions begin with `{prefix}`: {', '.join(f'{x.ref} ({x.digest[:12]})' for x in found[:3])}",
            hint="give more digits" if len(prefix) >= MIN_PREFIX else f"give at least {MIN_PREFIX} digits",
        )
    return found[0]


def _checked(examples: Iterable[Example]) -> list[content.Packed]:
    found: list[content.Packed] = []
    places: dict[str, int] = {}
    for n, example in enumerate(examples):
        if n >= content.MOST_EXAMPLES:
            raise TooLargeError(
                f"a version has at most {content.MOST_EXAMPLES:,} examples",
                hint="make several datasets of it",
            )
        one = content.packed(example, f"example {n + 1}")
        first = places.setdefault(one.example.id, n)
        if first != n:
            differ = " and differ" if found[first].digest != one.digest else ""
            raise InvalidInputError(
                f"examples {first + 1} and {n + 1} share the id `{one.example.id[:80]}`{differ}",
                hint="an id stands for one example; leave ids out to have them made",
            )
        found.append(one)
    if not found:
        raise InvalidInputError("a dataset has at least one example", hint="write one, or import a file")
    return found


def _with_origin(one: content.Packed, known: Mapping[str, Any] | None) -> content.Packed:
    """Return the example with the origin it had where it says what it said."""
    if known is None or "origin" not in known or known.get("origin") == one.body.get("origin"):
        return one
    body = {**one.body, "origin": known["origin"]}
    if body != dict(known):
        return one
    return content.Packed(
        replace(one.example, origin=ExampleOrigin(**known["origin"])), body, content.digest_of(body)
    )
