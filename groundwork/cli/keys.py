"""`groundwork key`: API keys with scopes, budgets and rates."""

from __future__ import annotations

import re
import sys
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Any

import typer

from groundwork.cli import keys_view as view
from groundwork.cli.door import Commands, Door, Reply, principal, split

if TYPE_CHECKING:
    from groundwork.app.keyring import KeyReport
    from groundwork.app.workspace import Workspace

app = Commands(help="API keys: make, list, change and revoke them.")
UNCHANGED = "nothing was changed"
PERIODS = {
    "day": "day", "d": "day", "daily": "day", "month": "month", "m": "month", "monthly": "month", "total": "total",
}  # fmt: skip
_RATE = re.compile(r"(\d[\d_]*(?:\.\d+)?|\.\d+)(k|m)?(?:/(?:min|minute|m))?", re.IGNORECASE)
_BUDGET = re.compile(r"\$?(\d[\d_]*(?:\.\d+)?|\.\d+)(?:/(\w+))?")
_SPAN = re.compile(r"(\d{1,5})\s*(h|d|w)")
HOURS = {"h": 1, "d": 24, "w": 168}

KeyArgument = Annotated[
    str,
    typer.Argument(
        metavar="KEY",
        help="The id, `key_…`, the name, or the first characters of the key.",
        show_default=False,
    ),
]
ScopeOption = Annotated[
    list[str] | None,
    typer.Option(
        "--scope",
        metavar="SCOPE",
        help="What it may do: `chat`, `embed`, `models`; with `model:openai/*` or `app:handbook` only these. The name of a "
        "role is the role. Repeatable.",
    ),
]
RoleOption = Annotated[
    str | None,
    typer.Option(
        "--role",
        metavar="ROLE",
        help="What it may do on the platform beside calling models: `viewer`, `builder`, `operator`, `admin`.",
    ),
]
TenantOption = Annotated[
    str,
    typer.Option("--tenant", "-t", metavar="NAME", help="The workspace of the installation it belongs to."),
]
BudgetOption = Annotated[
    list[str] | None,
    typer.Option(
        "--budget", metavar="USD/PERIOD", help="Such as `5/day`, `100/month`, `20/total`. Repeatable."
    ),
]
RateOption = Annotated[
    str | None, typer.Option("--rate", metavar="N/min", help="Requests per minute, such as `60/min`.")
]
TokensRateOption = Annotated[
    str | None,
    typer.Option("--tokens-rate", metavar="N/min", help="Tokens per minute, such as `100000/min`."),
]
ExpiresOption = Annotated[
    str | None,
    typer.Option("--expires", metavar="WHEN", help="In `30d`, `12h`, `4w`; on a day, `2027-01-31`; `never`."),
]
AccessOption = Annotated[
    list[str] | None,
    typer.Option(
        "--access",
        metavar="TOKENS",
        help="Apps answer it from documents that these open, such as `group:hr`; `all`: from every document.",
    ),
]
YesOption = Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")]


@app.add(
    "create", interrupted="`groundwork key list` shows whether the key was made; revoke one you did not see"
)
def create(
    door: Door,
    name: Annotated[
        str, typer.Argument(metavar="[NAME]", help="What it is for, such as `intranet chat`.")
    ] = "",
    scope: ScopeOption = None,
    budget: BudgetOption = None,
    rate: RateOption = None,
    tokens_rate: TokensRateOption = None,
    expires: ExpiresOption = None,
    access: AccessOption = None,
    role: RoleOption = None,
    tenant: TenantOption = "default",
) -> Reply:
    """Make an API key and show it, this one time.

    Without options it may chat, embed and list models, on every model and app, without a limit, until it is
    revoked; apps answer it from public documents only. With a role it opens the console and the API too.
    """
    from groundwork.app.calling import default_model
    from groundwork.app.clients import address, base_url, snippets
    from groundwork.app.keyring import find, free_name, usual_access

    with door.workspace() as workspace:
        asking = workspace.accounts.principal_in(tenant)
        scopes = split(scope) if scope else ["chat", "embed", "models"]
        secret, info = workspace.keys.create(
            asking,
            name or free_name(workspace, asking),
            access=access_of(access) if access else usual_access(asking, scopes, role or ""),
            budget_usd=budgets_of(budget or ()),
            requests_per_minute=rate_of(rate, "--rate"),
            tokens_per_minute=rate_of(tokens_rate, "--tokens-rate"),
            expires_at=expiry_of(expires),
            role=role or "",
            scopes=scopes,
        )
        origin, model = address(workspace), default_model(workspace, info.scopes)
        shown = find(workspace, asking, info.id)
    examples = {s.slug: s.text for s in snippets(origin, model, secret)}
    document = {"key": secret, **shown.as_dict(), "base_url": base_url(origin), "examples": examples}
    return Reply(document, lambda screen: view.made(secret, shown, origin, examples, screen))


@app.add("list", interrupted=UNCHANGED)
def list_(
    door: Door,
    all_: Annotated[bool, typer.Option("--all", help="Also those that are revoked or expired.")] = False,
) -> Reply:
    """List the keys with what they spent, what is left, and when they were last used."""
    from groundwork.app.keyring import reports

    with door.workspace() as workspace:
        found = reports(workspace, principal(None))
    shown = [k for k in found if all_ or k.state == "active"]
    hidden = len(found) - len(shown)
    return Reply({"keys": [k.as_dict() for k in shown]}, lambda screen: view.listed(shown, hidden, screen))


@app.add("show", interrupted=UNCHANGED)
def show(door: Door, key: KeyArgument) -> Reply:
    """Show one key: scopes, budgets with what is left, rates, last use. The key itself is stored nowhere."""
    with door.workspace() as workspace:
        found = _find(workspace, key)
    return Reply(found.as_dict(), lambda screen: view.shown(found, screen))


@app.add("update", interrupted="the change is made in one step: `groundwork key show` says whether it was")
def update(
    door: Door,
    key: KeyArgument,
    name: Annotated[str | None, typer.Option("--name", metavar="NAME", help="Another name.")] = None,
    scope: ScopeOption = None,
    budget: BudgetOption = None,
    no_budget: Annotated[bool, typer.Option("--no-budget", help="Take every budget away.")] = False,
    rate: RateOption = None,
    tokens_rate: TokensRateOption = None,
    expires: ExpiresOption = None,
    access: AccessOption = None,
    role: Annotated[
        str | None,
        typer.Option("--role", metavar="ROLE", help="Another role on the platform; `none` takes it away."),
    ] = None,
) -> Reply:
    """Change a key; what is not named stays. Budgets that are named replace all of its budgets.

    What was already spent in a period counts against a new budget too. A rate of `0` is no limit.
    """
    from groundwork.core.errors import InvalidInputError

    changes: dict[str, Any] = {}
    if name is not None:
        changes["name"] = name
    if role is not None:
        changes["role"] = "" if role == "none" else role
    if scope:
        changes["scopes"] = split(scope)
    if budget and no_budget:
        raise InvalidInputError("`--budget` and `--no-budget` exclude each other", hint="leave one out")
    if budget or no_budget:
        changes["budget_usd"] = budgets_of(budget or ())
    if rate is not None:
        changes["requests_per_minute"] = rate_of(rate, "--rate")
    if tokens_rate is not None:
        changes["tokens_per_minute"] = rate_of(tokens_rate, "--tokens-rate")
    if expires is not None:
        changes["expires_at"] = expiry_of(expires) or ""
    if access:
        changes["access"] = access_of(access)
    if not changes:
        raise InvalidInputError(
            "no change was named", hint="such as `groundwork key update KEY --budget 10/day`"
        )
    with door.workspace() as workspace:
        found = _find(workspace, key)
        workspace.keys.update(principal(None), found.info.id, **changes)
        now = _find(workspace, found.info.id)
    return Reply(now.as_dict(), lambda screen: view.shown(now, screen))


@app.add("revoke", interrupted="`groundwork key list` shows whether the key was revoked")
def revoke(door: Door, key: KeyArgument, yes: YesOption = False) -> Reply:
    """Refuse a key from now on. Its calls stay on record; a revoked key never works again."""
    from groundwork.core.errors import InvalidInputError

    with door.workspace() as workspace:
        found = _find(workspace, key)
        if not yes:
            if not sys.stdin.isatty():
                raise InvalidInputError(
                    "this needs a confirmation, and nobody is there to ask", hint="add --yes"
                )
            question = (
                f"Revoke {found.info.prefix}… ({found.info.name or found.info.id})? There is no way back."
            )
            if not typer.confirm(question, err=True):
                raise InvalidInputError("not confirmed; nothing was changed")
        workspace.keys.revoke(principal(None), found.info.id)
        now = _find(workspace, found.info.id)
    return Reply(now.as_dict(), lambda screen: view.revoked(now, screen))


# -- what people write ----------------------------------------------------------------------------------------------
def budgets_of(values: Sequence[str]) -> dict[str, float]:
    """Return `{period: USD}` of `5/day`, `$100/month`, `20/total`; the last one of a period counts.

    Raises:
        InvalidInputError: an amount or period that is none.
    """
    from groundwork.core.errors import InvalidInputError

    found: dict[str, float] = {}
    for value in split(values):
        match = _BUDGET.fullmatch(value)
        period = PERIODS.get((match[2] or "").lower()) if match else None
        if match is None or period is None:
            raise InvalidInputError(
                f"`{value}` is no budget",
                hint="write an amount in USD and a period: `5/day`, `100/month`, `20/total`",
            )
        found[period] = float(match[1].replace("_", ""))
    return found


def rate_of(value: str | None, option: str) -> float:
    """Return the number of `60/min`, `100k/min` or `60`; None is 0, no limit.

    Raises:
        InvalidInputError: it is no rate per minute.
    """
    from groundwork.core.errors import InvalidInputError

    if value is None:
        return 0.0
    match = _RATE.fullmatch(value.strip())
    if match is None:
        raise InvalidInputError(
            f"`{value}` of {option} is no rate", hint="write it per minute, such as `60/min`"
        )
    scale = {"k": 1e3, "m": 1e6}.get((match[2] or "").lower(), 1.0)
    return float(match[1].replace("_", "")) * scale


def expiry_of(value: str | None) -> str | None:
    """Return the time, ISO 8601 in UTC, of `30d`, `12h`, `4w`, a date or a time; None and `never` is None.

    Raises:
        InvalidInputError: it is no time.
    """
    from datetime import UTC, datetime, timedelta

    from groundwork.core.errors import InvalidInputError

    if value is None or value.strip().lower() in ("", "never"):
        return None
    span = _SPAN.fullmatch(value.strip().lower())
    if span:
        return (datetime.now(UTC) + timedelta(hours=int(span[1]) * HOURS[span[2]])).isoformat(
            timespec="seconds"
        )
    try:
        when = datetime.fromisoformat(value.strip())
    except ValueError:
        raise InvalidInputError(
            f"`{value}` of --expires is no time",
            hint="write `30d`, `12h`, a day such as `2027-01-31`, or `never`",
        ) from None
    return (when if when.tzinfo else when.replace(tzinfo=UTC)).astimezone(UTC).isoformat(timespec="seconds")


def access_of(values: Sequence[str]) -> tuple[str, ...] | None:
    """Return access tokens; `all` is None, which reads everything."""
    tokens = split(values)
    return None if tokens == ["all"] else tuple(tokens)


def _find(workspace: Workspace, name: str) -> KeyReport:
    from groundwork.app.keyring import find

    return find(workspace, principal(None), name)
