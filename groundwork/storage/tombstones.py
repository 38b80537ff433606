"""Remember what was erased without remembering it: keyed digests that refuse the same content when it comes back."""

from __future__ import annotations

import contextlib
import hmac
import os
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select

from groundwork.storage import tables as t
from groundwork.storage.database import Database, insert_or_ignore


class Tombstones:
    """Tombstones of one workspace.

    Args:
        key: file that holds the secret; made on first use. Without it a tombstone says nothing about the
            content.
    """

    def __init__(self, database: Database, key: Path) -> None:
        self.database = database
        self.key = key
        self._secret: bytes | None = None

    def add(self, tenant: str, contents: Sequence[str]) -> None:
        """Refuse these content digests from now on."""
        now = datetime.now(UTC).isoformat()
        rows = [{"tenant": tenant, "digest": self._keyed(c), "at": now} for c in sorted(set(contents))]
        if rows:
            with self.database.write() as connection:
                insert_or_ignore(connection, t.tombstones, rows)

    def holds(self, tenant: str, content: str) -> bool:
        """Say whether this content was erased."""
        if not self.key.exists():
            return False
        s = t.tombstones
        with self.database.read() as connection:
            return (
                connection.execute(
                    select(s.c.at).where(s.c.tenant == tenant, s.c.digest == self._keyed(content))
                ).first()
                is not None
            )

    def _keyed(self, content: str) -> str:
        if self._secret is None:
            self._secret = self._read()
        return hmac.new(self._secret, content.encode(), "sha256").hexdigest()

    def _read(self) -> bytes:
        if not self.key.exists():
            aside = self.key.with_name(f"{self.key.name}.{os.getpid()}")
            descriptor = os.open(aside, os.O_CREAT | os.O_WRONLY | os.O_EXCL, 0o600)
            with os.fdopen(descriptor, "wb") as stream:
                stream.write(os.urandom(32))
                os.fsync(descriptor)
            with contextlib.suppress(FileExistsError):
                os.link(aside, self.key)
            aside.unlink()
            folder = os.open(self.key.parent, os.O_RDONLY)
            try:
                os.fsync(folder)
            finally:
                os.close(folder)
        return self.key.read_bytes()
