"""The values of the room; all immutable and JSON-compatible."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

DeploymentKind = Literal["promote", "rollback", "canary", "shadow"]
DeploymentState = Literal["active", "done", "promoted", "rolled_back", "ended"]
Arm = Literal["candidate", "baseline"]


@dataclass(frozen=True, slots=True)
class Manifest:
    """Everything an app answers with, pinned; its digest names the release.

    Attributes:
        app: name of the app. spec: its whole `AppSpec`, as JSON. index, snapshot: digest of the documents.
        prompt: `name@digest`, empty for a reader that needs none. reader: fingerprint of the reader.
        models: by the name it is asked for, what serves it: `{routes, fallbacks}` as the spec had it.
        policies: digest by name of each guardrail policy; empty until there are some.
        threshold, calibration: confidence under which it abstains, and the calibration behind it.
        settings: digest of the recipe, as in an answer's pins of somebody who may read everything.
        recipe: what an answer is made with besides question and snapshot, every automatic choice made; without the access.
        code: version of Groundwork, and the commit of the workspace where it is under Git (`{version, commit, dirty}`).
        evaluation, verdict: what was measured of it when it was made; empty where nothing was. dataset: `name@digest`.
    """

    app: str
    spec: Mapping[str, Any]
    index: str
    snapshot: str
    prompt: str
    reader: str
    models: Mapping[str, Any]
    policies: Mapping[str, str]
    threshold: float
    calibration: str
    settings: str
    recipe: Mapping[str, Any]
    code: Mapping[str, Any]
    evaluation: str = ""
    verdict: str = ""
    dataset: str = ""

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)

    def pins(self) -> dict[str, Any]:
        """Return what its answers depend on; the digest of it names the release.

        What was measured of it, and the commit that the workspace stood at, change no answer and are no part of its name.
        """
        about = ("evaluation", "verdict", "dataset")
        pins = {name: value for name, value in asdict(self).items() if name not in about}
        return {**pins, "code": {"version": self.code.get("version", "")}}


@dataclass(frozen=True, slots=True)
class Release:
    """One release; `envelope` is its DSSE envelope around an in-toto statement, signed with Ed25519."""

    id: str
    digest: str
    app: str
    number: int
    manifest: Manifest
    envelope: Mapping[str, Any]
    note: str
    redacted: bool
    created_at: str
    created_by: str

    @property
    def ref(self) -> str:
        """How people name it."""
        return f"{self.app}@{self.number}"

    @property
    def index(self) -> str:
        return self.manifest.index

    @property
    def snapshot(self) -> str:
        return self.manifest.snapshot

    def as_dict(self) -> dict[str, Any]:
        return {"ref": self.ref, **asdict(self)}


@dataclass(frozen=True, slots=True)
class Deployment:
    """A release in an environment: how it came there, with which share of the traffic, and how it ended."""

    id: str
    app: str
    environment: str
    release: str
    previous: str
    kind: DeploymentKind
    state: DeploymentState
    share: float
    verdict_id: str
    override_id: str
    record: Mapping[str, Any]
    reason: str
    created_at: str
    created_by: str
    ended_at: str | None = None

    def as_dict(self) -> dict[str, Any]:
        """Return it without the salt of a canary: whoever has that could choose an arm."""
        record = {name: value for name, value in self.record.items() if name != "salt"}
        return {**asdict(self), "record": record}


@dataclass(frozen=True, slots=True)
class Served:
    """What serves one request: the release, None where the app's spec is served as it stands, and why.

    Attributes:
        arm: of a canary; `baseline` outside one.
        deployment: of the canary or shadow that takes part in it; empty: none does.
        mirror: the release that answers too, unseen, so that the two are compared; None: none does.
    """

    release: Release | None
    environment: str
    arm: Arm = "baseline"
    deployment: str = ""
    mirror: Release | None = None
    unit: str = ""
    notes: tuple[str, ...] = field(default_factory=tuple)


@dataclass(frozen=True, slots=True)
class Approval:
    """What one person said about a release in an environment; of one person the last word counts."""

    id: str
    release: str
    environment: str
    decision: Literal["approve", "refuse"]
    role: str
    comment: str
    principal: str
    at: str

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that must be true before a release is served somewhere; `command` says how to bring it about."""

    name: str
    passed: bool
    message: str
    command: str = ""
    blocks: bool = True

    def as_dict(self) -> dict[str, Any]:
        return asdict(self)


@dataclass(frozen=True, slots=True)
class Promotion:
    """What came of an attempt to put a release into an environment; `deployment` is None where it was refused."""

    release: Release
    environment: str
    checks: tuple[Check, ...]
    deployment: Deployment | None = None
    previous: Release | None = None

    @property
    def promoted(self) -> bool:
        return self.deployment is not None

    @property
    def missing(self) -> tuple[Check, ...]:
        """The checks that stand in the way."""
        return tuple(c for c in self.checks if c.blocks and not c.passed)

    def as_dict(self) -> dict[str, Any]:
        return {
            "promoted": self.promoted,
            "release": self.release.ref,
            "release_id": self.release.id,
            "environment": self.environment,
            "previous": self.previous.ref if self.previous else None,
            "checks": [c.as_dict() for c in self.checks],
            "deployment": self.deployment.as_dict() if self.deployment else None,
        }


@dataclass(frozen=True, slots=True)
class Standing:
    """What stands in an environment for one app; `release` is None where the app's spec is served as it is."""

    app: str
    environment: str
    release: Release | None
    since: str = ""
    moves: int = 0
    trial: Deployment | None = None
    flags: tuple[str, ...] = ()

    def as_dict(self) -> dict[str, Any]:
        return {
            "app": self.app,
            "environment": self.environment,
            "release": None if self.release is None else self.release.ref,
            "release_id": None if self.release is None else self.release.id,
            "since": self.since,
            "moves": self.moves,
            "trial": None if self.trial is None else self.trial.as_dict(),
            "flags": list(self.flags),
        }
