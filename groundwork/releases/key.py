"""The workspace's signing key: an Ed25519 key that is made with the first release.

The private key lies outside of the database: base64 of its 32 bytes in `GROUNDWORK_RELEASE_KEY` where that is set (several
machines then sign alike), else in a file that only its owner may read. The public key may be given to anybody.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import os
import stat
import threading
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING

from groundwork.core.errors import SettingsError
from groundwork.storage.faults import explain_os_error

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

VARIABLE = "GROUNDWORK_RELEASE_KEY"
_SIZE = 32


class SigningKey:
    """The key of one workspace.

    Args:
        file: where the private key is kept. environment: where the variable is looked up.
    """

    def __init__(self, file: Path, environment: Mapping[str, str] | None = None) -> None:
        self._file = file
        self._environment = os.environ if environment is None else environment

    def __repr__(self) -> str:
        return "SigningKey(…)"

    def private(self) -> Ed25519PrivateKey:
        """Return the private key, made now if there is none.

        Raises:
            SettingsError: it may be read by others, or what is there is no key.
        """
        from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

        said = self._environment.get(VARIABLE, "")
        if not said and not self._file.exists():
            self._make()
        return Ed25519PrivateKey.from_private_bytes(self._decoded(said) if said else self._read())

    def public(self) -> Ed25519PublicKey:
        """Return the public key; makes the pair if there is none."""
        return self.private().public_key()

    def public_pem(self) -> str:
        """Return the public key as people hand it on: PEM of its SubjectPublicKeyInfo."""
        from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

        return self.public().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()

    def _read(self) -> bytes:
        file = self._file
        try:
            if os.name == "posix" and stat.S_IMODE(file.stat().st_mode) & 0o077:
                raise SettingsError(
                    f"the signing key {file} may be read by others on this machine",
                    hint=f"run `chmod 600 {file}`",
                )
            key = file.read_bytes()
        except OSError as error:
            raise explain_os_error(error, f"the signing key {file} cannot be read") from error
        if len(key) != _SIZE:
            raise SettingsError(
                f"the signing key {file} does not hold {_SIZE} bytes",
                hint="restore it from a backup; without one move it away, and releases are signed with a new key",
            )
        return key

    def _decoded(self, said: str) -> bytes:
        try:
            key = base64.b64decode(said.strip(), validate=True)
        except (binascii.Error, ValueError):
            key = b""
        if len(key) != _SIZE:
            raise SettingsError(
                f"`{VARIABLE}` is not the base64 of {_SIZE} bytes",
                hint="make one with `openssl rand -base64 32`",
            )
        return key

    def _make(self) -> None:
        aside = self._file.with_name(f"{self._file.name}.{os.getpid()}.{threading.get_ident()}")
        try:
            self._file.parent.mkdir(parents=True, exist_ok=True)
            aside.unlink(missing_ok=True)
            descriptor = os.open(aside, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(os.urandom(_SIZE))
                stream.flush()
                os.fsync(descriptor)
            # A link fails where another process was first; its key counts then.
            with contextlib.suppress(FileExistsError):
                os.link(aside, self._file)
            aside.unlink()
            folder = os.open(self._file.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        except OSError as error:
            raise explain_os_error(error, f"the signing key {self._file} cannot be written") from error
