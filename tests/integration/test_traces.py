"""Spans as a collector gets them, from processes of their own: a process exports once in its life."""

import subprocess
import sys

TRACEPARENT = "00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"


def test_a_span_goes_below_the_traceparent_it_is_given_and_hands_on_its_own() -> None:
    script = """
import os, sys
from renderowl.services import tracing
from renderowl.testing.otlp import collector
with collector() as found:
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = found.url
    with tracing.exported("worker"):
        with tracing.span("outer", parent=sys.argv[1], kind="consumer", began_s_ago=5.0, n=3) as outer:
            assert tracing.add_trace_id(None, "info", {}) == {"trace_id": sys.argv[1].split("-")[1]}
            given = outer.traceparent
        with tracing.span("elsewhere", parent=given) as elsewhere:
            elsewhere.fail("why")
        with tracing.span("alone", parent="not a traceparent"):
            pass
by_name = {span.name: span for span in found.spans}
outer, elsewhere, alone = by_name["outer"], by_name["elsewhere"], by_name["alone"]
_, trace_id, parent_id, _ = sys.argv[1].split("-")
assert (outer.trace_id, outer.parent_id) == (trace_id, parent_id)
assert (elsewhere.trace_id, elsewhere.parent_id) == (trace_id, outer.span_id)
assert outer.attributes == {"renderowl.n": 3} and outer.duration_s >= 5
assert elsewhere.failed and not outer.failed
assert alone.trace_id != trace_id and alone.parent_id == ""
assert {span.service for span in found.spans} == {"renderowl-worker"}
"""
    subprocess.run([sys.executable, "-c", script, TRACEPARENT], check=True)


def test_a_strangers_request_begins_a_trace_that_links_to_theirs_a_proxys_goes_on_in_it() -> None:
    script = """
import asyncio, os, sys
import httpx
from renderowl.api.request_log import request_log
from renderowl.services import tracing
from renderowl.testing.otlp import collector

async def answer(scope, receive, send):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": b""})

async def ask(path, proxies, traceparent):
    transport = httpx.ASGITransport(request_log(answer, proxies), client=("10.0.0.7", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://testserver") as http:
        await http.get(path, headers={"traceparent": traceparent})

async def ask_all():
    await ask("/stranger", ["10.1.0.0/16"], sys.argv[1])
    await ask("/proxy", ["10.0.0.0/24"], sys.argv[1])
    await ask("/nonsense", [], "00-nonsense")

with collector() as found:
    os.environ["OTEL_EXPORTER_OTLP_ENDPOINT"] = found.url
    with tracing.exported("api"):
        asyncio.run(ask_all())
stranger, proxy, nonsense = found.spans
_, trace_id, parent_id, _ = sys.argv[1].split("-")
assert stranger.trace_id != trace_id and stranger.parent_id == "" and stranger.links == [trace_id]
assert (proxy.trace_id, proxy.parent_id, proxy.links) == (trace_id, parent_id, [])
assert nonsense.parent_id == "" and nonsense.links == []
"""
    subprocess.run([sys.executable, "-c", script, TRACEPARENT], check=True, stderr=subprocess.DEVNULL)


def test_an_absent_collector_holds_nobody_up_for_long() -> None:
    script = (
        "import os; os.environ |= {'OTEL_EXPORTER_OTLP_ENDPOINT': 'http://127.0.0.1:9'}\n"
        "from renderowl.services import tracing\n"
        "with tracing.exported('api'), tracing.span('x'):\n    pass\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, timeout=30, capture_output=True)
