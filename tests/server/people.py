"""People in front of a server that asks for sign-in: a workspace with users of every role, and browsers for them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from starlette.testclient import TestClient

from groundwork.accounts.passwords import Passwords
from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.server.application import create_app
from groundwork.server.doorkeeper import AccountsDoorkeeper
from tests.accounts.conftest import CHEAP, SECRET
from tests.workspaces import LIGHT, light_workspace

ORIGIN = "https://gw.example"
PAGE = {"accept": "text/html"}
ROLES = {"vera": "viewer", "bea": "builder", "otto": "operator", "ann": "admin"}


def workspace_of_people(root: Path, spec: str = LIGHT) -> Workspace:
    """Make a workspace with one user for each role in `default` and an admin in `north`."""
    workspace = light_workspace(root, spec)
    room = workspace.accounts
    room.__dict__["passwords"] = Passwords(CHEAP)
    for name, role in ROLES.items():
        room.users.create(LOCAL, name, role=role, password=SECRET)
    room.tenants.create(LOCAL, "north", title="North")
    room.users.create(room.principal_in("north"), "nora", role="admin", password=SECRET)
    return workspace


def app_of(workspace: Any, **options: Any) -> Any:
    """Return the application as `groundwork serve` makes it."""
    keeper = AccountsDoorkeeper(workspace.accounts)
    return create_app(
        workspace, doorkeeper=keeper, **{"hosts": ["gw.example", "127.0.0.1", "localhost"], **options}
    )


class Browser(TestClient):
    """A browser on another machine, over TLS unless said otherwise; it sends forms with the token of their page."""

    def __init__(self, app: Any, origin: str = ORIGIN, address: str = "192.0.2.1") -> None:
        super().__init__(
            app,
            base_url=origin,
            client=(address, 50000),
            raise_server_exceptions=False,
            follow_redirects=False,
        )
        self.origin = origin

    def token(self, page: str = "/sign-in") -> str:
        found = re.search(r'name="_token" value="([0-9a-f]{64})"', self.get(page, headers=PAGE).text)
        assert found, page
        return found[1]

    def fill(self, path: str, page: str = "/sign-in", **fields: Any) -> Any:
        """Fill in the form of a page and send it."""
        return self.post(
            path, data={"_token": self.token(page), **fields}, headers={**PAGE, "origin": self.origin}
        )

    def sign_in(self, name: str, password: str = SECRET, next: str = "/") -> Any:
        return self.fill("/sign-in", name=name, password=password, next=next)

    @property
    def cookie(self) -> str:
        return self.cookies.get("__Host-groundwork", "")


def key_of(workspace: Any, role: str, tenant: str = "default", name: str = "") -> dict[str, str]:
    """Return the header that shows a new key of a role; an empty role: a key for the gateway alone."""
    principal = workspace.accounts.principal_in(tenant)
    secret, _ = workspace.keys.create(
        principal, name or f"{role or 'plain'} {tenant}", role=role, access=None
    )
    return {"authorization": f"Bearer {secret}"}
