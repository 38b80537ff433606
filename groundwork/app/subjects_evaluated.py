"""What can be evaluated, made of one word: an app, a release, a model of the gateway, or a file of recorded outputs.

| word | is |
| --- | --- |
| `handbook`, `app:handbook` | the app as `groundwork.toml` has it, at the newest snapshot of its index |
| `handbook@4` | a release, with everything it pins |
| `model:openai/gpt-5-mini`, `fast` | a model of the gateway; `?temperature=0&max_output_tokens=200` may follow |
| `file:outputs.jsonl` | outputs that were made elsewhere, by example id |
"""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import InvalidInputError, ModelNotFoundError, NotFoundError
from groundwork.core.principal import Principal
from groundwork.evaluation.types import Subject

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace

FILE, MODEL, APP = "file:", "model:", "app:"


@dataclass(frozen=True)
class SubjectMaker:
    """Makes subjects of words."""

    workspace: Workspace

    def __call__(self, principal: Principal, word: str, pins: Mapping[str, Any] | None = None) -> Subject:
        """Return what a word names.

        Args:
            pins: of an evaluation that began before: an app then keeps the snapshot that it had.

        Raises:
            NotFoundError: there is no such app, release or model; the hint names the nearest.
            InvalidInputError: the app's index holds nothing yet, or the file cannot be read.
        """
        asked = word.strip()
        if asked.startswith(FILE):
            return self.recorded(Path(asked[len(FILE) :]))
        if asked.startswith(MODEL):
            return self.model(principal, asked[len(MODEL) :])
        name = asked.removeprefix(APP)
        if "@" in name or name.startswith("rel_"):
            return self.release(principal, name)
        if name in self.workspace.spec.apps:
            return self.app(principal, name, str((pins or {}).get("snapshot", "")))
        if asked.startswith(APP):
            raise self._unknown(name)
        try:
            return self.model(principal, name)
        except ModelNotFoundError:
            raise self._unknown(name) from None

    def app(self, principal: Principal, name: str, snapshot: str = "") -> Subject:
        """Return an app at a snapshot of its index; empty: the newest.

        Raises:
            NotFoundError: there is no such app or snapshot. InvalidInputError: the index holds nothing yet.
        """
        from groundwork.app.subject_app import AppSubject

        workspace = self.workspace
        spec = workspace.app_spec(name)
        try:
            found = workspace.snapshot(spec.index, snapshot or "head", principal)
        except NotFoundError as error:
            if snapshot:
                raise
            raise InvalidInputError(
                f"the app `{name}` cannot answer: its index `{spec.index}` holds nothing yet",
                hint=f"bring documents into it: `groundwork ingest PATH --index {spec.index}`",
            ) from error
        return AppSubject(workspace, principal, name, spec, found.id)

    def release(self, principal: Principal, ref: str) -> Subject:
        """Return a release by `handbook@4`, its id, or the beginning of its digest. Raises NotFoundError."""
        from groundwork.app.subject_app import AppSubject

        book = self.workspace.releases.book
        release = book.get(principal, ref)
        spec = book.spec_of(release)
        return AppSubject(self.workspace, principal, release.app, spec, release.manifest.snapshot, release)

    def model(self, principal: Principal, written: str) -> Subject:
        """Return a model of the gateway; `name?temperature=0` sets parameters. Raises ModelNotFoundError."""
        from groundwork.app.subject_model import ModelSubject

        return ModelSubject.of(self.workspace, principal, written)

    def recorded(self, path: Path) -> Subject:
        """Return recorded outputs. Raises InvalidInputError where they cannot be read."""
        from groundwork.evaluation.recorded import RecordedSubject

        return RecordedSubject.read(path)

    def _unknown(self, name: str) -> NotFoundError:
        apps = sorted(self.workspace.spec.apps)
        names = [*apps, *self.workspace.catalog.list()]
        near = difflib.get_close_matches(name, names, 2)
        hint = f"did you mean {' or '.join(f'`{n}`' for n in near)}? " if near else ""
        return NotFoundError(
            f"there is no app, release or model `{name[:80]}`",
            hint=f"{hint}apps: {', '.join(apps)}; `groundwork model list` lists the models",
        )
