"""The exporter's own thread beside a server: it steps, waits, and ends when it is told to."""

from __future__ import annotations

import logging
import threading

from groundwork.telemetry.exporting.exporter import Exporter

log = logging.getLogger("groundwork.telemetry.export")
_AFTER_FAULT_S = 30.0


class ExportThread:
    """Runs an exporter in the background; `start` and `stop` may be called once each."""

    def __init__(self, exporter: Exporter) -> None:
        self._exporter = exporter
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._run, name="export", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def stop(self) -> None:
        """Let the request under way come to its end, at most ten seconds, and stop; the rest waits in the store."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join(10.0)
        self._exporter.close()

    def _run(self) -> None:
        wait = 0.0
        while not self._stopping.wait(wait):
            try:
                wait = self._exporter.step()
            except Exception:
                log.exception("spans cannot be handed on")
                wait = _AFTER_FAULT_S
