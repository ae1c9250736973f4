"""Metrics over HTTP, for the processes that have no API."""

import socket
import urllib.request
from typing import cast

import pytest
from prometheus_client import generate_latest

from renderowl.db.database import Database
from renderowl.domain.errors import Unavailable
from renderowl.embedded.process import free_port
from renderowl.services import metrics
from renderowl.services.overview import observe_queue


def test_a_process_serves_its_metrics_within_the_block_and_not_longer() -> None:
    port = free_port()
    with metrics.exposed("127.0.0.1", port):
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    assert "renderowl_fenced_writes_total" in text
    assert "_created" not in text
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics")


def test_a_port_that_is_in_use_is_named() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = f"metrics on 127.0.0.1 port {port}.*RENDEROWL_METRICS_PORT"
        with pytest.raises(OSError, match=said), metrics.exposed("127.0.0.1", port):
            pass


def test_without_a_port_nothing_listens(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[object] = []
    monkeypatch.setattr(metrics, "start_http_server", lambda *asked, **_: started.append(asked))
    with metrics.exposed("127.0.0.1", 0):
        assert started == []


async def test_the_queue_is_not_told_of_while_postgres_cannot_be_asked() -> None:
    class Away:
        async def fetch(self, *_: object) -> list[object]:
            raise Unavailable("away")

    metrics.QUEUE_STEPS.labels("low").set(7)
    with pytest.raises(Unavailable):
        await observe_queue(cast(Database, Away()), alive_s=15)
    assert b"renderowl_queue_steps{" not in generate_latest()
