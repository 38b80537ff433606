"""A person signs in with a real browser: by the address of the first start, by name, by invitation, and over a provider."""

from __future__ import annotations

import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.core.settings import OidcSpec
from groundwork.server.application import create_app
from groundwork.server.doorkeeper import AccountsDoorkeeper
from tests.accounts.conftest import SECRET
from tests.accounts.provider import Provider
from tests.console.test_browser import DESKTOP, PHONE, Person, browser
from tests.console.test_browser import pytestmark as pytestmark
from tests.server.people import workspace_of_people

__all__ = ["browser"]


class Server:
    """An application that asks for sign-in, on a free port of this machine, in a thread."""

    def __init__(self, workspace: Workspace) -> None:
        import uvicorn

        self.socket = socket.socket()
        self.socket.bind(("127.0.0.1", 0))
        self.port = self.socket.getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        app = create_app(workspace, doorkeeper=AccountsDoorkeeper(workspace.accounts))
        self.server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="on"))
        self.thread = threading.Thread(target=self.server.run, kwargs={"sockets": [self.socket]}, daemon=True)
        self.thread.start()
        while not self.server.started:
            time.sleep(0.01)

    def stop(self) -> None:
        self.server.should_exit = True
        self.thread.join(10)
        self.socket.close()


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = workspace_of_people(tmp_path_factory.mktemp("people"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def server(home: Workspace) -> Iterator[Server]:
    made = Server(home)
    yield made
    made.stop()


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost"])
def test_the_address_of_the_first_start_signs_in_and_the_browser_keeps_the_secure_cookie(
    browser: Any, server: Server, home: Workspace, host: str
) -> None:
    token = home.accounts.tokens.another(f"first at {host}")
    url = f"http://{host}:{server.port}"
    person = Person(browser, url, viewport=DESKTOP)
    page = person.page
    page.goto(f"/sign-in#token={token}")
    page.wait_for_url(f"{url}/")
    kept = {c["name"]: c for c in person.context.cookies()}
    cookie = kept["__Host-groundwork"]
    assert (cookie["secure"], cookie["httpOnly"], cookie["sameSite"], cookie["path"]) == (
        True,
        True,
        "Strict",
        "/",
    )
    assert "groundwork" not in kept
    page.go_back()
    assert token not in page.url
    page.goto("/account")
    assert page.get_by_role("heading", level=1).inner_text() == f"first at {host}"
    page.get_by_role("button", name="Sign out").click()
    page.wait_for_url("**/sign-in")
    page.goto("/account")
    assert "/sign-in?next=%2Faccount" in page.url
    person.check()


def test_a_page_of_another_origin_gets_nothing_with_the_cookie(browser: Any, server: Server) -> None:
    person = Person(browser, server.url, viewport=DESKTOP)
    page = person.page
    _sign_in(page, "ann")
    evil = f"http://localhost:{server.port}"
    page.goto(f"{evil}/sign-in")
    answer = page.evaluate(
        """async (url) => {
             try { const r = await fetch(url + "/api/users", {method: "POST", credentials: "include", mode: "no-cors",
                     body: JSON.stringify({name: "mallory"})}); return r.type + r.status; }
             catch (error) { return "refused"; } }""",
        server.url,
    )
    assert answer in ("refused", "opaque0")
    page.goto(f"{server.url}/settings/users")
    assert "mallory" not in page.content()
    person.context.close()


@pytest.mark.parametrize("size", [DESKTOP, PHONE], ids=["desktop", "phone"])
def test_a_person_signs_in_by_name_with_the_keyboard_and_goes_where_they_wanted(
    browser: Any, server: Server, size: dict[str, int]
) -> None:
    person = Person(browser, server.url, viewport=size)
    page = person.page
    page.goto("/settings/users")
    page.keyboard.type("ann")
    page.keyboard.press("Tab")
    page.keyboard.type("wrong")
    page.keyboard.press("Enter")
    page.wait_for_selector("[role=alert]")
    assert "is not right" in page.locator("[role=alert]").inner_text()
    # The refusal itself is a 403, which browsers write into their console.
    person.faults.clear()
    page.keyboard.type(SECRET)
    page.keyboard.press("Enter")
    page.wait_for_url("**/settings/users")
    assert page.get_by_role("heading", level=1).inner_text() == "Users"
    person.check()


def test_pages_of_sign_in_and_accounts_pass_axe(browser: Any, server: Server, home: Workspace) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    ann = home.accounts.users.get(LOCAL, "ann")
    bea = home.accounts.users.get(LOCAL, "bea")
    for scheme in ("light", "dark"):
        person = Person(browser, server.url, viewport=DESKTOP, color_scheme=scheme)
        page = person.page
        pages = ["/sign-in", "/invitation"]
        for path in pages:
            page.goto(path)
            assert axe.run(page).violations_count == 0, (scheme, path, axe.run(page).generate_report())
        _sign_in(page, "ann")
        for path in ("/account", "/settings/users", f"/settings/users/{bea.id}", f"/settings/users/{ann.id}",
                     f"/settings/users/{bea.id}/remove", "/settings/tenants"):  # fmt: skip
            page.goto(path)
            found = axe.run(page)
            assert found.violations_count == 0, (scheme, path, found.generate_report())
        person.check()


def test_an_admin_invites_somebody_who_sets_a_password(browser: Any, server: Server) -> None:
    admin = Person(browser, server.url, viewport=DESKTOP)
    page = admin.page
    _sign_in(page, "ann")
    page.goto("/settings/users")
    page.get_by_label("Name to sign in with").fill("ina@example.com")
    page.get_by_role("button", name="Make the user").click()
    page.wait_for_selector("#invitation")
    link = page.locator("#invitation").inner_text()
    admin.check()
    guest = Person(browser, server.url, viewport=DESKTOP)
    page = guest.page
    page.goto(link)
    assert page.get_by_label("Invitation").input_value().startswith("inv_")
    assert "#" not in page.url
    page.get_by_label("New password").fill(SECRET + " ina")
    page.get_by_label("The same again").fill(SECRET + " ina")
    page.get_by_role("button", name="Set it and sign in").click()
    page.wait_for_url(f"{server.url}/")
    assert page.locator("a[href='/account']", has_text="ina@example.com").first.text_content()
    guest.check()


def test_a_person_signs_in_over_a_provider_although_strict_cookies_stay_away_on_the_way_back(
    browser: Any, tmp_path: Path
) -> None:
    provider = Provider()
    home = workspace_of_people(tmp_path / "home")
    spec = OidcSpec(
        issuer=provider.issuer, client_id=provider.client_id, client_secret="env:OIDC_SECRET", title="Example",
        roles={"engineers": "builder"},
    )  # fmt: skip
    object.__setattr__(home.resolved, "spec", home.spec.model_copy(update={"oidc": spec}))
    home.secrets._environment = {"OIDC_SECRET": provider.client_secret}  # type: ignore[attr-defined]
    server = Server(home)
    # Another site than the provider's: cookies that are SameSite=Strict do not come along from there.
    url = f"http://localhost:{server.port}"
    person = Person(browser, url, viewport=DESKTOP)
    try:
        page = person.page
        page.goto("/answers?app=default")
        page.get_by_role("button", name="Go on with Example").click()
        page.wait_for_url(f"{url}/answers?app=default")
        assert page.locator("a[href='/account']", has_text="Ann Example").first.text_content()
        assert {c["name"] for c in person.context.cookies()} >= {"__Host-groundwork"}
        assert "groundwork_oidc" not in {c["name"] for c in person.context.cookies()}
        assert person.faults == []
        user = home.accounts.users.get(LOCAL, "ann@example.com")
        assert (user.role, user.signs_in) == ("builder", ("oidc",))
        # The same return once more, as from somebody who has seen the address.
        page.go_back()
        replay = [r for r in provider.asked if r == "/authorize"]
        assert len(replay) == 1
    finally:
        person.context.close()
        server.stop()
        home.close()
        provider.close()


def _sign_in(page: Any, name: str) -> None:
    page.goto("/sign-in")
    page.get_by_label("Name", exact=True).fill(name)
    page.get_by_label("Password").fill(SECRET)
    page.get_by_role("button", name="Sign in", exact=True).click()
    page.wait_for_url(lambda url: "/sign-in" not in url)
