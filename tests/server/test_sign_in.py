"""Signing in over HTTP: cookies, tokens of forms, other origins, fixation, throttling, invitations, one's own account."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from groundwork.server.signing_in import safe_next
from tests.accounts.conftest import SECRET
from tests.server.people import ORIGIN, PAGE, Browser, app_of, key_of, workspace_of_people


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Workspace]:
    made = workspace_of_people(tmp_path_factory.mktemp("people"))
    yield made
    made.close()


@pytest.fixture(scope="module")
def app(home: Workspace) -> Any:
    return app_of(home)


@pytest.fixture(autouse=True)
def _nobody_guessed(home: Workspace) -> None:
    home.accounts.__dict__.pop("throttle", None)


@pytest.fixture
def browser(app: Any) -> Browser:
    return Browser(app)


def test_who_is_not_signed_in_is_led_to_the_page_and_back_and_programs_get_a_problem(
    browser: Browser,
) -> None:
    page = browser.get("/answers?app=default", headers=PAGE)
    assert page.status_code == 303
    assert page.headers["location"] == "/sign-in?next=%2Fanswers%3Fapp%3Ddefault"
    problem = browser.get("/api/answers")
    assert (problem.status_code, problem.json()["code"]) == (401, "unauthenticated")
    assert problem.headers["www-authenticate"] == "Bearer"
    assert browser.get("/answers").status_code == 401
    part = browser.get("/jobs", headers={"hx-request": "true", **PAGE})
    assert (part.status_code, part.headers["hx-redirect"]) == (401, "/sign-in")
    assert browser.fill("/ask", question="why").headers["location"] == "/sign-in"


def test_after_sign_in_the_browser_has_a_cookie_that_no_script_and_no_other_host_gets(
    browser: Browser,
) -> None:
    done = browser.sign_in("Ann", next="/settings/users")
    assert (done.status_code, done.headers["location"]) == (303, "/settings/users")
    (cookie,) = [c for c in done.headers.get_list("set-cookie") if c.startswith("__Host-groundwork=")]
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=strict"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    page = browser.get("/settings/users", headers=PAGE)
    assert page.status_code == 200
    assert "Sign out" in page.text
    assert "strict-transport-security" in page.headers
    assert browser.cookie not in page.text


@pytest.mark.parametrize("name", ["ann", "nobody", "", "x" * 200])
def test_a_wrong_sign_in_says_the_same_for_every_name(browser: Browser, name: str) -> None:
    done = browser.sign_in(name, "not the password")
    assert done.status_code == 403
    assert "The name or the password is not right" in done.text
    assert browser.cookie == ""


def test_guessing_is_slowed_down_and_says_when_to_come_again(browser: Browser, app: Any) -> None:
    answers = [browser.sign_in("bea", f"guess {n}") for n in range(7)]
    assert [a.status_code for a in answers] == [403] * 5 + [429] * 2
    assert int(answers[-1].headers["retry-after"]) >= 1
    right = browser.sign_in("bea")
    assert right.status_code == 429
    elsewhere = Browser(app, address="198.51.100.7")
    assert elsewhere.sign_in("bea").status_code == 303
    refused = browser.post("/api/session", json={"name": "bea", "password": SECRET})
    assert (refused.status_code, refused.json()["code"]) == (429, "rate_limited")
    assert refused.headers["retry-after"]


def test_a_form_without_its_token_signs_nobody_in(browser: Browser) -> None:
    for fields in ({}, {"_token": ""}, {"_token": "0" * 64}):
        sent = browser.post("/sign-in", data={"name": "ann", "password": SECRET, **fields}, headers=PAGE)
        assert sent.status_code == 403
    assert browser.cookie == ""


def test_the_token_of_a_page_from_before_the_sign_in_sends_nothing_after_it(browser: Browser) -> None:
    before = browser.token()
    browser.sign_in("ann")
    sent = browser.post("/account/tenant", data={"_token": before, "tenant": "north"}, headers=PAGE)
    assert sent.status_code == 403
    other = Browser(browser.app)
    other.sign_in("ann")
    sent = browser.post(
        "/account/tenant", data={"_token": other.token("/account"), "tenant": "north"}, headers=PAGE
    )
    assert sent.status_code == 403


def test_a_planted_cookie_is_not_the_one_after_the_sign_in(browser: Browser, home: Workspace) -> None:
    planted = home.accounts.sessions.open("default", user_id=home.accounts.users.get(LOCAL, "vera").id)
    browser.cookies.set("__Host-groundwork", planted, domain="gw.example")
    assert browser.sign_in("ann").status_code == 303
    assert browser.get("/api/session").json()["name"] == "user:ann"
    stolen = Browser(browser.app)
    stolen.cookies.set("__Host-groundwork", planted, domain="gw.example")
    assert stolen.get("/api/session").status_code == 401


def test_signing_out_kills_the_session_and_takes_the_cookie_back(browser: Browser) -> None:
    browser.sign_in("ann")
    kept = browser.cookie
    out = browser.fill("/sign-out", page="/account")
    assert (out.status_code, out.headers["location"]) == (303, "/sign-in")
    assert browser.cookie == ""
    browser.cookies.set("__Host-groundwork", kept, domain="gw.example")
    assert browser.get("/api/session").status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"origin": "https://evil.example"},
        {"origin": "null"},
        {"origin": "http://gw.example"},
        {"origin": "https://gw.example.evil.example"},
        {"sec-fetch-site": "cross-site"},
        {"sec-fetch-site": "same-site"},
        {},
        {"x-groundwork-token": "0" * 64},
        {"x-groundwork-token": "é"},
    ],
)
def test_a_stolen_cookie_on_another_origin_changes_nothing(
    browser: Browser, home: Workspace, headers: dict[str, str]
) -> None:
    browser.sign_in("ann")
    sent = browser.post(
        "/api/users", json={"name": "mallory"}, headers={k: v.encode() for k, v in headers.items()}
    )
    assert sent.status_code == 403
    assert "mallory" not in [u.name for u in home.accounts.users.list(LOCAL)]


def test_an_origin_that_may_send_requests_may_not_use_the_cookie(home: Workspace) -> None:
    browser = Browser(app_of(home, origins=["https://intranet.example"]))
    browser.sign_in("ann")
    foreign = {"origin": "https://intranet.example"}
    assert browser.post("/api/users", json={"name": "mallory"}, headers=foreign).status_code == 403
    with_key = {**foreign, **key_of(home, "admin", name="intranet")}
    assert browser.delete("/api/users/usr_none", headers=with_key).status_code == 404


def test_a_page_of_ours_writes_with_its_origin_and_a_script_with_the_token(browser: Browser) -> None:
    browser.sign_in("ann")
    assert browser.delete("/api/users/usr_none", headers={"origin": ORIGIN}).status_code == 404
    assert browser.delete("/api/users/usr_none", headers={"sec-fetch-site": "same-origin"}).status_code == 404
    token = browser.get("/api/session").json()["token"]
    assert browser.delete("/api/users/usr_none", headers={"x-groundwork-token": token}).status_code == 404


def test_a_key_that_is_shown_counts_alone(browser: Browser, home: Workspace) -> None:
    browser.sign_in("ann")
    viewer = key_of(home, "viewer", name="alone")
    assert browser.get("/api/users", headers=viewer).status_code == 403
    plain = key_of(home, "", name="gateway only")
    refused = browser.get("/api/answers", headers=plain)
    assert refused.status_code == 403
    for wrong in ("Bearer gw_x", "Bearer ", "Basic YTpi", "gw_", "Bearer gw_" + "A" * 49):
        assert browser.get("/api/answers", headers={"authorization": wrong}).status_code == 401
    assert browser.get("/api/answers", headers={"x-api-key": viewer["authorization"][7:]}).status_code == 200


@pytest.mark.parametrize("cookie", ["", "x", "A" * 43, "%00", "a" * 5000])
def test_a_malformed_cookie_is_nobodys(browser: Browser, cookie: str) -> None:
    answer = browser.get("/api/answers", headers={"cookie": f"__Host-groundwork={cookie}"})
    assert answer.status_code == 401


def test_the_cookie_without_prefix_is_heard_on_plain_loopback_alone(home: Workspace, app: Any) -> None:
    cookie = home.accounts.sessions.open("default", user_id=home.accounts.users.get(LOCAL, "ann").id)
    plain = {"cookie": f"groundwork={cookie}"}
    assert (
        Browser(app, "http://127.0.0.1:8700", "127.0.0.1").get("/api/session", headers=plain).status_code
        == 200
    )
    assert Browser(app).get("/api/session", headers=plain).status_code == 401
    assert Browser(app, "http://gw.example").get("/api/session", headers=plain).status_code == 401


def test_a_browser_that_keeps_no_secure_cookie_on_plain_loopback_gets_one_without_prefix(app: Any) -> None:
    # The client of the tests is one: it sends no Secure cookie without TLS.
    browser = Browser(app, "http://127.0.0.1:8700", "127.0.0.1")
    done = browser.sign_in("ann", next="/account")
    assert done.headers["location"].startswith("/sign-in/done?")
    again = browser.get(done.headers["location"])
    assert (again.status_code, again.headers["location"]) == (303, "/account")
    assert browser.get("/account", headers=PAGE).status_code == 200
    other = Browser(app, "http://127.0.0.1:8700", "127.0.0.1")
    done = other.sign_in("ann")
    stranger = Browser(app, "http://127.0.0.1:8700", "127.0.0.1")
    stranger.token()
    assert stranger.get(done.headers["location"]).status_code == 400
    assert stranger.get("/account", headers=PAGE).status_code == 303


def test_the_token_of_the_first_start_signs_in_by_form_and_without_a_script(
    home: Workspace, app: Any
) -> None:
    token = home.accounts.tokens.another("first")
    browser = Browser(app)
    assert browser.fill("/sign-in", token=token, next="/keys").headers["location"] == "/keys"
    who = browser.get("/api/session").json()
    assert (who["role"], who["via"], who["title"]) == ("admin", "session", "first")
    assert browser.get("/account", headers=PAGE).status_code == 200
    plain = key_of(home, "", name="no role")["authorization"][7:]
    assert "no role" in Browser(app).fill("/sign-in", token=plain).text
    assert Browser(app).fill("/sign-in", token="gw_nonsense").status_code == 403
    home.keys.revoke(LOCAL, "first")
    assert browser.get("/api/session").status_code == 401


def test_signing_in_over_json_gives_the_same_cookie(browser: Browser) -> None:
    for body in ({}, {"name": "ann"}, {"name": "ann", "password": "no"}, {"token": "gw_x"}, {"other": 1}):
        assert browser.post("/api/session", json=body).status_code in (400, 401, 422)
    made = browser.post("/api/session", json={"name": "otto", "password": SECRET})
    assert made.status_code == 201
    assert (made.json()["role"], made.json()["tenant"]) == ("operator", "default")
    assert "metrics.read" in made.json()["permissions"]
    assert browser.get("/api/session").json()["name"] == "user:otto"
    assert browser.delete("/api/session", headers={"origin": ORIGIN}).status_code == 204
    assert browser.get("/api/session").status_code == 401
    nora = browser.post("/api/session", json={"name": "nora", "password": SECRET, "tenant": "default"})
    assert nora.status_code == 401


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("/answers?app=x", "/answers?app=x"),
        ("/", "/"),
        ("", "/"),
        ("//evil.example", "/"),
        ("///evil.example", "/"),
        ("/\\evil.example", "/"),
        ("\\\\evil.example", "/"),
        ("https://evil.example/", "/"),
        ("javascript:alert(1)", "/"),
        ("/\tevil", "/"),
        ("/a\nSet-Cookie: x=y", "/"),
        ("answers", "/"),
        ("/sign-in?next=/sign-in", "/"),
        ("/api/answers", "/"),
        ("/%2F%2Fevil.example", "/%2F%2Fevil.example"),
        ("/" + "a" * 3000, "/"),
        ("/ä", "/"),
        ("http://[", "/"),
    ],
)
def test_after_sign_in_only_pages_of_this_server_follow(wanted: str, found: str) -> None:
    assert safe_next(wanted) == found


def test_an_invitation_opens_once_and_signs_in(home: Workspace, app: Any) -> None:
    admin = Browser(app)
    admin.sign_in("ann")
    made = admin.fill(
        "/settings/users", page="/settings/users", name="ina@example.com", role="builder", how="invite"
    )
    page = admin.get(made.headers["location"], headers=PAGE).text
    link = re.search(rf"{ORIGIN}/invitation#token=(inv_[\w-]+)", page)
    assert link
    assert "inv_" not in admin.get(made.headers["location"], headers=PAGE).text
    guest = Browser(app)
    for fields in ({"password": SECRET, "again": "x"}, {"password": "short", "again": "short"}):
        assert guest.fill("/invitation", page="/invitation", token=link[1], **fields).status_code == 400
    good = {"password": SECRET + " i", "again": SECRET + " i"}
    for wrong in (link[1][:-1], link[1] + "A", "inv_", "inv_AAAA", "é", ""):
        assert guest.fill("/invitation", page="/invitation", token=wrong, **good).status_code == 403
    assert guest.fill("/invitation", page="/invitation", token=link[1], **good).status_code == 303
    assert guest.get("/api/session").json()["name"] == "user:ina@example.com"
    assert Browser(app).fill("/invitation", page="/invitation", token=link[1], **good).status_code == 403


def test_an_invitation_ends_with_time_and_with_its_user(home: Workspace) -> None:
    from groundwork.core.errors import UnauthenticatedError

    user = home.accounts.users.create(LOCAL, "late").id
    old = home.accounts.invitations.make(user, hours=-1)
    fresh = home.accounts.invitations.make(user)
    home.accounts.users.disable(LOCAL, user)
    for token in (old, fresh):
        with pytest.raises(UnauthenticatedError, match="does not open"):
            home.accounts.invitations.open(token)


def test_ones_own_password_needs_the_present_one_and_ends_other_sessions(home: Workspace, app: Any) -> None:
    home.accounts.users.create(LOCAL, "pia", password=SECRET)
    here, there = Browser(app), Browser(app)
    here.sign_in("pia")
    there.sign_in("pia")
    new = {"password": SECRET + " new", "again": SECRET + " new"}
    assert here.fill("/account/password", page="/account", current="wrong", **new).status_code == 403
    assert here.fill("/account/password", page="/account", current=SECRET, **new).status_code == 303
    assert here.get("/api/account").json()["user"]["name"] == "pia"
    assert there.get("/api/account").status_code == 401
    body = {"current": SECRET + " new", "new": SECRET}
    assert here.post("/api/account/password", json=body, headers={"origin": ORIGIN}).status_code == 204
    key = key_of(home, "viewer", name="no password")
    assert here.post("/api/account/password", json=body, headers=key).status_code == 409


def test_own_sessions_are_seen_and_ended(app: Any) -> None:
    here, there = Browser(app), Browser(app)
    here.sign_in("vera")
    there.sign_in("vera")
    rows = here.get("/api/account/sessions").json()
    other = next(r["id"] for r in rows if not r["current"])
    assert here.fill(f"/account/sessions/{other}/end", page="/account").status_code == 303
    assert there.get("/api/session").status_code == 401
    mine = here.get("/api/account/sessions").json()[0]["id"]
    ann = Browser(app)
    ann.sign_in("ann")
    assert ann.delete(f"/api/account/sessions/{mine}", headers={"origin": ORIGIN}).status_code == 404
    assert here.get("/api/session").status_code == 200


def test_a_member_of_two_workspaces_switches_in_the_session(home: Workspace, app: Any) -> None:
    user = home.accounts.users.create(LOCAL, "tess", role="operator", password=SECRET)
    browser = Browser(app)
    browser.sign_in("tess")
    assert browser.fill("/account/tenant", page="/account", tenant="north").status_code == 404
    home.accounts.users.join(LOCAL, user.id, "north", role="viewer")
    assert browser.fill("/account/tenant", page="/account", tenant="north").status_code == 303
    who = browser.get("/api/session").json()
    assert (who["tenant"], who["role"]) == ("north", "viewer")
    assert browser.get("/api/users").status_code == 403
    home.accounts.users.leave(home.accounts.principal_in("north"), user.id)
    assert browser.get("/api/session").status_code == 401


def test_what_is_disabled_revoked_or_expired_is_out_at_the_next_request(home: Workspace, app: Any) -> None:
    home.accounts.users.create(LOCAL, "dora", role="builder", password=SECRET)
    browser = Browser(app)
    browser.sign_in("dora")
    assert browser.get("/api/answers").status_code == 200
    home.accounts.users.disable(LOCAL, "dora")
    assert browser.get("/api/answers").status_code == 401
    assert browser.sign_in("dora").status_code == 403
    shown = key_of(home, "builder", name="soon gone")
    assert browser.get("/api/answers", headers=shown).status_code == 200
    home.keys.revoke(LOCAL, "soon gone")
    assert browser.get("/api/answers", headers=shown).status_code == 401


def test_the_rail_offers_only_rooms_that_may_be_entered(app: Any) -> None:
    viewer, admin = Browser(app), Browser(app)
    viewer.sign_in("vera")
    admin.sign_in("ann")
    for room, allowed in (("/keys", False), ("/settings", False), ("/answers", True)):
        assert (f'href="{room}" data-key' in viewer.get("/account", headers=PAGE).text) is allowed
        assert f'href="{room}" data-key' in admin.get("/account", headers=PAGE).text
        assert (viewer.get(room, headers=PAGE).status_code == 200) is allowed
    nora = Browser(app)
    nora.sign_in("nora")
    page = nora.get("/settings/users", headers=PAGE)
    assert page.status_code == 200
    assert 'href="/settings/users" data-key' in page.text
    assert nora.get("/settings", headers=PAGE).status_code == 403
    assert nora.get("/metrics").status_code == 403


def test_admins_see_change_and_remove_users_on_their_pages(home: Workspace, app: Any) -> None:
    admin = Browser(app)
    admin.sign_in("ann")
    new = {
        "name": "uwe",
        "title": "Uwe <b>",
        "role": "viewer",
        "how": "password",
        "password": SECRET,
        "again": SECRET,
    }
    made = admin.fill("/settings/users", page="/settings/users", **new)
    where = made.headers["location"].partition("?")[0]
    page = admin.get(where, headers=PAGE).text
    assert "Uwe &lt;b&gt;" in page
    assert admin.fill(where, page=where, role="operator", title="Uwe", access="").status_code == 303
    found = home.accounts.users.get(LOCAL, "uwe")
    assert (found.role, found.access) == ("operator", None)
    for act in ("disable", "end-sessions", "invite"):
        assert admin.fill(f"{where}/{act}", page=where).status_code == 303
    assert home.accounts.users.get(LOCAL, "uwe").state == "disabled"
    assert admin.fill(f"{where}/disable", page=where, again="yes").status_code == 303
    other = {"password": SECRET + " u", "again": SECRET + " u"}
    assert admin.fill(f"{where}/password", page=where, **other).status_code == 303
    assert admin.get(f"{where}/remove", headers=PAGE).status_code == 200
    assert admin.fill(f"{where}/remove", page=where).status_code == 303
    assert admin.get(where, headers=PAGE).status_code == 404
    operator = Browser(app)
    operator.sign_in("otto")
    seen = operator.get("/settings/users", headers=PAGE)
    assert seen.status_code == 200
    assert "Make the user" not in seen.text


def test_workspaces_are_made_filled_and_removed_on_their_page(home: Workspace, app: Any) -> None:
    admin = Browser(app)
    admin.sign_in("ann")
    page = "/settings/tenants"
    assert admin.fill(page, page=page, name="south", title="South").status_code == 303
    assert "South" in admin.get("/account", headers=PAGE).text
    assert admin.fill(f"{page}/south/members", page=page, user="vera", role="viewer").status_code == 303
    assert admin.fill(f"{page}/south/remove", page=page).status_code == 303
    assert "South" not in admin.get(page, headers=PAGE).text
    assert admin.fill(f"{page}/default/remove", page=page).status_code == 409
    nora = Browser(app)
    nora.sign_in("nora")
    assert "default" not in nora.get(page, headers=PAGE).text.partition("<tbody>")[2].partition("</tbody>")[0]
    made = nora.post("/api/tenants", json={"name": "west"}, headers={"origin": ORIGIN})
    assert made.status_code == 403


def test_a_removed_user_is_an_id_in_every_record(home: Workspace, app: Any, tmp_path: Path) -> None:
    home.accounts.users.create(LOCAL, "rita", role="operator", password=SECRET)
    browser = Browser(app)
    browser.sign_in("rita")
    document = tmp_path / "leave.md"
    document.write_text("# Leave\n\nEvery employee has 28 days of paid leave a year.\n")
    home.ingest([document])
    asked = browser.post(
        "/api/ask", json={"question": "How many days of leave?"}, headers={"origin": ORIGIN}
    ).json()["id"]
    made = browser.post("/api/keys", json={"name": "by rita", "role": "viewer"}, headers={"origin": ORIGIN})
    assert made.status_code == 201
    assert home.answer(asked).principal == "user:rita"
    home.telemetry.fresh()
    user = home.accounts.users.get(LOCAL, "rita")
    gone = Browser(app)
    gone.sign_in("ann")
    removed = gone.delete("/api/users/rita", headers={"origin": ORIGIN})
    assert removed.status_code == 200
    assert removed.json()["records"] >= 2
    assert home.answer(asked).principal == f"user:{user.id}"
    assert home.keys.get(LOCAL, "by rita").created_by == f"user:{user.id}"
    assert browser.get("/api/session").status_code == 401
    home.telemetry.fresh()
    for database in (home.rooms.database, home.telemetry.database):
        assert database.path
        for file in database.path.parent.glob(f"{database.path.name}*"):
            assert b"user:rita" not in file.read_bytes(), file.name


def test_nobody_gives_a_key_more_than_they_hold_over_http_and_on_the_page(home: Workspace, app: Any) -> None:
    operator = Browser(app)
    operator.sign_in("otto")
    own = {"origin": ORIGIN}
    admin_key = home.keys.create(LOCAL, "of the admin", role="admin", access=None)[1]
    for body in ({"role": "admin"}, {"scopes": ["admin"]}, {"scopes": ["chat", "admin"], "role": "viewer"}):
        made = operator.post("/api/keys", json={"name": f"more {body}", **body}, headers=own)
        assert made.status_code == (201 if body.get("role") == "viewer" else 403), made.text
        if made.status_code == 201:
            assert made.json()["role"] == "viewer"
    made = operator.post("/api/keys", json={"name": "equal", "role": "operator"}, headers=own).json()
    assert (made["role"], made["access"]) == ("operator", None)
    for change in ({"role": "admin"}, {"scopes": ["admin"]}):
        assert operator.patch(f"/api/keys/{made['id']}", json=change, headers=own).status_code == 403
    assert operator.patch(f"/api/keys/{admin_key.id}", json={"name": "mine"}, headers=own).status_code == 403
    assert operator.post(f"/api/keys/{admin_key.id}/revoke", headers=own).status_code == 403
    fields = {"name": "on the page", "may": "chat"}
    assert operator.fill("/keys", page="/keys", role="admin", **fields).status_code == 403
    shown = operator.get("/keys", headers=PAGE).text
    assert ">operator</option>" in shown
    assert ">admin</option>" not in shown
    assert operator.fill("/keys", page="/keys", role="builder", **fields).status_code == 303
    assert home.keys.get(LOCAL, "on the page").role == "builder"


def test_a_return_from_the_provider_is_good_once_and_in_its_own_browser(tmp_path: Path) -> None:
    from urllib.parse import parse_qs, urlsplit

    from tests.accounts.provider import Provider
    from tests.workspaces import LIGHT

    provider = Provider(client_secret="")
    oidc = f'\n[oidc]\nissuer = "{provider.issuer}"\nclient_id = "groundwork"\nroles = {{ engineers = "builder" }}\n'
    home = workspace_of_people(tmp_path / "home", LIGHT + oidc)
    try:
        app = app_of(home)
        browser, stranger = Browser(app), Browser(app)
        page = browser.fill("/sign-in/provider", next="/answers")
        target = re.search(r'href="(http://127[^"]+)"', page.text)
        assert target
        address = target[1].replace("&amp;", "&")
        code, state = provider.grant(address), parse_qs(urlsplit(address).query)["state"][0]
        assert parse_qs(urlsplit(address).query)["redirect_uri"] == [f"{ORIGIN}/sign-in/return"]
        back = browser.get(f"/sign-in/return?state={state}&code={code}", headers=PAGE)
        finish = re.search(r'href="(/sign-in/finish[^"]+)"', back.text)
        assert finish
        finish_at = finish[1].replace("&amp;", "&")
        browser_cookie = browser.cookies.get("groundwork_oidc")
        assert browser_cookie
        done = browser.get(finish_at, headers=PAGE)
        assert (done.status_code, done.headers["location"]) == (303, "/answers")
        assert browser.get("/api/session").json()["name"] == "user:ann@example.com"
        browser.cookies.set("groundwork_oidc", browser_cookie, domain="gw.example")
        again = browser.get(finish_at, headers=PAGE)
        assert again.status_code == 403
        assert "belongs to no sign-in" in again.text
        page = browser.fill("/sign-in/provider", page="/sign-in")
        state = parse_qs(re.search(r'href="(http://127[^"]+)"', page.text)[1].replace("&amp;", "&"))["state"][
            0
        ]  # type: ignore[index]
        assert stranger.get(f"/sign-in/finish?state={state}&code=x", headers=PAGE).status_code == 403
        assert stranger.cookie == ""
        refused = stranger.get("/sign-in/finish?state=x&error=access_denied", headers=PAGE)
        assert refused.status_code == 403
        hostile = stranger.get('/sign-in/return?state="><script>&code=x', headers=PAGE).text
        assert "<script>&" not in hostile
    finally:
        home.close()
        provider.close()


def test_with_sign_in_off_whoever_is_on_this_machine_is_the_owner(home: Workspace) -> None:
    from groundwork.server.application import create_app

    local = Browser(create_app(home), "http://127.0.0.1:8700", "127.0.0.1")
    who = local.get("/api/session").json()
    assert (who["name"], who["via"], who["role"]) == ("local", "machine", "admin")
    assert "Sign out" not in local.get("/account", headers=PAGE).text
