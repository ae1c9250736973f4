"""A collector of traces in this process: what an OTLP exporter sends over HTTP, as spans."""

import contextlib
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import msgspec
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest


class Collected(msgspec.Struct, frozen=True):
    """A span as it arrived; ids are hexadecimal, `parent_id` is empty for the first of its trace."""

    service: str
    name: str
    trace_id: str
    span_id: str
    parent_id: str
    attributes: dict[str, Any]
    duration_s: float
    failed: bool
    links: list[str]
    """The ids of the traces it is linked to."""


class Collector:
    """Keeps every span; `url` is what OTEL_EXPORTER_OTLP_ENDPOINT should say."""

    def __init__(self, url: str) -> None:
        self.url = url
        self.spans: list[Collected] = []

    def trace(self, trace_id: str) -> list[Collected]:
        """The spans of one trace."""
        return [span for span in self.spans if span.trace_id == trace_id]


@contextlib.contextmanager
def collector() -> Iterator[Collector]:
    """A collector on a free port until the end of the block."""

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.spans += _spans(body)
            self.send_response(200)
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            """Say nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    found = Collector(f"http://127.0.0.1:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield found
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _spans(body: bytes) -> list[Collected]:
    request = ExportTraceServiceRequest.FromString(body)
    return [
        Collected(
            service=_attributes(resource.resource.attributes)["service.name"],
            name=span.name,
            trace_id=span.trace_id.hex(),
            span_id=span.span_id.hex(),
            parent_id=span.parent_span_id.hex(),
            attributes=_attributes(span.attributes),
            duration_s=(span.end_time_unix_nano - span.start_time_unix_nano) / 1e9,
            failed=span.status.code == 2,
            links=[link.trace_id.hex() for link in span.links],
        )
        for resource in request.resource_spans
        for scope in resource.scope_spans
        for span in scope.spans
    ]


def _attributes(pairs: Any) -> dict[str, Any]:
    return {pair.key: getattr(pair.value, pair.value.WhichOneof("value")) for pair in pairs}
