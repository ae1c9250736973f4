"""Traces are free when nobody collects them."""

import subprocess
import sys

from renderowl.services import tracing


def test_without_a_collector_nothing_is_loaded_and_spans_do_nothing() -> None:
    script = (
        "import sys; from renderowl.services import tracing\n"
        "with tracing.exported('api', {}), tracing.span('x', parent='nonsense', a=1) as span:\n"
        "    span.note(b=2); span.fail('why'); span.name('y'); assert span.traceparent is None\n"
        "assert tracing.add_trace_id(None, 'info', {}) == {}\n"
        "assert not any(name.startswith('opentelemetry') for name in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", script], check=True)


def test_a_disabled_sdk_stays_off() -> None:
    disabled = {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://nowhere.test", "OTEL_SDK_DISABLED": "true"}
    with tracing.exported("api", disabled), tracing.span("x") as span:
        assert span.traceparent is None
