"""Releases in a workspace: the parts of the room, built from the settings here and introduced to the rooms they pin."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from groundwork.core.once import once
from groundwork.core.principal import LOCAL, Principal

if TYPE_CHECKING:
    from groundwork.answers.types import Answer
    from groundwork.app.trying import Trying
    from groundwork.app.workspace import Workspace
    from groundwork.core.improvement import CanarySpec
    from groundwork.core.settings import AppSpec
    from groundwork.gateway.types import Caller
    from groundwork.releases.book import Releases
    from groundwork.releases.diff import ReleaseDiff
    from groundwork.releases.evidence import EvaluationLine, VerdictLine
    from groundwork.releases.key import SigningKey
    from groundwork.releases.promoting import Promotions
    from groundwork.releases.serving import Serving
    from groundwork.releases.trials import Trials
    from groundwork.releases.types import Deployment, Release, Served, Standing


@dataclass
class ReleasesRoom:
    """The parts, each made when it is first asked for."""

    workspace: Workspace
    _lock: threading.RLock = field(default_factory=threading.RLock)

    @once
    def key(self) -> SigningKey:
        """What releases are signed with."""
        from groundwork.releases.key import SigningKey

        return SigningKey(self.workspace.rooms.data / "release.key")

    @once
    def book(self) -> Releases:
        """The releases, written once."""
        from groundwork.releases.book import Releases

        rooms = self.workspace.rooms
        return Releases(rooms.database, rooms.clock, self.key)

    @once
    def server(self) -> Serving:
        """What serves a request."""
        from groundwork.releases.serving import Serving

        spec = self.workspace.spec
        return Serving(self.workspace.rooms.database, self.book, spec.environments, spec.settings.environment)

    @once
    def promotions(self) -> Promotions:
        """Moves releases between environments."""
        from groundwork.releases.promoting import Promotions

        rooms, spec = self.workspace.rooms, self.workspace.spec
        return Promotions(rooms.database, rooms.clock, self.book, spec.environments, spec.gates, self.drift)

    def drift(self, release: Release) -> list[str]:
        """Return in words what of this installation is not as a release pinned it: its reader, the routes of its models."""
        from groundwork.app.release_making import routes_of

        manifest, found = release.manifest, []
        now = self.workspace.rooms.make_reader(manifest.recipe["model"]).fingerprint
        if now != manifest.reader:
            found.append(
                f"the reader is another one ({now[:7]}) than when `{release.ref}` was made ({manifest.reader[:7]})"
            )
        for name, routes in manifest.models.items():
            if routes_of(self.workspace, name) != routes:
                found.append(
                    f"the model `{name}` is served otherwise in groundwork.toml than `{release.ref}` pinned it"
                )
        return found

    @once
    def trials(self) -> Trials:
        """Canaries and shadows."""
        from groundwork.releases.scoring import scorer_of
        from groundwork.releases.trials import Trials

        rooms = self.workspace.rooms

        def check(spec: object, binary: bool) -> None:
            scorer_of(spec, binary=binary)

        environments = self.workspace.spec.environments
        return Trials(rooms.database, rooms.clock, self.book, self.promotions, environments, check)

    @once
    def trying(self) -> Trying:
        """Answers the requests that take part in a trial."""
        from groundwork.app.trying import Trying

        return Trying(self.workspace)

    def trial_spec(self, deployment: str, principal: Principal) -> CanarySpec:
        """Return how a trial is judged; it was settled when it began."""
        from groundwork.releases.trials import spec_of

        return spec_of(self.promotions.deployment(principal, deployment))

    def close(self) -> None:
        """Let what runs in the background come to its end."""
        trying = self.__dict__.pop("trying", None)
        if trying is not None:
            trying.close()

    def create(
        self,
        app: str = "default",
        *,
        snapshot: str = "",
        note: str = "",
        evaluation: str = "",
        spec: AppSpec | None = None,
        principal: Principal = LOCAL,
    ) -> tuple[Release, bool]:
        """Pin what an app answers with now; return the release and whether it is new (equal pins are one release).

        Args:
            snapshot: of the app's index; empty: the head. evaluation: what was measured of it; empty: looked for.
            spec: instead of the app's in `groundwork.toml`.

        Raises:
            NotFoundError, ConflictError, InvalidInputError: see `manifest_of`.
        """
        from groundwork.app.release_making import manifest_of

        manifest = manifest_of(
            self.workspace, principal, app, snapshot=snapshot, evaluation=evaluation, spec=spec
        )
        return self.book.create(principal, manifest, note)

    def diff(self, principal: Principal, old: str, new: str) -> ReleaseDiff:
        """Return what differs between two releases: settings, the prompt's text, documents.

        Raises:
            NotFoundError: one of them is not there.
        """
        from groundwork.app.release_diff import diff_releases

        one, other = self.book.get(principal, old), self.book.get(principal, new)
        return diff_releases(self.workspace, principal, one, other)

    def before(self, principal: Principal, ref: str) -> str:
        """Return the ref of the release that was made before this one of the same app; its own where it is the first."""
        found = self.book.get(principal, ref)
        return f"{found.app}@{max(1, found.number - 1)}"

    def ask_both(
        self, principal: Principal, old: str, new: str, question: str, *, caller: Caller | None = None
    ) -> tuple[Answer, Answer]:
        """Ask two releases the same question; both answers are recorded.

        Raises:
            NotFoundError: one of them is not there. See also `Workspace.ask`.
        """
        releases = [self.book.get(principal, ref) for ref in (old, new)]
        first, second = (
            self.workspace.ask(question, app=r.app, principal=principal, release=r.id, caller=caller)
            for r in releases
        )
        return first, second

    def apps(self, principal: Principal) -> list[str]:
        """Return the names of the apps of the spec and of those that have releases, sorted."""
        return sorted(set(self.workspace.spec.apps) | set(self.book.apps(principal)))

    def standings(self, principal: Principal, app: str = "") -> list[Standing]:
        """Return what stands where, with what is to be known about it; with `app` only its own."""
        return self.promotions.standings(principal, [app] if app else self.apps(principal))

    def refs(self, principal: Principal, deployments: Sequence[Deployment]) -> dict[str, str]:
        """Return how people name the releases of deployments, by id."""
        wanted = {i for d in deployments for i in (d.release, d.previous) if i}
        with self.workspace.rooms.database.read() as connection:
            found = [self.book.by_id(connection, principal.tenant, i) for i in sorted(wanted)]
        return {r.id: r.ref for r in found if r is not None}

    def evidence(
        self, principal: Principal, release: Release
    ) -> tuple[list[EvaluationLine], list[VerdictLine]]:
        """Return the evaluations and verdicts of exactly the pins of a release, newest first."""
        from groundwork.releases import evidence

        with self.workspace.rooms.database.read() as connection:
            return (
                evidence.lines_of(connection, principal.tenant, release),
                evidence.verdicts_of(connection, principal.tenant, release),
            )

    def serving(
        self,
        principal: Principal,
        app: str,
        *,
        environment: str | None = None,
        unit: str = "",
        release: str = "",
    ) -> Served:
        """Return what serves a request to an app; see `Serving.serving`."""
        return self.server.serving(principal, app, environment=environment or "", unit=unit, release=release)

    def spec_of(self, release: Release) -> AppSpec:
        """Return the app's spec as the release pinned it."""
        return self.book.spec_of(release)
