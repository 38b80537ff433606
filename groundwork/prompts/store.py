"""The prompts of a workspace: files, their recorded versions, and labels that point at versions.

A version is what a model would be asked, named by its digest; it never changes. `latest` follows the file; every other label
stays where somebody put it, and each move is a record.
"""

from __future__ import annotations

import difflib
import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal

from sqlalchemy import Connection

from groundwork.core.clock import Clock
from groundwork.core.digest import digest_text, short
from groundwork.core.errors import (
    ConflictError,
    ForbiddenError,
    GroundworkError,
    InvalidInputError,
    NotFoundError,
)
from groundwork.core.ids import new_id
from groundwork.core.principal import DEFAULT_TENANT, Principal
from groundwork.prompts import records, template
from groundwork.prompts.diff import PromptDiff, diff_prompts
from groundwork.prompts.files import check_name, parse_prompt
from groundwork.prompts.folder import BUILT_IN, Folder
from groundwork.prompts.records import KIND, LATEST
from groundwork.prompts.testing import Completer, TestReport, run_tests
from groundwork.prompts.types import PromptMessage, PromptTemplate, PromptVersion
from groundwork.storage import pointers
from groundwork.storage.database import Database, exclusive
from groundwork.storage.pointers import ANYTHING, Move

Origin = Literal["file", "built-in", "gone"]
MIN_PREFIX = 4
_LABEL = re.compile(r"[a-z][a-z0-9._-]{0,62}\Z")
_HEX = re.compile(r"[0-9a-f]{4,64}\Z")


@dataclass(frozen=True, slots=True)
class PromptEntry:
    """One prompt at a glance.

    Attributes:
        origin: `file` of the workspace, `built-in`, or `gone`: its file is no more, its versions are.
        latest: the version that the file is, or was last; None where it cannot be read and never could.
        error: why the file cannot be read; the other prompts are not touched by it.
        labels: where each label points.
        versions: how many are recorded.
        source: the file's text as it is now; empty where it is gone or no text.
    """

    name: str
    origin: Origin
    latest: PromptVersion | None
    error: GroundworkError | None = None
    labels: Mapping[str, str] = field(default_factory=dict)
    versions: int = 0
    source: str = ""

    @property
    def source_digest(self) -> str:
        """What `write` takes for `expected`; empty where there is no file in the workspace."""
        return digest_text(self.source) if self.origin == "file" else ""


@dataclass(frozen=True, slots=True)
class _File:
    origin: Origin
    source: str
    prompt: PromptTemplate | None = None
    error: GroundworkError | None = None


def split_ref(written: str) -> tuple[str, str]:
    """Return name and version of `answer`, `answer@production` or `answer@9a07c41`; none named means `latest`."""
    name, mark, ref = written.partition("@")
    return name, ref if mark and ref else LATEST


class Prompts:
    """The prompts of one workspace. Safe to use from several threads and processes.

    Args:
        database: where versions, labels and runs of tests are kept.
        folder: of the files; it need not exist. A file of the same name stands in front of a built-in prompt.
        clock: for records.
    """

    def __init__(self, database: Database, folder: Path, clock: Clock) -> None:
        self.folder = Folder(folder)
        self._built_in = Folder(BUILT_IN)
        self._database = database
        self._clock = clock
        self._lock = threading.Lock()
        self._read: dict[tuple[str, str], PromptTemplate] = {}
        self._recorded: dict[tuple[str, str], str] = {}

    # -- looking --------------------------------------------------------------------------------------------------------
    def sync(self, principal: Principal) -> tuple[PromptEntry, ...]:
        """Record what the files are now and return every prompt, by name; a broken file is an entry with its error."""
        names, odd = self.folder.names()
        found = {name: self._file(name) for name in {*names, *self._built_in.names()[0]}}
        files = {name: file for name, file in found.items() if file is not None}
        for file in files.values():
            if file.prompt is not None:
                self._keep(principal, file.prompt, file.origin)
        entries = [self._odd(name) for name in odd]
        with self._database.read() as connection:
            counts = records.counts(connection, principal.tenant)
            entries += [
                self._entry(connection, principal, name, files.get(name), counts.get(name, 0))
                for name in {*files, *counts}
            ]
        return tuple(sorted(entries, key=lambda e: e.name))

    def list(self, principal: Principal) -> tuple[PromptEntry, ...]:
        """Return every prompt, by name; the same as `sync`."""
        return self.sync(principal)

    def entry(self, principal: Principal, name: str) -> PromptEntry:
        """Return one prompt at a glance.

        Raises:
            NotFoundError: there is none of that name, and never was.
        """
        file = self._recorded_file(principal, name)
        with self._database.read() as connection:
            known = records.digests(connection, principal.tenant, name)
            if file is None and not known:
                raise self._unknown(principal, name)
            return self._entry(connection, principal, name, file, len(known))

    def get(self, principal: Principal, name: str, ref: str = LATEST) -> PromptVersion:
        """Return a version of a prompt.

        Args:
            ref: `latest` (what the file is now), another label, a digest, or at least 4 digits of one.

        Raises:
            NotFoundError: there is no such prompt, or no such version of it.
            InvalidInputError: `latest` is asked for and the file cannot be read; other labels are not touched by that.
        """
        file = self._recorded_file(principal, name)
        if ref == LATEST:
            if file is None:
                raise self._gone(principal, name)
            if file.prompt is None:
                raise file.error or InvalidInputError(f"the prompt `{name}` cannot be read")
        with self._database.read() as connection:
            if ref == LATEST:
                assert file is not None
                assert file.prompt is not None
                digest = file.prompt.digest
            else:
                digest = self._resolve(connection, principal, name, ref, exists=file is not None)
            found = records.version(connection, principal.tenant, name, digest)
        if found is None:
            raise NotFoundError(
                f"the prompt `{name}` has no version `{short(digest)}`",
                hint=f"list them with `groundwork prompt show {name}`",
            )
        return found

    def versions(self, principal: Principal, name: str) -> tuple[PromptVersion, ...]:
        """Return every recorded version of a prompt, newest first."""
        self.entry(principal, name)
        with self._database.read() as connection:
            return tuple(records.versions(connection, principal.tenant, name))

    def previous(self, principal: Principal, name: str) -> str:
        """Return the digest of the version that the file was before.

        Raises:
            NotFoundError: it has always been the same.
        """
        now = self.get(principal, name).digest
        old = next((m.old for m in self.moves(principal, name, LATEST) if m.old not in (None, now)), None)
        if old is None:
            raise NotFoundError(
                f"the prompt `{name}` has no earlier version",
                hint="a change of the file makes one; or name two versions or labels",
            )
        return old

    def diff(self, principal: Principal, name: str, old: str, new: str = LATEST) -> PromptDiff:
        """Return what differs between two versions of a prompt."""
        return diff_prompts(self.get(principal, name, old).template, self.get(principal, name, new).template)

    def render(
        self, principal: Principal, name: str, values: Mapping[str, Any], ref: str = LATEST
    ) -> tuple[PromptMessage, ...]:
        """Return the messages of a version with these values; see `template.render`."""
        return template.render(self.get(principal, name, ref).template, values)

    # -- changing -------------------------------------------------------------------------------------------------------
    def label(
        self,
        principal: Principal,
        name: str,
        ref: str,
        label: str,
        *,
        expected: str | pointers._Anything | None = ANYTHING,
        reason: str = "",
    ) -> PromptVersion:
        """Point a label at a version and return the version.

        Args:
            ref: as `get` takes it.
            expected: the digest the label must point at now; None: it must not exist yet; default: no condition.
            reason: for the record.

        Raises:
            InvalidInputError: it is no name of a label, or `latest`, which follows the file.
            ConflictError: the label stands elsewhere; nothing is changed.
        """
        if label == LATEST:
            raise InvalidInputError(
                "the label `latest` follows the file", hint="change the file, or move another label"
            )
        if not _LABEL.match(label) or _HEX.match(label):
            raise InvalidInputError(
                f"`{label[:80]}` is no name of a label",
                hint="such as `production`: lower-case letters, digits, `.`, `-` and `_`, and not like a digest",
            )
        found = self.get(principal, name, ref)
        with self._database.write() as connection:
            pointers.move(
                connection,
                principal,
                KIND,
                f"{name}@{label}",
                found.digest,
                expected=expected,
                reason=reason,
                at=self._now(),
            )
        return self.get(principal, name, found.digest)

    def moves(self, principal: Principal, name: str, label: str, limit: int = 100) -> tuple[Move, ...]:
        """Return the moves of a label, newest first."""
        self.entry(principal, name)
        with self._database.read() as connection:
            return tuple(pointers.history(connection, principal.tenant, KIND, f"{name}@{label}", limit))

    def write(
        self, principal: Principal, name: str, source: str, *, expected: str | None = None
    ) -> PromptVersion:
        """Write a prompt's file and record the version it is.

        Args:
            expected: SHA-256 of the text that is replaced (`PromptEntry.source_digest`); empty: there must be no file
                in the workspace yet; None: no condition.

        Raises:
            ForbiddenError: another tenant than `default` writes.
            InvalidInputError: the source is no prompt; nothing is written.
            ConflictError: the file holds another text than expected; nothing is written.
        """
        _refuse_other_tenants(principal)
        prompt = parse_prompt(name, source)
        with self._database.write() as connection:
            # The transaction is the lock: two who look and then write must not both find what they expect.
            exclusive(connection, "prompts")
            self._expect(name, expected)
            self.folder.write(name, source)
            self._store(connection, principal, prompt, "written through Groundwork")
        return self.get(principal, name, prompt.digest)

    def remove(self, principal: Principal, name: str, *, expected: str | None = None) -> None:
        """Take a prompt's file away; its versions, labels and runs stay. A built-in prompt of that name serves again."""
        _refuse_other_tenants(principal)
        with self._database.write() as connection:
            exclusive(connection, "prompts")
            self._expect(name, expected)
            self.folder.remove(name)
        self._recorded.pop((principal.tenant, name), None)

    # -- testing --------------------------------------------------------------------------------------------------------
    def test(
        self, principal: Principal, name: str, ref: str = LATEST, completer: Completer | None = None
    ) -> TestReport:
        """Run the tests of a version, offline or with a completer that asks a model, and record how they came out."""
        report = run_tests(self.get(principal, name, ref).template, completer)
        report = replace(report, id=new_id("run"), created_at=self._now(), principal=principal.name)
        with self._database.write() as connection:
            records.record_run(connection, principal, report)
        return report

    def runs(self, principal: Principal, name: str, limit: int = 20) -> tuple[TestReport, ...]:
        """Return runs of a prompt's tests, newest first."""
        self.entry(principal, name)
        with self._database.read() as connection:
            return tuple(records.runs(connection, principal.tenant, name, limit))

    # -- files and records ----------------------------------------------------------------------------------------------
    def _file(self, name: str) -> _File | None:
        for folder, origin in ((self.folder, "file"), (self._built_in, "built-in")):
            try:
                source = folder.read(name)
            except GroundworkError as error:
                return _File(origin, "", error=error)  # type: ignore[arg-type]
            if source is not None:
                try:
                    return _File(origin, source, self._parsed(name, source))  # type: ignore[arg-type]
                except GroundworkError as error:
                    return _File(origin, source, error=error)  # type: ignore[arg-type]
        return None

    def _parsed(self, name: str, source: str) -> PromptTemplate:
        known = self._read.get((name, source))
        if known is None:
            known = parse_prompt(name, source)
            with self._lock:
                if len(self._read) >= 1000:
                    self._read.clear()
                self._read[name, source] = known
        return known

    def _behind(self, name: str) -> PromptTemplate | None:
        """Return the built-in prompt that a file stands in front of."""
        source = self._built_in.read(name)
        return None if source is None else self._parsed(name, source)

    def _recorded_file(self, principal: Principal, name: str) -> _File | None:
        check_name(name)
        file = self._file(name)
        if file is not None and file.prompt is not None:
            self._keep(principal, file.prompt, file.origin)
        return file

    def _keep(self, principal: Principal, prompt: PromptTemplate, origin: Origin) -> None:
        """Record a version unless it is known that it is recorded, and let `latest` point at it."""
        key, state = (principal.tenant, prompt.name), digest_text(prompt.source)
        if self._recorded.get(key) == state:
            return
        for last in (False, True):
            try:
                with self._database.write() as connection:
                    reason = "built in" if origin == "built-in" else "the file is so"
                    if origin == "file" and (behind := self._behind(prompt.name)) is not None:
                        # Answers may have been made with it; their pins must open a version.
                        records.record(connection, principal, behind, self._now())
                    self._store(connection, principal, prompt, reason)
                break
            except ConflictError:
                # Two processes saw the change at once; the other one has recorded it.
                if last:
                    raise
        self._recorded[key] = state

    def _store(
        self, connection: Connection, principal: Principal, prompt: PromptTemplate, reason: str
    ) -> None:
        at = self._now()
        records.record(connection, principal, prompt, at)
        if records.pointed(connection, principal.tenant, prompt.name, LATEST) != prompt.digest:
            full = f"{prompt.name}@{LATEST}"
            pointers.move(connection, principal, KIND, full, prompt.digest, reason=reason, at=at)

    def _entry(
        self, connection: Connection, principal: Principal, name: str, file: _File | None, versions: int
    ) -> PromptEntry:
        marks = records.labels(connection, principal.tenant, name)
        digest = file.prompt.digest if file and file.prompt else marks.get(LATEST, "")
        latest = records.version(connection, principal.tenant, name, digest)
        return PromptEntry(
            name,
            file.origin if file else "gone",
            latest,
            file.error if file else None,
            marks,
            versions,
            file.source if file else "",
        )

    def _odd(self, file: str) -> PromptEntry:
        stem = file.removesuffix(".md")
        try:
            check_name(stem)
        except InvalidInputError as error:
            return PromptEntry(stem, "file", None, error)
        raise AssertionError(file)

    def _resolve(
        self, connection: Connection, principal: Principal, name: str, ref: str, *, exists: bool
    ) -> str:
        digest = records.pointed(connection, principal.tenant, name, ref)
        if digest is not None:
            return digest
        known = records.digests(connection, principal.tenant, name)
        if not known and not exists:
            raise self._unknown(principal, name)
        if _HEX.match(ref):
            found = [d for d in known if d.startswith(ref)]
            if len(found) == 1:
                return found[0]
            if found:
                raise InvalidInputError(
                    f"{len(found)} versions of the prompt `{name}` begin with `{ref}`",
                    hint=f"they are {', '.join(d[: len(ref) + 4] for d in found[:5])}",
                )
        marks = records.labels(connection, principal.tenant, name)
        raise NotFoundError(
            f"the prompt `{name}` has no version or label `{ref[:80]}`",
            hint=f"labels are {', '.join(marks) or 'none'}; versions {', '.join(short(d) for d in known[:8])}",
        )

    def _expect(self, name: str, expected: str | None) -> None:
        if expected is None:
            return
        try:
            now = self.folder.read(name)
        except GroundworkError:
            return
        standing = "" if now is None else digest_text(now)
        if standing != expected:
            if not expected:
                raise ConflictError(
                    f"there is a prompt file `{name}` already",
                    hint="change that file, or take another name",
                    current=standing,
                )
            raise ConflictError(
                f"the file of the prompt `{name}` is another one than when it was read",
                hint="somebody else changed it: look at it again, and then write",
                current=standing,
            )

    def _unknown(self, principal: Principal, name: str) -> NotFoundError:
        names = [*self.folder.names()[0], *self._built_in.names()[0]]
        near = difflib.get_close_matches(name, names, 1)
        return NotFoundError(
            f"there is no prompt `{name}`",
            hint=f"did you mean `{near[0]}`?" if near else f"make it with `groundwork prompt new {name}`",
        )

    def _gone(self, principal: Principal, name: str) -> NotFoundError:
        with self._database.read() as connection:
            known = records.digests(connection, principal.tenant, name)
        if not known:
            return self._unknown(principal, name)
        return NotFoundError(
            f"the file of the prompt `{name}` is gone",
            hint=f"its last version is `{name}@{short(known[0])}`; `groundwork prompt show {name}` lists them",
        )

    def _now(self) -> str:
        return self._clock.now().isoformat(timespec="milliseconds")


def _refuse_other_tenants(principal: Principal) -> None:
    """Refuse to change files from a tenant beside `default`: they belong to the installation, as its spec does."""
    if principal.tenant != DEFAULT_TENANT:
        raise ForbiddenError(
            "the files of prompts belong to the workspace `default`; others read them and keep labels of their own",
            hint="change them there",
        )
