"""One question on its way to an answer: which release serves it, and what happens where that one cannot."""

from __future__ import annotations

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from groundwork.core.errors import GoneError, InvalidInputError, NotFoundError
from groundwork.core.ids import new_id
from groundwork.releases import environments as env
from groundwork.releases.serving import pinned
from groundwork.releases.types import Release, Served

if TYPE_CHECKING:
    from groundwork.answers.pipeline import OnEvent
    from groundwork.answers.types import Answer, Turn
    from groundwork.app.workspace import Workspace
    from groundwork.core.principal import Principal
    from groundwork.gateway.types import Caller

log = logging.getLogger("groundwork.releases")
PERSON = "user:"
"""Names of principals that are people begin so; such a one stays at one arm of a canary whatever they ask."""


@dataclass(frozen=True)
class Question:
    """What is asked, of whom, and on whose behalf; see `Workspace.ask`."""

    text: str
    app: str
    principal: Principal
    snapshot: str | None = None
    conversation: str | None = None
    history: Sequence[Turn] = ()
    caller: Caller | None = None
    on_event: OnEvent | None = None
    identifier: str = ""
    environment: str = ""
    release: str = ""
    unit: str = ""


def answered(workspace: Workspace, question: Question) -> Answer:
    """Return the answer of what serves the question.

    Raises:
        NotFoundError: there is no such app, environment or release. InvalidInputError: a release and a snapshot are named.
        GoneError: the snapshot of the release is gone, and of every former one.
    """
    room = workspace.releases
    app, environment, release = room.server.named(question.app)
    environment, release = question.environment or environment, question.release or release
    if question.snapshot is not None:
        if release:
            raise InvalidInputError(
                "a release has a snapshot of its own", hint="name the release or the snapshot, not both"
            )
        # Whoever asks an older state of the documents asks the app's spec: no release pins it so.
        return _asked(workspace, question, app, None)
    identifier = question.identifier or new_id("ans")
    served = room.server.serving(
        question.principal,
        app,
        environment=environment,
        unit=question.unit or _unit(question, identifier),
        release=release,
    )
    if served.deployment:
        return room.trying.answered(question, app, identifier, served)
    return one(workspace, question, app, served, identifier)


def one(workspace: Workspace, question: Question, app: str, served: Served, identifier: str) -> Answer:
    """Return the answer of the release that serves; of a former one where the snapshot of this is gone."""
    try:
        return _asked(workspace, question, app, served.release, served.notes, identifier)
    except NotFoundError:
        release = served.release
        if release is None or not _is_gone(workspace, question.principal, release):
            raise
        former = _former(workspace, question.principal, release, served.environment)
        if former is None:
            raise GoneError(
                f"the release `{release.ref}` cannot be served: its snapshot `{release.snapshot[:7]}` is not here any more",
                hint=f"make and promote a new one: `groundwork release create {app}`",
            ) from None
        note = (
            f"the release {release.ref} could not be served, since its snapshot {release.snapshot[:7]} is gone; "
            f"{former.ref} answered, which stood there before"
        )
        log.error("%s: %s", served.environment, note)
        return _asked(workspace, question, app, former, (note,), identifier)


def _asked(
    workspace: Workspace,
    question: Question,
    app: str,
    release: Release | None,
    notes: tuple[str, ...] = (),
    identifier: str = "",
) -> Answer:
    more: dict[str, Any] = {}
    if release is None:
        spec = workspace.app_spec(app)
        workspace.index_spec(spec.index)
    else:
        spec = workspace.releases.book.spec_of(release)
        more["pinned"] = pinned(release, notes)
    return workspace.rooms.pipeline.ask(
        question.principal,
        question.text,
        app,
        spec,
        question.snapshot,
        conversation=question.conversation,
        history=question.history,
        caller=question.caller,
        on_event=question.on_event,
        identifier=identifier,
        **more,
    )


def _unit(question: Question, identifier: str) -> str:
    """Return whom a canary keeps at one arm: the person, else the conversation, else this request.

    A conversation bears the name of the answer it began with, so that its first question counts to it.
    """
    if question.principal.name.startswith(PERSON):
        return question.principal.name
    if question.conversation and question.conversation != "new":
        return question.conversation[4:]
    return identifier[4:]


def _is_gone(workspace: Workspace, principal: Principal, release: Release) -> bool:
    with workspace.rooms.database.read() as connection:
        return bool(env.problem_of(connection, principal.tenant, release))


def _former(workspace: Workspace, principal: Principal, release: Release, environment: str) -> Release | None:
    """Return the nearest release that stood in the environment before and can be served."""
    if not environment:
        return None
    book, tenant = workspace.releases.book, principal.tenant
    with workspace.rooms.database.read() as connection:
        for identifier in reversed(env.stack_of(env.moves_of(connection, tenant, release.app, environment))):
            found = book.by_id(connection, tenant, identifier)
            if found is not None and found.id != release.id and not env.problem_of(connection, tenant, found):
                return found
    return None
