"""Spans from other programs: OTLP over HTTP as plain ASGI beside the framework, since it comes by the thousand."""

from __future__ import annotations

from groundwork.server.gateway.routes import Route

PATH = "/v1/traces"
OTHERS = ("/v1/logs", "/v1/metrics")
"""Signals of OpenTelemetry that are not kept here."""
PATHS = frozenset({PATH, *OTHERS})
ROUTES = (Route("POST", PATH, "otlp", "traces", "traces.write"),)
