"""The keys of providers at rest: AES-256-GCM under a master key that lies outside of the database.

What is sealed is bound to its name, so that rows cannot be exchanged. The master key is `GROUNDWORK_SECRET_KEY` (base64 of
32 bytes) where that is set, else a file that only its owner may read, made with the first secret.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import hashlib
import os
import re
import stat
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, delete, select, update

from groundwork.core.errors import DamagedError, InvalidInputError, NotFoundError, SettingsError
from groundwork.storage import tables as t
from groundwork.storage.database import Database, exclusive, insert_or_update
from groundwork.storage.faults import explain_os_error

VARIABLE = "GROUNDWORK_SECRET_KEY"
LONGEST = 16 * 1024
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{0,62}")
_CONTEXT = b"groundwork secret 1\x00"
_NONCE = 12
_LOCK = "secrets"


class Secrets:
    """The secrets of one workspace; for operators and for the gateway's own calls, never for a route or page.

    Args:
        master: file of the master key. environment: where `env:NAME` and the master key are looked up.
    """

    def __init__(
        self, database: Database, master: Path, environment: Mapping[str, str] | None = None
    ) -> None:
        self._database = database
        self._file = master
        self._environment = os.environ if environment is None else environment

    def __repr__(self) -> str:
        return "Secrets(…)"

    def put(self, name: str, value: str) -> None:
        """Store a secret, replacing one of that name; white space around it is cut.

        Raises:
            InvalidInputError: name or value cannot be one. SettingsError: see `get`.
        """
        if not _NAME.fullmatch(name):
            raise InvalidInputError(
                f"`{name[:80]}` cannot be the name of a secret",
                hint="take letters, digits, `_`, `-` and `.`, such as `openai`",
            )
        value = value.strip()
        if not value or len(value) > LONGEST or not value.isprintable():
            raise InvalidInputError(
                f"the value for `{name}` is empty, longer than {LONGEST:,} characters, or holds control characters",
                hint="nothing was changed; store the key alone, on one line",
            )
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            self._finish_rotation(connection)
            master = self._master(make=True)
            row = {
                "name": name,
                "sealed": _sealed(master, name, value),
                "master": fingerprint(master),
                "created_at": datetime.now(UTC).isoformat(),
            }
            insert_or_update(connection, t.secrets, row)

    def names(self) -> list[str]:
        """Return the names of the stored secrets, sorted."""
        with self._database.read() as connection:
            return list(connection.execute(select(t.secrets.c.name).order_by(t.secrets.c.name)).scalars())

    def remove(self, name: str) -> None:
        """Remove a secret.

        Raises:
            NotFoundError: there is none of that name.
        """
        with self._database.write() as connection:
            if not connection.execute(delete(t.secrets).where(t.secrets.c.name == name)).rowcount:
                raise self._missing(name)

    def get(self, name: str) -> str:
        """Return a secret.

        Raises:
            NotFoundError: there is none of that name.
            SettingsError: the master key is missing, may be read by others, or is not the one that sealed the secret.
            DamagedError: the stored bytes are not the ones that were sealed.
        """
        for again in (True, False):
            with self._database.read() as connection:
                row = connection.execute(
                    select(t.secrets.c.sealed, t.secrets.c.master).where(t.secrets.c.name == name)
                ).first()
            if row is None:
                raise self._missing(name)
            try:
                return _opened(self._master_of(name, row.master), name, row.sealed)
            except SettingsError:
                # Another process may have rotated the key between the row and the file.
                if not again:
                    raise
        raise AssertionError

    def resolve(self, reference: str) -> str:
        """Return what `env:NAME` or `secret:NAME` stands for, white space around it cut; "" for "".

        Raises:
            SettingsError: it is not there; the hint says what to do. See also `get`.
        """
        kind, _, name = reference.partition(":")
        if not reference:
            return ""
        if kind == "env":
            value = self._environment.get(name, "").strip()
            if not value:
                raise SettingsError(
                    f"the variable `{name}` is not set; a provider's key is to be there",
                    hint=f"set it before the start, or store the key: `groundwork model secret set NAME` "
                    f'and `key = "secret:NAME"` instead of `env:{name}`',
                )
            return value
        if kind != "secret":
            raise SettingsError(
                "a key is named `env:NAME` or `secret:NAME`", hint="see `key` of the provider"
            )
        try:
            return self.get(name)
        except NotFoundError as error:
            raise SettingsError(error.message, hint=error.hint) from None

    def rotate(self, master: str = "") -> int:
        """Seal every secret anew under another master key and return how many they are.

        A crash leaves either key with what it opens: the new file is put in place of the old one after the rows, and until
        then it lies beside it, where it is found.

        Args:
            master: the new key in base64. Empty: a random one, written to the file; where the environment holds the key, it
                must be given, and the environment be changed to it afterwards.

        Raises:
            SettingsError: see `get`; nothing was changed.
        """
        in_environment = bool(self._environment.get(VARIABLE))
        if in_environment and not master:
            raise SettingsError(
                f"the master key is in `{VARIABLE}`, which cannot be changed from here",
                hint="hand in the new key, and set the variable to it afterwards",
            )
        new = _decoded(master, "the new master key") if master else os.urandom(32)
        with self._database.write() as connection:
            exclusive(connection, _LOCK)
            self._finish_rotation(connection)
            rows = connection.execute(select(t.secrets.c.name, t.secrets.c.sealed, t.secrets.c.master)).all()
            opened = {
                row.name: _opened(self._master_of(row.name, row.master), row.name, row.sealed) for row in rows
            }
            if not in_environment:
                self._aside.unlink(missing_ok=True)
                _write(self._aside, new)
            for name, value in opened.items():
                sealed = {"sealed": _sealed(new, name, value), "master": fingerprint(new)}
                connection.execute(update(t.secrets).where(t.secrets.c.name == name).values(sealed))
        if not in_environment:
            self._take_over()
        return len(opened)

    # ---- the master key ----

    @property
    def _aside(self) -> Path:
        return self._file.with_name(f"{self._file.name}.next")

    def _finish_rotation(self, connection: Connection) -> None:
        """Put the new file in place where a rotation was interrupted after its rows were stored."""
        if self._environment.get(VARIABLE) or not self._aside.exists():
            return
        stored = select(t.secrets.c.name).where(t.secrets.c.master == fingerprint(_read(self._aside)))
        if connection.execute(stored.limit(1)).first():
            self._take_over()

    def _take_over(self) -> None:
        with contextlib.suppress(FileNotFoundError):  # another process has done it
            os.replace(self._aside, self._file)
        _sync(self._file.parent)

    def _master_of(self, name: str, wanted: str) -> bytes:
        """Return the master key that sealed a row, also where a rotation was interrupted."""
        master = self._master(make=False)
        if fingerprint(master) == wanted:
            return master
        if not self._environment.get(VARIABLE) and self._aside.exists():
            other = _read(self._aside)
            if fingerprint(other) == wanted:
                self._take_over()
                return other
        raise SettingsError(
            f"the secret `{name}` was sealed with another master key ({wanted}) than the one that is here "
            f"({fingerprint(master)})",
            hint=f"bring back {self._where}, or set the secret again: `groundwork model secret set {name}`",
        )

    def _master(self, *, make: bool) -> bytes:
        said = self._environment.get(VARIABLE, "")
        if said:
            return _decoded(said, f"`{VARIABLE}`")
        if not self._file.exists():
            if not make:
                raise SettingsError(
                    f"the master key {self._file} is gone; the stored secrets cannot be opened without it",
                    hint=f"restore it from a backup, set `{VARIABLE}`, or remove the secrets and set them again",
                )
            self._make()
        return _read(self._file)

    def _make(self) -> None:
        aside = self._file.with_name(f"{self._file.name}.{os.getpid()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            aside.unlink(missing_ok=True)
            _write(aside, os.urandom(32))
            # A link fails where another process was first; its key counts then.
            with contextlib.suppress(FileExistsError):
                os.link(aside, self._file)
            aside.unlink()
            _sync(self._file.parent)
        except OSError as error:
            raise explain_os_error(error, f"the master key {self._file} cannot be written") from error

    @property
    def _where(self) -> str:
        return f"the former `{VARIABLE}`" if self._environment.get(VARIABLE) else f"the file {self._file}"

    def _missing(self, name: str) -> NotFoundError:
        return NotFoundError(
            f"no secret is called `{name[:80]}`",
            hint=f"store it: `groundwork model secret set {name[:80]}`; stored: {', '.join(self.names()) or 'none'}",
        )


def fingerprint(master: bytes) -> str:
    """Return by what a master key is recognised: the first 8 bytes of its SHA-256, which tell nothing about it."""
    return hashlib.sha256(b"groundwork master\x00" + master).hexdigest()[:16]


def _sealed(master: bytes, name: str, value: str) -> str:
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    nonce = os.urandom(_NONCE)
    return base64.b64encode(
        nonce + AESGCM(master).encrypt(nonce, value.encode(), _CONTEXT + name.encode())
    ).decode()


def _opened(master: bytes, name: str, sealed: str) -> str:
    from cryptography.exceptions import InvalidTag
    from cryptography.hazmat.primitives.ciphers.aead import AESGCM

    try:
        raw = base64.b64decode(sealed, validate=True)
        return AESGCM(master).decrypt(raw[:_NONCE], raw[_NONCE:], _CONTEXT + name.encode()).decode()
    except (InvalidTag, ValueError):
        raise DamagedError(
            f"the stored secret `{name}` is not the one that was sealed",
            hint=f"set it again: `groundwork model secret set {name}`",
        ) from None


def _decoded(said: str, what: str) -> bytes:
    try:
        key = base64.b64decode(said.strip(), validate=True)
    except (binascii.Error, ValueError):
        key = b""
    if len(key) != 32:
        raise SettingsError(
            f"{what} is not the base64 of 32 bytes",
            hint="make one with `openssl rand -base64 32`, and keep it: without it no stored secret can be opened",
        )
    return key


def _read(file: Path) -> bytes:
    try:
        if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
            raise SettingsError(
                f"the master key {file} may be read by others on this machine", hint=f"run `chmod 600 {file}`"
            )
        key = file.read_bytes()
    except OSError as error:
        raise explain_os_error(error, f"the master key {file} cannot be read") from error
    if len(key) != 32:
        raise SettingsError(f"the master key {file} does not hold 32 bytes", hint="restore it from a backup")
    return key


def _write(file: Path, key: bytes) -> None:
    descriptor = os.open(file, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as stream:
        stream.write(key)
        stream.flush()
        os.fsync(descriptor)


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
