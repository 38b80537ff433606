"""The shapes of the JSON interface for sign-in, accounts, users and tenants."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from groundwork.server.bodies import In, Moment, Out

RoleWord = Literal["viewer", "builder", "operator", "admin"]
Title = Annotated[str, Field(max_length=200, description="The name as people write it.")]
AccessTokens = Annotated[
    list[Annotated[str, Field(max_length=200)]] | None,
    Field(max_length=200, description="What opens documents beside public ones; null reads everything."),
]
Password = Annotated[str, Field(max_length=2000, description="Compared and kept as an argon2id hash alone.")]


class SignIn(In):
    """Who wants in: a name with its password, or an API key that has a role."""

    name: str = Field("", max_length=200)
    password: Password = ""
    token: str = Field(
        "", max_length=200, description="An API key with a role, in place of name and password."
    )
    tenant: str = Field(
        "", max_length=60, description="Workspace to work in; empty: `default`, or the first one."
    )


class MembershipBody(Out):
    """A workspace that a user may work in."""

    tenant: str
    title: str
    role: RoleWord


class SessionBody(Out):
    """Who is signed in, and what they may do in the workspace that they work in."""

    name: str = Field(description="What stands in records.")
    title: str
    via: Literal["session", "key", "machine"] = Field(
        description="The cookie of a session, an API key, or, where sign-in is off, being on this machine."
    )
    user_id: str | None
    key_id: str | None
    tenant: str
    role: str
    permissions: list[str]
    tenants: list[MembershipBody]
    token: str = Field(description="What `X-Groundwork-Token` carries when a script writes with the cookie.")


class SessionRow(Out):
    """A browser that is signed in."""

    id: str
    tenant: str
    agent: str = Field(description="How the browser names itself.")
    created_at: Moment
    last_seen_at: Moment = Field(description="To the minute.")
    expires_at: Moment
    current: bool = Field(description="Whether it is the one that asks.")


class UserBody(Out):
    """A user as a member of the workspace."""

    id: str
    name: str
    title: str
    tenant: str
    role: RoleWord
    access: list[str] | None
    signs_in: list[Literal["password", "oidc"]]
    state: Literal["active", "disabled", "invited"]
    elsewhere: int = Field(description="How many further workspaces they are a member of.")
    created_at: Moment
    created_by: str
    disabled_at: str | None
    last_seen_at: str | None


class AccountBody(Out):
    """The own account; `user` is null for a key, and where sign-in is off."""

    user: UserBody | None
    sessions: list[SessionRow]
    tenants: list[MembershipBody]


class OwnPasswordIn(In):
    """A new password for oneself."""

    current: Password
    new: Password


class TenantChoice(In):
    """The workspace to work in from now on."""

    tenant: str = Field(max_length=60)


class UserIn(In):
    """A new user. Without a password the answer holds an invitation."""

    name: str = Field(max_length=200, description="What they sign in with, such as an address of e-mail.")
    title: Title = ""
    role: RoleWord = "viewer"
    password: Password | None = None
    access: AccessTokens = Field(
        default_factory=lambda: ["usual"], description="Default: as the role usually reads, see the guide."
    )


class NewUserBody(UserBody):
    """A user who was just made."""

    invitation: str | None = Field(
        description="A link with which they set their password, once; null: they have one."
    )


class UserChange(In):
    """What changes; what is left out stays."""

    title: Title | None = None
    role: RoleWord | None = None
    access: AccessTokens = None
    disabled: bool | None = None


class NewPasswordIn(In):
    """A new password for a user."""

    password: Password


class InvitationBody(Out):
    """A link that opens once."""

    invitation: str = Field(description="A link with which the user sets their password, once.")
    hours: int = Field(description="How long it opens.")


class EndedBody(Out):
    """How many sessions were ended."""

    ended: int


class RemovedUserBody(Out):
    """A user who is gone."""

    id: str = Field(description="Stands in the records in place of the name.")
    records: int = Field(description="Rows that held the name.")


class TenantBody(Out):
    """A workspace: nothing of one is ever seen in another."""

    name: str
    title: str
    members: int
    created_at: str = Field(description="Empty for `default`, which is always there.")
    created_by: str


class TenantIn(In):
    """A new workspace."""

    name: str = Field(max_length=60, description="1 to 40 lower-case letters, digits and `-`.")
    title: Title = ""


class MemberIn(In):
    """A user of the installation who becomes a member."""

    user: str = Field(max_length=200, description="Name or id.")
    role: RoleWord = "viewer"
