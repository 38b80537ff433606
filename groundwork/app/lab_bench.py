"""What a lab prepares its start with, over the workspace: files of its folder, its part of the spec, and real records."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from groundwork.app import lab_parts
from groundwork.core.errors import ConflictError, InternalError
from groundwork.core.principal import Principal
from groundwork.pathways.labs import PREFIX
from groundwork.pathways.labs.folder import LabFolder

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace


class WorkspaceBench:
    """The bench of one lab for one principal; see `groundwork.pathways.labs.Bench`.

    It works in a workspace of its own over the same root, opened again when the lab's part of the spec was written, so that
    a running server is not disturbed; what serves meanwhile is told of the new names in place.

    Args:
        workspace: the one that is in use. lab: name of the lab.
    """

    def __init__(self, workspace: Workspace, principal: Principal, lab: str) -> None:
        self._outer = workspace
        self._principal = principal
        self._files = LabFolder(workspace.root, lab)
        self._inner: Workspace | None = None

    @property
    def folder(self) -> Path:
        return self._files.path

    # -- files ------------------------------------------------------------------------------------------------
    def write(self, name: str, content: str | bytes) -> None:
        self._files.write(name, content)

    def spec(self, tables: Mapping[str, Any]) -> None:
        """Write the lab's part of the spec, `labs/<name>/groundwork.toml`.

        Raises:
            ConflictError: groundwork.toml has one of its names already; nothing is written.
            InternalError: it names something without `lab-`, or a section that a lab may not have.
        """
        from groundwork.app.config import read_own
        from groundwork.app.toml_text import toml_text
        from groundwork.core.errors import SettingsError

        where = f"{self._files.shown}/{lab_parts.FRAGMENT}"
        try:
            lab_parts.checked(tables, where)
        except SettingsError as error:
            raise InternalError(
                f"a lab wrote a part of the spec that does not fit: {error.message}"
            ) from error
        both = lab_parts.taken(tables, read_own(self._outer.root))
        if both:
            raise ConflictError(
                f"groundwork.toml has {', '.join(both)}, which the lab needs for itself",
                hint="call yours by a name that does not begin with `lab-`, and begin the lab again",
            )
        self._files.write(lab_parts.FRAGMENT, toml_text(tables))
        self._renew()

    def prompt(self, name: str, source: str) -> None:
        """Write `prompts/<name>.md`; another text that lay there is kept as `before/<name>.md` of the lab's folder."""
        self._named(name)
        path = self._outer.root / "prompts" / f"{name}.md"
        if path.is_file():
            old = path.read_bytes()
            if old != source.encode():
                self._files.write(f"before/{name}.md", old)
        self._workspace.prompts.write(self._principal, name, source)

    # -- records ----------------------------------------------------------------------------------------------
    def ingest(self, index: str, folder: str = "documents") -> str:
        self._named(index)
        report = self._workspace.ingest([self.folder / folder], index=index, principal=self._principal)
        return report.snapshot or ""

    def ask(self, app: str, question: str) -> str:
        self._named(app)
        return self._workspace.ask(question, app=app, principal=self._principal).id

    def call(self, model: str, messages: Sequence[Mapping[str, Any]], **parameters: Any) -> str:
        from groundwork.app.calling import caller_of, request_of

        self._named(model)
        turns = [(str(m["role"]), str(m["content"])) for m in messages if m["role"] != "system"]
        system = "\n".join(str(m["content"]) for m in messages if m["role"] == "system")
        request = request_of(model, turns, system=system, **parameters)
        return self._workspace.gateway.complete(request, caller_of(self._principal)).meta.call_id

    def dataset(self, name: str, examples: Sequence[Mapping[str, Any]]) -> str:
        from groundwork.datasets.content import read_example

        self._named(name)
        read = [read_example(e, f"example {n} of {name}") for n, e in enumerate(examples, 1)]
        return self._workspace.datasets.create(self._principal, name, read).ref

    def evaluate(self, app: str, dataset: str, **options: Any) -> str:
        self._named(app.removeprefix("model:"))
        self._named(dataset)
        return self._workspace.evaluate(app, dataset=dataset, principal=self._principal, **options).id

    def release(self, app: str, environment: str = "") -> str:
        self._named(app)
        made, _ = self._workspace.releases.create(app, principal=self._principal)
        if environment:
            promotion = self._workspace.releases.promotions.promote(self._principal, made.ref, environment)
            if promotion.deployment is None:
                raise ConflictError(
                    f"`{made.ref}` was not promoted to {environment}",
                    hint=f"`groundwork release promote {made.ref} --to {environment} --dry-run` says what is missing",
                )
        return made.id

    # -- beside `prepare` -------------------------------------------------------------------------------------
    def problems(self) -> Sequence[str]:
        """Return which parts of the spec that labs add were left out, and why; brings the workspace in use up to date."""
        self._outer.take_up_labs()
        _ = self._outer.door.catalog
        trouble = self._outer.door.lab_trouble
        return [
            *self._outer.resolved.left_out,
            *([f"models of labs are not served: {trouble}"] if trouble else []),
        ]

    def close(self) -> None:
        if self._inner is not None:
            self._inner.close()
            self._inner = None
        self._outer.take_up_labs()

    @property
    def _workspace(self) -> Workspace:
        from groundwork.app.workspace import Workspace

        if self._inner is None:
            self._inner = Workspace.open(self._outer.root)
        return self._inner

    def _renew(self) -> None:
        if self._inner is not None:
            self._inner.close()
            self._inner = None

    def _named(self, name: str) -> None:
        if not name.startswith(PREFIX):
            raise InternalError(f"a lab made something called `{name}`: its names begin with `lab-`")
