"""`groundwork release`: pin what an app answers with, put it into environments, try it beside another, take it back."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import releases_view as view
from groundwork.cli.door import Commands, Door, Reply, principal, question_of

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.releases.types import Promotion

app = Commands(help="Releases: create, promote, canary, roll back.", default="list")
UNCHANGED = "nothing was changed"
ONE_STEP = "it happens in one step or not at all: `groundwork release status` tells what stands where"

RefArgument = Annotated[
    str,
    typer.Argument(
        metavar="REF",
        help="A release: `app@4`, `app@latest`, `app@production`, `rel_…` or a digest of 4 digits or more.",
        show_default=False,
    ),
]
AppArgument = Annotated[str, typer.Argument(metavar="[APP]", help="The app.")]
ToOption = Annotated[str, typer.Option("--to", metavar="ENVIRONMENT", help="The environment.")]
ForOption = Annotated[str, typer.Option("--for", metavar="ENVIRONMENT", help="The environment.")]
EnvironmentOption = Annotated[
    str, typer.Option("--environment", "-e", metavar="NAME", help="The environment.")
]
ReasonOption = Annotated[str, typer.Option("--reason", metavar="TEXT", help="Why; it is recorded.")]
CommentOption = Annotated[str, typer.Option("--comment", metavar="TEXT", help="Why; it is recorded.")]


@app.add("create", interrupted=UNCHANGED)
def create(
    door: Door,
    app_: AppArgument = "default",
    snapshot: Annotated[
        str,
        typer.Option(
            "--snapshot", metavar="ID", help="A digest, its beginning or `head~1`; otherwise the head."
        ),
    ] = "",
    note: Annotated[str, typer.Option("--note", metavar="TEXT", help="What is new in it.")] = "",
    evaluation: Annotated[
        str,
        typer.Option(
            "--evaluation", metavar="EVL", help="What was measured of it; otherwise it is looked for."
        ),
    ] = "",
) -> Reply:
    """Pin what an app answers with now: documents, prompt, model, threshold, settings; signed.

    Equal pins are one release: making it again shows the one there is.
    """
    with door.workspace() as workspace:
        found, new = workspace.releases.create(app_, snapshot=snapshot, note=note, evaluation=evaluation)
    return Reply({"new": new, **found.as_dict()}, lambda screen: view.created(found, new, screen))


@app.add("list", interrupted=UNCHANGED)
def list_(
    door: Door,
    app_: Annotated[str, typer.Argument(metavar="[APP]", help="Only releases of this app.")] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    before: Annotated[str, typer.Option("--before", metavar="REL", help="Only older ones than this.")] = "",
) -> Reply:
    """List the releases, newest first, with the environments they stand in."""
    asking = principal(None)
    with door.workspace() as workspace:
        found = workspace.releases.book.list(asking, app=app_, limit=limit, before=before or None)
        standing = workspace.releases.standings(asking, app_)
    places = view.places(standing)
    document = {"releases": [view.line_document(r, places) for r in found]}
    return Reply(document, lambda screen: view.releases(found, places, screen))


@app.add("show", interrupted=UNCHANGED)
def show(
    door: Door,
    ref: RefArgument,
    envelope: Annotated[bool, typer.Option("--envelope", help="Print the signed envelope alone.")] = False,
) -> Reply:
    """Show a release: what it pins, its signature, what was measured of it, where it stands."""
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.releases
        found = room.book.get(asking, ref)
        if envelope:
            import json

            text = json.dumps(found.envelope, indent=2)
            return Reply(found.envelope, lambda screen: text.splitlines())
        checked = room.book.verify(found)
        evaluations, verdicts = room.evidence(asking, found)
        approvals = room.promotions.approvals(asking, found)
        places = view.places(room.standings(asking, found.app))
    document = {
        **found.as_dict(),
        "signature": checked.as_dict(),
        "environments": places.get(found.id, []),
        "evaluations": [e.as_dict() for e in evaluations],
        "verdicts": [view.verdict_document(v) for v in verdicts],
        "approvals": [a.as_dict() for a in approvals],
    }
    return Reply(
        document,
        lambda screen: view.release(found, checked, evaluations, verdicts, approvals, places, screen),
    )


@app.add("diff", interrupted=UNCHANGED)
def diff(
    door: Door,
    old: RefArgument,
    new: Annotated[str, typer.Argument(metavar="REF", help="The other one.", show_default=False)],
) -> Reply:
    """Show what differs between two releases: settings, the prompt's text, documents."""
    with door.workspace() as workspace:
        found = workspace.releases.diff(principal(None), old, new)
    return Reply(found.as_dict(), lambda screen: view.diff(found, screen))


@app.add("environments", interrupted=UNCHANGED)
def environments(door: Door) -> Reply:
    """List the environments: what each asks for, and what stands there."""
    asking = principal(None)
    with door.workspace() as workspace:
        specs = workspace.spec.environments
        standing = workspace.releases.standings(asking)
        own = workspace.settings.environment
    document = {
        "environments": [
            {
                "name": name,
                "own": name == own,
                **spec.model_dump(mode="json"),
                "stands": [s.as_dict() for s in standing if s.environment == name],
            }
            for name, spec in specs.items()
        ]
    }
    return Reply(document, lambda screen: view.environments(specs, standing, own, screen))


@app.add("status", interrupted=UNCHANGED)
def status(
    door: Door, app_: Annotated[str, typer.Argument(metavar="[APP]", help="Only this app.")] = ""
) -> Reply:
    """Show what stands where, and the canaries and shadows that run. Exits with 1 when something needs looking at."""
    asking = principal(None)
    with door.workspace() as workspace:
        if app_:
            workspace.app_spec(app_)
        standing = workspace.releases.standings(asking, app_)
    document = {"standings": [s.as_dict() for s in standing]}
    return Reply(
        document, lambda screen: view.status(standing, screen), 1 if any(s.flags for s in standing) else 0
    )


@app.add("history", interrupted=UNCHANGED)
def history(
    door: Door,
    app_: Annotated[str, typer.Argument(metavar="[APP]", help="Only this app.")] = "",
    environment: Annotated[
        str, typer.Option("--environment", "-e", metavar="NAME", help="Only this environment.")
    ] = "",
    limit: Annotated[int, typer.Option("--limit", "-n", min=1, max=1000, help="How many.")] = 20,
    before: Annotated[str, typer.Option("--before", metavar="DEP", help="Only older ones than this.")] = "",
) -> Reply:
    """List what was put where, by whom and why, newest first; canaries and shadows included."""
    asking = principal(None)
    with door.workspace() as workspace:
        found = workspace.releases.promotions.history(
            asking, app=app_, environment=environment, limit=limit, before=before or None
        )
        refs = workspace.releases.refs(asking, found)
    document = {
        "deployments": [{**d.as_dict(), "release_ref": refs.get(d.release, d.release)} for d in found]
    }
    return Reply(document, lambda screen: view.history(found, refs, screen))


@app.add("promote", interrupted=ONE_STEP)
def promote(
    door: Door,
    ref: RefArgument,
    to: ToOption = "production",
    reason: ReasonOption = "",
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what is missing.")] = False,
) -> Reply:
    """Serve a release in an environment from the next request on.

    What the environment asks for (gate, approvals, another environment before) is checked first. Exits with 1 where
    something is missing, and says what brings it about; nothing was changed then.
    """
    asking = principal(None)
    with door.workspace() as workspace:
        room = workspace.releases
        if dry_run:
            from groundwork.releases.types import Promotion

            found = Promotion(room.book.get(asking, ref), to, room.promotions.checks(asking, ref, to))
            return Reply(
                found.as_dict(), lambda screen: view.checks(found, screen), 1 if found.missing else 0
            )
        found = room.promotions.promote(asking, ref, to, reason=reason)
    return _moved(found, "promote")


@app.add("rollback", interrupted=ONE_STEP)
def rollback(
    door: Door,
    app_: AppArgument = "default",
    environment: EnvironmentOption = "production",
    to: Annotated[
        str,
        typer.Option(
            "--to", metavar="REF", help="Another release that was served there; otherwise the one before."
        ),
    ] = "",
    reason: ReasonOption = "",
) -> Reply:
    """Serve the release that stood there before, from the next request on. No gate is asked.

    A canary or shadow that runs there ends with it.
    """
    with door.workspace() as workspace:
        found = workspace.releases.promotions.rollback(
            principal(None), app_, environment, to=to, reason=reason
        )
    return _moved(found, "rollback")


@app.add("approve", interrupted=UNCHANGED)
def approve(
    door: Door, ref: RefArgument, for_: ForOption = "production", comment: CommentOption = ""
) -> Reply:
    """Approve a release for an environment. Whoever made it cannot."""
    return _decided(door, ref, for_, "approve", comment)


@app.add("refuse", interrupted=UNCHANGED)
def refuse(
    door: Door, ref: RefArgument, for_: ForOption = "production", comment: CommentOption = ""
) -> Reply:
    """Refuse a release for an environment; it is not promoted there until the same person approves it."""
    return _decided(door, ref, for_, "refuse", comment)


@app.add("canary", interrupted=ONE_STEP)
def canary(
    door: Door,
    ref: Annotated[
        str,
        typer.Argument(
            metavar="REF|status|end|promote",
            help="A release to try; or what to do with the canary that runs.",
            show_default=False,
        ),
    ],
    app_: AppArgument = "default",
    to: Annotated[
        str, typer.Option("--to", "--environment", "-e", metavar="ENVIRONMENT", help="The environment.")
    ] = "production",
    share: Annotated[
        float | None,
        typer.Option("--share", min=0, max=1, help="Share of the traffic; otherwise as the spec says."),
    ] = None,
    scorer: Annotated[str, typer.Option("--scorer", metavar="NAME", help="What scores a request.")] = "",
    max_requests: Annotated[
        int | None, typer.Option("--max-requests", min=10, help="Requests after which it ends undecided.")
    ] = None,
    mirror: Annotated[
        bool | None,
        typer.Option("--pairs/--no-pairs", help="Both answer each request and are compared in pairs."),
    ] = None,
    auto: Annotated[
        bool | None, typer.Option("--auto/--no-auto", help="Promote by itself when it is shown to be better.")
    ] = None,
    reason: ReasonOption = "",
) -> Reply:
    """Try a release on a share of the traffic beside the one that stands there; it is taken back by itself when it harms.

    `canary REF --to production --share 0.1` begins one. `canary status`, `canary end` and `canary promote` are about the
    one that runs (APP as the second word).
    """
    given = {
        "share": share,
        "scorer": scorer or None,
        "max_requests": max_requests,
        "mirror": mirror,
        "promote": auto,
    }
    changes = {name: value for name, value in given.items() if value is not None}
    return _trial(door, "canary", ref, app_, to, changes, reason)


@app.add("shadow", interrupted=ONE_STEP)
def shadow(
    door: Door,
    ref: Annotated[
        str,
        typer.Argument(
            metavar="REF|status|end",
            help="A release to try; or what to do with the one that runs.",
            show_default=False,
        ),
    ],
    app_: AppArgument = "default",
    to: Annotated[
        str, typer.Option("--to", "--environment", "-e", metavar="ENVIRONMENT", help="The environment.")
    ] = "production",
    max_requests: Annotated[
        int | None, typer.Option("--max-requests", min=10, help="Requests after which it ends.")
    ] = None,
    reason: ReasonOption = "",
) -> Reply:
    """Let a release answer everything unseen beside the one that stands there; nobody is served by it."""
    changes = {} if max_requests is None else {"max_requests": max_requests}
    return _trial(door, "shadow", ref, app_, to, changes, reason)


@app.add("ask", interrupted="answers that were recorded are kept")
def ask(
    door: Door,
    old: RefArgument,
    new: Annotated[str, typer.Argument(metavar="REF", help="The other one.", show_default=False)],
    question: Annotated[
        str, typer.Argument(metavar="QUESTION", help="The question; `-` reads it.", show_default=False)
    ],
) -> Reply:
    """Ask two releases the same question and show the answers one below the other; both are recorded."""
    with door.workspace() as workspace:
        one, other = workspace.releases.ask_both(principal(None), old, new, question_of(question))
    document = {"answers": [one.as_dict(), other.as_dict()]}
    return Reply(document, lambda screen: view.both((old, one), (new, other), screen))


@app.add("verify", interrupted=UNCHANGED)
def verify(
    door: Door,
    what: Annotated[
        str,
        typer.Argument(
            metavar="REF|FILE", help="A release, or a file with its envelope.", show_default=False
        ),
    ],
    key: Annotated[
        Path | None,
        typer.Option("--key", metavar="FILE", help="The public key in PEM; otherwise the workspace's own."),
    ] = None,
) -> Reply:
    """Check the signature of a release.

    A file and a key are checked offline, also without a workspace. Exits with 1 when it does not hold.
    """
    from groundwork.releases import signing

    file = Path(what)
    public = signing.read_public_key(_read(key)) if key is not None else None
    if file.is_file() and public is not None:
        found = signing.verify(signing.read_envelope(_read(file).decode("utf-8", "replace")), public)
    else:
        with door.workspace() as workspace:
            book = workspace.releases.book
            public = public or book.key.public()
            if file.is_file():
                found = signing.verify(signing.read_envelope(_read(file).decode("utf-8", "replace")), public)
            else:
                release = book.get(principal(None), what)
                found = book.verify(release) if key is None else signing.verify(release.envelope, public)
    return Reply(found.as_dict(), lambda screen: view.verified(found, screen), 0 if found.valid else 1)


@app.add("key", interrupted=UNCHANGED)
def key(door: Door) -> Reply:
    """Print the public key that releases are signed with, in PEM; give it to whoever checks them."""
    from groundwork.releases.signing import keyid

    with door.workspace() as workspace:
        pair = workspace.releases.key
        text, name = pair.public_pem(), keyid(pair.public())
    return Reply({"keyid": name, "pem": text}, lambda screen: text.splitlines())


def _decided(door: Door, ref: str, environment: str, decision: Any, comment: str) -> Reply:
    with door.workspace() as workspace:
        found = workspace.releases.promotions.decide(principal(None), ref, environment, decision, comment)
        release = workspace.releases.book.get(principal(None), found.release)
    return Reply(found.as_dict(), lambda screen: view.decided(found, release, screen))


def _trial(
    door: Door, kind: Any, word: str, app_: str, environment: str, changes: dict[str, Any], reason: str
) -> Reply:
    asking = principal(None)
    with door.workspace() as workspace:
        trials = workspace.releases.trials
        if word == "promote" and kind == "canary":
            return _moved(trials.promote(asking, app_, environment, reason), "promote")
        if word == "end":
            return _status(workspace, trials.end(asking, app_, environment, reason))
        if word == "status":
            return _status(workspace, trials.newest(asking, app_, environment))
        found = trials.begin(asking, word, environment, kind, changes=changes, reason=reason)
    return Reply(found.as_dict(), lambda screen: view.begun(found, kind, screen), 0 if found.promoted else 1)


def _status(workspace: Workspace, deployment: Any) -> Reply:
    asking = principal(None)
    found = workspace.releases.trials.status(asking, deployment)
    refs = workspace.releases.refs(asking, [deployment])
    return Reply(found.as_dict(), lambda screen: view.trial(found, refs, screen))


def _moved(found: Promotion, what: str) -> Reply:
    return Reply(found.as_dict(), lambda screen: view.moved(found, what, screen), 0 if found.promoted else 1)


def _read(path: Path) -> bytes:
    from groundwork.core.errors import InvalidInputError

    try:
        return path.read_bytes()
    except OSError as error:
        raise InvalidInputError(f"`{path}` cannot be read: {error.strerror}") from None
