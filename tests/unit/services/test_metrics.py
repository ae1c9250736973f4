"""Metrics over HTTP, for the processes that have no API."""

import urllib.request

import pytest

from renderowl.embedded.process import free_port
from renderowl.services import metrics


def test_a_process_serves_its_metrics_within_the_block_and_not_longer() -> None:
    port = free_port()
    with metrics.exposed("127.0.0.1", port):
        text = urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics").read().decode()
    assert "renderowl_fenced_writes_total" in text
    assert "_created" not in text
    with pytest.raises(OSError):
        urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics")


def test_without_a_port_nothing_listens() -> None:
    with metrics.exposed("127.0.0.1", 0):
        pass
