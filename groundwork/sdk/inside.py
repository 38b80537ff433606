"""The way of spans into a workspace that is open in the same process, with everything that a server would do."""

from __future__ import annotations

import gzip
import time
from typing import Any

from groundwork.core.principal import DEFAULT_TENANT
from groundwork.sdk.sender import Post


def into(workspace: Any) -> Post:
    """Return what stores a request body in a workspace; one that is busy or full is answered as a server answers it."""

    def post(body: bytes) -> int:
        from groundwork.core.errors import BusyError, GroundworkError

        try:
            workspace.telemetry.intake.take(
                DEFAULT_TENANT,
                gzip.decompress(body),
                json_encoded=True,
                now_ns=time.time_ns(),
                principal="local",
            )
        except BusyError:
            return 429
        except GroundworkError as error:
            return error.status
        return 200

    return post
