"""Traces that follow a render through API, scheduler and worker; off, and not even loaded, unless somebody collects them.

They go to where the standard variable OTEL_EXPORTER_OTLP_ENDPOINT says. Between processes a trace travels as a W3C
traceparent: in the request's header, in the render's row, in the dispatch.
"""

import contextlib
import os
import threading
import time
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, Literal

if TYPE_CHECKING:
    from opentelemetry import trace
    from opentelemetry.context import Context as TraceContext

Value = str | int | float | bool
_WANTED: Final = ("OTEL_EXPORTER_OTLP_ENDPOINT", "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT")
_LAST_WORDS_S: Final = 1.5
"""How long the end of a process may be held up by a collector that does not answer."""

_tracer: "trace.Tracer | None" = None


class Span:
    """A piece of work in a trace; without a collector it does nothing."""

    def __init__(self, inner: "trace.Span | None" = None) -> None:
        self._inner = inner

    @property
    def traceparent(self) -> str | None:
        """What makes work elsewhere a part of this."""
        return None if self._inner is None else _traceparent(self._inner)

    def name(self, name: str) -> None:
        """Give it a better name than it began with."""
        if self._inner is not None:
            self._inner.update_name(name)

    def note(self, **attributes: Value) -> None:
        """Say more about it."""
        if self._inner is not None:
            self._inner.set_attributes({f"renderowl.{name}": value for name, value in attributes.items()})

    def fail(self, why: str) -> None:
        """It did not succeed."""
        if self._inner is not None:
            from opentelemetry.trace import Status, StatusCode

            self._inner.set_status(Status(StatusCode.ERROR, why))


@contextlib.contextmanager
def exported(
    part: Literal["api", "scheduler", "worker", "remote-runner"], environ: Mapping[str, str] | None = None
) -> Iterator[None]:
    """Send the spans of this process to the collector within the block, if one is named."""
    global _tracer
    source = os.environ if environ is None else environ
    if not any(source.get(name) for name in _WANTED) or source.get("OTEL_SDK_DISABLED", "").lower() == "true":
        yield
        return
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    named = {} if source.get("OTEL_SERVICE_NAME") else {"service.name": f"renderowl-{part}"}
    provider = TracerProvider(resource=Resource.create(named), shutdown_on_exit=False)
    exporter = OTLPSpanExporter()
    provider.add_span_processor(BatchSpanProcessor(exporter))
    _tracer = provider.get_tracer("renderowl")
    try:
        yield
    finally:
        _tracer = None
        impatience = threading.Timer(_LAST_WORDS_S, exporter.shutdown)  # else it tries again and again
        impatience.start()
        provider.shutdown()
        impatience.cancel()


def is_exported() -> bool:
    """Whether spans of this process are sent to a collector."""
    return _tracer is not None


@contextlib.contextmanager
def span(
    name: str,
    *,
    parent: str | None = None,
    link: str | None = None,
    kind: Literal["internal", "server", "producer", "consumer"] = "internal",
    began_s_ago: float = 0.0,
    **attributes: Value,
) -> Iterator[Span]:
    """A span around the block, below the traceparent `parent` or else the span around it; an exception is its failure.

    `link` is the traceparent of something else that it has to do with.
    """
    if _tracer is None:
        yield Span()
        return
    from opentelemetry.trace import SpanKind

    with _tracer.start_as_current_span(
        name,
        context=_context_of(parent),
        kind=SpanKind[kind.upper()],
        attributes={f"renderowl.{key}": value for key, value in attributes.items()},
        links=_links_to(link),
        start_time=time.time_ns() - round(began_s_ago * 1e9) if began_s_ago else None,
    ) as inner:
        yield Span(inner)


def add_trace_id(_logger: object, _method: str, event: Any) -> Any:
    """A structlog processor: lines that are written within a span name its trace."""
    if _tracer is not None:
        from opentelemetry import trace

        found = trace.get_current_span().get_span_context()
        if found.is_valid:
            event["trace_id"] = f"{found.trace_id:032x}"
    return event


def _context_of(parent: str | None) -> "TraceContext | None":
    if parent is None:
        return None
    from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

    return TraceContextTextMapPropagator().extract({"traceparent": parent})


def _links_to(link: str | None) -> "list[trace.Link]":
    from opentelemetry import trace

    context = trace.get_current_span(_context_of(link)).get_span_context() if link is not None else None
    return [trace.Link(context)] if context is not None and context.is_valid else []


def _traceparent(inner: "trace.Span") -> str:
    found = inner.get_span_context()
    return f"00-{found.trace_id:032x}-{found.span_id:016x}-{found.trace_flags:02x}"
