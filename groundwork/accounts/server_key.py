"""The server's own key, which signs forms and invitations: 32 random bytes in a file of the workspace."""

from __future__ import annotations

import os
import secrets
from pathlib import Path

KEY_BYTES = 32


def server_key(folder: Path) -> bytes:
    """Return the server's key, made on first use, readable by its owner only; what it signed outlasts a restart."""
    path = folder / "server.key"
    try:
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        key = path.read_bytes()
        if len(key) == KEY_BYTES:
            return key
        # A crash between making and writing left a short file; nothing has been signed with it.
        handle = os.open(path, os.O_WRONLY | os.O_TRUNC)
    key = secrets.token_bytes(KEY_BYTES)
    with os.fdopen(handle, "wb") as file:
        file.write(key)
    return key
