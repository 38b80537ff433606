"""`groundwork user`, `tenant`, and roles of keys: people on the command line, with passwords that are never an argument."""

from __future__ import annotations

import io
import json
import sys

import pytest

from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL
from tests.cli.conftest import Done, House

SECRET = "seven brown otters whistle"


@pytest.fixture
def typed(monkeypatch: pytest.MonkeyPatch):
    """Put a text on standard input of the command lines that follow."""

    def put(text: str) -> None:
        monkeypatch.setattr(sys, "stdin", io.StringIO(text))

    put("")
    return put


def made(house: House, typed, *arguments: str) -> Done:
    typed(SECRET + "\n")
    done = house("user", "create", *arguments, "--password-stdin", "--json")
    assert done.code == 0, done.err + done.out
    return done


def test_a_user_is_made_listed_shown_changed_and_removed(house: House, typed) -> None:
    user = made(house, typed, "Ann@Example.com", "--role", "operator", "--title", "Ann").json
    assert (user["name"], user["role"], user["state"], user["invitation"]) == (
        "ann@example.com", "operator", "active", None,
    )  # fmt: skip
    assert SECRET not in json.dumps(user)
    assert [u["name"] for u in house("user", "list", "--json").json["users"]] == ["ann@example.com"]
    assert house("user", "role", "ann@example.com", "viewer", "--json").json["access"] == []
    assert house("user", "show", user["id"], "--json").json["tenants"] == [
        {"tenant": "default", "role": "viewer"}
    ]
    assert house("user", "disable", "ann@example.com", "--json").json["state"] == "disabled"
    assert house("user", "enable", "ann@example.com", "--json").json["state"] == "active"
    assert house("user", "remove", "ann@example.com").code == 2
    gone = house("user", "remove", "ann@example.com", "--yes", "--json").json
    assert gone["id"] == user["id"]
    assert house("user", "show", "ann@example.com").code == 2


def test_a_password_comes_from_standard_input_and_a_weak_one_is_refused(house: House, typed) -> None:
    made(house, typed, "ann")
    typed(SECRET + " two\n")
    assert house("user", "password", "ann", "--password-stdin").code == 0
    typed("short\n")
    refused = house("user", "password", "ann", "--password-stdin")
    assert refused.code == 2
    assert "15" in refused.err
    typed("")
    assert "--password-stdin" in house("user", "password", "ann").err
    workspace = Workspace.open(house.root)
    assert workspace.accounts.users.sign_in("ann", SECRET + " two")
    workspace.close()


def test_without_a_terminal_a_new_user_gets_an_invitation(house: House, typed) -> None:
    done = house("user", "create", "bob", "--json").json
    assert done["state"] == "invited"
    assert done["invitation"].startswith("http://127.0.0.1:8700/invitation#token=inv_")
    again = house("user", "invite", "bob", "--json").json["invitation"]
    workspace = Workspace.open(house.root)
    assert workspace.accounts.invitations.open(again.partition("token=")[2]) == done["id"]
    workspace.close()


def test_sessions_are_listed_and_ended(house: House, typed) -> None:
    user = made(house, typed, "ann").json
    workspace = Workspace.open(house.root)
    workspace.accounts.sessions.open("default", user_id=user["id"], agent="Browser")
    workspace.close()
    assert [s["agent"] for s in house("user", "sessions", "ann", "--json").json["sessions"]] == ["Browser"]
    assert house("user", "sessions", "ann", "--end", "--json").json["ended"] == 1
    assert house("user", "sessions", "ann", "--json").json["sessions"] == []


def test_a_token_signs_in_as_admin_and_only_its_hash_is_stored(house: House) -> None:
    token = house("user", "token", "--expires", "30d", "--json").json
    assert token["sign_in_url"] == f"http://127.0.0.1:8700/sign-in#token={token['token']}"
    workspace = Workspace.open(house.root)
    visitor = workspace.accounts.visitors.of_key(token["token"])
    assert (visitor.principal.role, visitor.principal.owner) == ("admin", True)
    assert workspace.keys.get(LOCAL, visitor.key_id).expires_at
    assert workspace.accounts.tokens.first() is None
    workspace.close()
    for file in (house.root / ".groundwork").glob("groundwork.db*"):
        assert token["token"].encode() not in file.read_bytes()


def test_workspaces_are_made_filled_listed_and_removed(house: House, typed) -> None:
    assert house("tenant", "create", "north", "--title", "North", "--json").json["name"] == "north"
    made(house, typed, "nora", "--tenant", "north", "--role", "admin")
    made(house, typed, "ann")
    assert house("tenant", "add", "north", "ann", "--role", "builder", "--json").json["role"] == "builder"
    listed = {t["name"]: t["members"] for t in house("tenant", "list", "--json").json["tenants"]}
    assert listed == {"default": 1, "north": 2}
    assert [u["name"] for u in house("user", "list", "--tenant", "north", "--json").json["users"]] == [
        "ann",
        "nora",
    ]
    assert len(house("user", "list", "--all", "--json").json["users"]) == 3
    assert house("tenant", "leave", "north", "ann", "--json").code == 0
    assert house("tenant", "leave", "north", "nora", "--json").code == 1
    assert house("user", "create", "x", "--tenant", "south", "--json").code == 2
    for name in ("default", "south"):
        assert house("tenant", "remove", name, "--yes").code != 0
    assert house("tenant", "remove", "north", "--yes", "--json").code == 0
    assert [t["name"] for t in house("tenant", "list", "--json").json["tenants"]] == ["default"]


def test_a_workspace_with_records_goes_only_when_told_to_take_them_along(house: House, typed) -> None:
    house("tenant", "create", "north")
    workspace = Workspace.open(house.root)
    north = workspace.accounts.principal_in("north")
    workspace.ingest([house.files], principal=north)
    workspace.ingest([house.files / "parking.md"])
    workspace.ask("When does the gate open, and is it locked at night?", principal=north)
    workspace.telemetry.fresh()
    kept = workspace.documents()[0]
    workspace.close()
    refused = house("tenant", "remove", "north", "--yes")
    assert refused.code == 1
    assert "1 answers" in refused.err
    erased = house("tenant", "remove", "north", "--erase", "--yes", "--json").json["erased"]
    assert erased["answers"] == 1
    workspace = Workspace.open(house.root)
    assert workspace.documents()[0] == kept
    assert workspace.document(kept[0].id).text.startswith("# Parking")
    assert not (house.root / ".groundwork" / "knowledge" / "north").exists()
    workspace.accounts.tenants.create(LOCAL, "north")
    again = workspace.accounts.principal_in("north")
    assert workspace.answers(again) == []
    assert workspace.documents(principal=again) == ([], 0)
    workspace.close()
    for file in (house.root / ".groundwork").glob("*.db*"):
        for word in (b"director earns", b"is it locked at night"):
            assert word not in file.read_bytes(), (file.name, word)


def test_a_key_gets_a_role_by_option_or_as_a_scope(house: House) -> None:
    viewer = house("key", "create", "reader", "--role", "viewer", "--json").json
    assert (viewer["role"], viewer["access"], viewer["scopes"]) == ("viewer", [], ["chat", "embed", "models"])
    admin = house("key", "create", "boss", "--scope", "admin", "--json").json
    assert (admin["role"], admin["access"]) == ("admin", None)
    narrow = house(
        "key", "create", "narrow", "--scope", "chat,builder", "--access", "group:hr", "--json"
    ).json
    assert (narrow["role"], narrow["scopes"], narrow["access"]) == ("builder", ["chat"], ["group:hr"])
    assert house("key", "create", "plain", "--json").json["role"] == ""
    assert house("key", "update", "plain", "--role", "operator", "--json").json["role"] == "operator"
    assert house("key", "update", "plain", "--role", "none", "--json").json["role"] == ""
    assert house("key", "create", "wrong", "--role", "owner").code == 2
    assert "role       admin" in house("key", "show", "boss").out


@pytest.mark.parametrize(
    "arguments",
    [
        ("user", "create", "a b"),
        ("user", "create", "ann", "--role", "owner"),
        ("user", "show", "nobody"),
        ("user", "role", "nobody", "viewer"),
        ("tenant", "create", "North!"),
        ("user", "create", "ann", "--password", SECRET),
    ],
)
def test_what_makes_no_sense_is_refused(house: House, typed, arguments: tuple[str, ...]) -> None:
    done = house(*arguments, "--json")
    assert done.code == 2
    assert done.json["error"]["hint"]
