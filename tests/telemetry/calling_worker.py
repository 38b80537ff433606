"""A process that calls models and makes spans of the calls until it is killed: `-m tests.telemetry.calling_worker DIR`.

It prints the id of each call once the call is settled.
"""

from __future__ import annotations

import sys
import threading
import time
from pathlib import Path

from groundwork.app.calling import caller_of, request_of
from groundwork.app.workspace import Workspace
from groundwork.core.principal import LOCAL


def main(root: Path) -> None:
    workspace = Workspace.open(root)

    def project() -> None:
        while True:
            workspace.telemetry.projector.catch_up()
            time.sleep(0.01)

    threading.Thread(target=project, daemon=True).start()

    def call(part: int) -> None:
        n = 0
        while True:
            n += 1
            request = request_of("play/mini", [("user", f"Question {n} of {part}.")])
            done = workspace.gateway.complete(request, caller_of(LOCAL))
            print(done.meta.call_id, flush=True)

    for part in range(3):
        threading.Thread(target=call, args=(part,), daemon=True).start()
    time.sleep(60)


if __name__ == "__main__":
    main(Path(sys.argv[1]))
