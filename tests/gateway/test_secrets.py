"""Keys of providers at rest: sealed, bound to their name, opened by one master key alone."""

from __future__ import annotations

import base64
import os
import stat
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import select, update

from groundwork.core.errors import (
    DamagedError,
    GroundworkError,
    InvalidInputError,
    NotFoundError,
    SettingsError,
)
from groundwork.gateway.secrets import VARIABLE, Secrets
from groundwork.storage import tables as t
from groundwork.storage.database import Database

VALUE = "sk-live-7Hq2vN0dZ"


@pytest.fixture
def database(tmp_path: Path) -> Iterator[Database]:
    database = Database(tmp_path / "groundwork.db")
    database.migrate()
    yield database
    database.close()


@pytest.fixture
def master(tmp_path: Path) -> Path:
    return tmp_path / "data" / "secret.key"


@pytest.fixture
def secrets(database: Database, master: Path) -> Secrets:
    return Secrets(database, master, {})


def test_a_stored_secret_comes_back_and_can_be_replaced_and_removed(secrets: Secrets) -> None:
    secrets.put("openai", f"  {VALUE}\n")
    assert secrets.get("openai") == VALUE
    secrets.put("openai", "another")
    secrets.put("groq", "third")
    assert secrets.names() == ["groq", "openai"]
    assert secrets.resolve("secret:openai") == "another"
    secrets.remove("openai")
    assert secrets.names() == ["groq"]
    with pytest.raises(NotFoundError, match="openai"):
        secrets.remove("openai")


def test_no_file_of_the_workspace_holds_the_value(
    secrets: Secrets, database: Database, tmp_path: Path
) -> None:
    secrets.put("openai", VALUE)
    database.scrub()
    files = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert files
    assert not any(VALUE.encode() in path.read_bytes() for path in files)
    assert VALUE not in repr(secrets)


def test_the_master_key_is_for_its_owner_alone(secrets: Secrets, master: Path) -> None:
    secrets.put("openai", VALUE)
    assert stat.S_IMODE(master.stat().st_mode) == 0o600
    master.chmod(0o644)
    with pytest.raises(SettingsError, match="read by others") as caught:
        secrets.get("openai")
    assert "chmod 600" in caught.value.hint


def test_another_master_key_is_told_apart_from_damage(
    secrets: Secrets, database: Database, master: Path
) -> None:
    secrets.put("openai", VALUE)
    master.write_bytes(os.urandom(32))
    with pytest.raises(SettingsError, match="another master key") as caught:
        secrets.get("openai")
    assert "groundwork model secret set openai" in caught.value.hint
    master.unlink()
    with pytest.raises(SettingsError, match="is gone"):
        secrets.get("openai")


def test_every_changed_byte_of_what_is_stored_is_noticed(secrets: Secrets, database: Database) -> None:
    secrets.put("openai", VALUE)
    with database.read() as connection:
        sealed = base64.b64decode(connection.execute(select(t.secrets.c.sealed)).scalar_one())
    for at in range(len(sealed)):
        changed = base64.b64encode(sealed[:at] + bytes([sealed[at] ^ 1]) + sealed[at + 1 :]).decode()
        with database.write() as connection:
            connection.execute(update(t.secrets).values(sealed=changed))
        with pytest.raises(DamagedError):
            secrets.get("openai")


def test_a_secret_cannot_take_the_place_of_another(secrets: Secrets, database: Database) -> None:
    secrets.put("cheap", "cheap-value")
    secrets.put("dear", "dear-value")
    with database.write() as connection:
        dear = connection.execute(select(t.secrets.c.sealed).where(t.secrets.c.name == "dear")).scalar_one()
        connection.execute(update(t.secrets).where(t.secrets.c.name == "cheap").values(sealed=dear))
    with pytest.raises(DamagedError):
        secrets.get("cheap")


def test_equal_values_are_sealed_differently(secrets: Secrets, database: Database) -> None:
    secrets.put("one", VALUE)
    secrets.put("two", VALUE)
    with database.read() as connection:
        assert len(set(connection.execute(select(t.secrets.c.sealed)).scalars())) == 2


def test_rotation_seals_everything_anew(secrets: Secrets, database: Database, master: Path) -> None:
    secrets.put("one", "first")
    secrets.put("two", "second")
    before = master.read_bytes()
    assert secrets.rotate() == 2
    assert master.read_bytes() != before
    assert stat.S_IMODE(master.stat().st_mode) == 0o600
    assert Secrets(database, master, {}).get("one") == "first"
    master.write_bytes(before)
    with pytest.raises(SettingsError, match="another master key"):
        secrets.get("two")


@pytest.mark.parametrize("crash", ["before the rows", "before the file"])
def test_an_interrupted_rotation_loses_nothing(
    secrets: Secrets, master: Path, monkeypatch: pytest.MonkeyPatch, crash: str
) -> None:
    secrets.put("one", "first")
    where = "_write" if crash == "before the rows" else "_take_over"
    if where == "_take_over":
        monkeypatch.setattr(Secrets, where, lambda self: (_ for _ in ()).throw(KeyboardInterrupt))
    else:
        import groundwork.gateway.secrets as module

        monkeypatch.setattr(module, "update", lambda table: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        secrets.rotate()
    monkeypatch.undo()
    secrets.put("two", "second")
    assert secrets.get("one") == "first"
    assert secrets.rotate() == 2
    assert secrets.get("two") == "second"


def test_the_master_key_of_the_environment_is_used_and_checked(database: Database, master: Path) -> None:
    key = base64.b64encode(bytes(range(32))).decode()
    Secrets(database, master, {VARIABLE: key}).put("openai", VALUE)
    assert not master.exists()
    assert Secrets(database, master, {VARIABLE: f"{key}\n"}).get("openai") == VALUE
    for wrong in ("short", base64.b64encode(b"x" * 31).decode(), "no base64 at all!"):
        with pytest.raises(SettingsError, match=VARIABLE) as caught:
            Secrets(database, master, {VARIABLE: wrong}).get("openai")
        assert wrong not in str(caught.value.as_dict())
    with pytest.raises(SettingsError, match="cannot be changed from here"):
        Secrets(database, master, {VARIABLE: key}).rotate()
    new = base64.b64encode(bytes(32)).decode()
    assert Secrets(database, master, {VARIABLE: key}).rotate(new) == 1
    assert Secrets(database, master, {VARIABLE: new}).get("openai") == VALUE


def test_a_reference_is_resolved_or_says_the_next_step(database: Database, master: Path) -> None:
    secrets = Secrets(database, master, {"OPENAI_API_KEY": " sk-env \n", "EMPTY": ""})
    assert secrets.resolve("env:OPENAI_API_KEY") == "sk-env"
    assert secrets.resolve("") == ""
    with pytest.raises(SettingsError, match="`EMPTY` is not set"):
        secrets.resolve("env:EMPTY")
    with pytest.raises(SettingsError, match="no secret is called `openai`") as caught:
        secrets.resolve("secret:openai")
    assert "groundwork model secret set openai" in caught.value.hint
    with pytest.raises(SettingsError, match="env:NAME"):
        secrets.resolve("sk-pasted-by-mistake")


@pytest.mark.parametrize(
    ("name", "value"), [("", "x"), ("../up", "x"), ("a b", "x"), ("a" * 64, "x"), ("ok", ""), ("ok", " \n"),
                        ("ok", "a\nb"), ("ok", "x" * 20_000)],
)  # fmt: skip
def test_what_cannot_be_a_name_or_value_is_refused_without_repeating_it(
    secrets: Secrets, name: str, value: str
) -> None:
    with pytest.raises(InvalidInputError) as caught:
        secrets.put(name, value)
    assert len(value) < 3 or value not in str(caught.value.as_dict())
    assert secrets.names() == []


def test_no_error_repeats_a_value(secrets: Secrets, database: Database, master: Path) -> None:
    secrets.put("openai", VALUE)
    said: list[str] = []
    for spoil in (
        lambda: master.chmod(0o640),
        lambda: master.write_bytes(b"x" * 32),
        lambda: master.unlink(),
    ):
        spoil()
        try:
            secrets.get("openai")
        except GroundworkError as error:
            said.append(str(error.as_dict()))
        if master.exists():
            master.chmod(0o600)
    assert len(said) == 3
    assert not any(VALUE in text for text in said)
