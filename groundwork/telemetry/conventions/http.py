"""Plain spans of HTTP clients and servers, as OpenTelemetry's stable and older conventions name them."""

from __future__ import annotations

from typing import ClassVar

from groundwork.telemetry.plain import word
from groundwork.telemetry.raw import ERROR, RawSpan
from groundwork.telemetry.reading import Reading

_RENAMED = {
    "http.method": "http.request.method", "http.status_code": "http.response.status_code", "http.url": "url.full",
    "http.target": "url.path", "http.scheme": "url.scheme", "http.user_agent": "user_agent.original",
    "net.peer.name": "server.address", "net.peer.port": "server.port",
}  # fmt: skip


class Http:
    """Gives older names their present ones; input is method and address, output the status."""

    marks: ClassVar = frozenset({"http"})
    rank: ClassVar = 80

    def recognise(self, span: RawSpan) -> str:
        if "http.request.method" in span.attributes:
            return "http"
        return "http/legacy" if "http.method" in span.attributes else ""

    def read(self, reading: Reading) -> None:
        names = reading.attributes
        for old in [name for name in names if name in _RENAMED]:
            reading.rename(old, _RENAMED[old])
        if reading.kind is not None:
            return
        reading.kind = "http"
        method, status = word(names.get("http.request.method")), word(names.get("http.response.status_code"))
        where = word(names.get("url.full")) or word(names.get("http.route")) or word(names.get("url.path"))
        if not reading.input:
            reading.input = f"{method} {where}".strip()
        if not reading.output:
            reading.output = status
        if status.startswith("5") and reading.span.status == 0:
            reading.span.status = ERROR


plugin = Http
