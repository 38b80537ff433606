"""OTLP, OpenTelemetry's protocol: spans in and out, as protobuf and as JSON.

Source:
    OpenTelemetry Protocol Specification 1.x; `opentelemetry/proto/trace/v1/trace.proto`.
"""
