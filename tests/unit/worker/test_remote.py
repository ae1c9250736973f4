"""What the end of a job at a remote endpoint means here."""

import json
from typing import Any

import pytest

from renderowl.domain.lifecycle import RETRIES
from renderowl.services.endpoint import Look
from renderowl.worker.remote import error_of


def failed(error: Any) -> Look:
    return Look("failed", error=error)


@pytest.mark.parametrize(
    ("code", "retries"), [("encoder_failed", 0), ("out_of_memory", 1), ("stalled", 1), ("source_unavailable", 3)]
)
def test_an_error_of_our_handler_is_that_very_error_with_its_class(code: str, retries: int) -> None:
    error = error_of(failed(json.dumps({"code": code, "message": "because"})))
    assert (error.code, error.detail) == (code, "because")
    assert RETRIES[error.failure] == retries


@pytest.mark.parametrize("code", ["internal", "interrupted", "no_such_code"])
def test_what_only_concerns_the_remote_machine_is_its_failure(code: str) -> None:
    error = error_of(failed(json.dumps({"code": code, "message": "the order is of another version"})))
    assert (error.code, error.detail) == ("remote_failed", "the order is of another version")


@pytest.mark.parametrize(
    "told", [None, "", "boom", 7, {"error_type": "OSError"}, '{"error_traceback": "File /secret.py"}', "[", "\ud800"]
)
def test_what_others_say_of_a_failure_goes_no_further(told: Any) -> None:
    error = error_of(failed(told))
    assert (error.code, error.detail) == ("remote_failed", "it failed at the remote endpoint")
    assert RETRIES[error.failure] == 3


def test_running_out_of_time_there_is_as_here() -> None:
    assert error_of(Look("timed_out")).code == "deadline_exceeded"
    assert error_of(Look("cancelled")).code == "remote_failed"
