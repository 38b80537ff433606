"""The export of spans, built from the spec: where to, with which headers, over the gateway's one way out."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import TYPE_CHECKING

from groundwork.core.errors import GroundworkError, SettingsError
from groundwork.telemetry.exporting.exporter import Exporter, ExportOptions
from groundwork.telemetry.exporting.sending import NotSentError, Sent

if TYPE_CHECKING:
    from groundwork.app.workspace import Workspace
    from groundwork.core.settings import ExportSpec
    from groundwork.telemetry.exporting.thread import ExportThread

log = logging.getLogger("groundwork.telemetry.export")
_MIB = 1024 * 1024
_SECONDS = 30.0
_REPLY_BYTES = 256 * 1024
_PATH = "/v1/traces"


def exporter_of(workspace: Workspace) -> Exporter | None:
    """Return the exporter of a workspace, None where its spec names no target.

    Raises:
        SettingsError: the target is no http or https address.
    """
    spec = workspace.spec.export
    if not spec.url:
        return None
    from groundwork.gateway.origin import Origin

    room = workspace.telemetry
    url = address_of(spec.url)
    room.store.migrate()
    options = ExportOptions(
        as_json=spec.protocol == "http/json",
        sample=spec.sample,
        content=spec.content,
        spool_spans=spec.spool_spans,
        spool_bytes=spec.spool_mib * _MIB,
    )
    shown = f"{Origin.of(url)}{_path(url)}"
    return Exporter(
        room.database,
        room.reader,
        workspace.rooms.clock,
        shown,
        lambda: _Posting(url, spec, workspace.door.secrets.resolve),
        options,
    )


def start_export(workspace: Workspace) -> ExportThread | None:
    """Begin to hand spans on in a thread of its own and return it, None where there is nothing to do.

    A target that cannot be one is logged and keeps no server from starting; `groundwork doctor` says so too.
    """
    try:
        exporter = workspace.telemetry.exporter
    except GroundworkError as error:
        log.error("spans are not handed on: %s", error.message)
        return None
    if exporter is None:
        return None
    from groundwork.telemetry.exporting.thread import ExportThread

    thread = ExportThread(exporter)
    thread.start()
    return thread


def address_of(url: str) -> str:
    """Return the address that takes traces: a base address gets OTLP's own path."""
    from groundwork.gateway.origin import parsed

    try:
        path = parsed(url).path
    except SettingsError as error:
        raise SettingsError(
            error.message.replace("`base_url` of the provider", "`url` of `[export]`"),
            hint="set it to something like `https://collector.example.com/v1/traces`",
        ) from None
    return url.rstrip("/") + _PATH if path in ("", "/") else url


def _path(url: str) -> str:
    from groundwork.gateway.origin import parsed

    return parsed(url).path


class _Posting:
    """Posts to one address on an event loop of its own, which belongs to the exporter's thread."""

    def __init__(self, url: str, spec: ExportSpec, resolve: Callable[[str], str]) -> None:
        from groundwork.gateway.origin import Origin, parsed
        from groundwork.gateway.transport import Limits, Transport

        self._url = parsed(url)
        self._origin = Origin.of(url, allow_http=spec.allow_http)
        if spec.headers and not self._origin.takes_secrets:
            raise SettingsError(
                f"the headers of `[export]` are secret and `{self._origin}` is not encrypted",
                hint="use https, or say `allow_http = true` in `[export]`",
            )
        self._as_json = spec.protocol == "http/json"
        self._headers = {name.lower(): resolve(value) for name, value in spec.headers.items()}
        self._transport = Transport(Limits(connections_per_host=2, connect_s=10.0, body_bytes=_REPLY_BYTES))
        self._runner = asyncio.Runner()

    def send(self, body: bytes) -> Sent:
        """Post a request body, gzipped."""
        return self._runner.run(self._send(body))

    def close(self) -> None:
        """Close the connections and the loop."""
        self._runner.run(self._transport.aclose())
        self._runner.close()

    async def _send(self, body: bytes) -> Sent:
        import gzip

        from groundwork.gateway.failures import Failure

        kind = "application/json" if self._as_json else "application/x-protobuf"
        headers = {**self._headers, "content-encoding": "gzip"}
        try:
            reply = await self._transport.post_bytes(
                self._url,
                gzip.compress(body, 1),
                kind,
                origin=self._origin,
                headers=headers,
                timeout_s=_SECONDS,
            )
        except Failure as failure:
            raise NotSentError(str(failure)) from None
        return Sent(reply.status, reply.body, reply.retry_after_s)
