"""`renderowl remote`: what it says to whoever calls it wrongly."""

import json

import pytest
from click.testing import CliRunner

from renderowl.cli.main import cli


@pytest.mark.parametrize("job", ["{}", '{"id": "a", "input": {}}', '{"input": null}', "[]", "7"])
def test_a_job_without_an_order_is_answered_as_runpod_wants_an_error(job: str) -> None:
    done = CliRunner().invoke(cli, ["remote", "handle"], input=job)
    assert done.exit_code == 1
    told = json.loads(done.stdout)
    assert json.loads(told["error"]) == {"code": "internal", "message": "the job's input names no order_url"}


def test_what_is_logged_is_no_part_of_the_answer() -> None:
    job = {"id": "a", "input": {"order_url": "ftp://nowhere.example/"}}
    done = CliRunner().invoke(cli, ["remote", "handle"], input=json.dumps(job))
    assert "error" in json.loads(done.stdout)
    assert "order_" in done.stderr


def test_what_is_no_json_is_the_callers_mistake() -> None:
    done = CliRunner().invoke(cli, ["remote", "handle"], input="{")
    assert done.exit_code == 2
    assert "not JSON" in done.output


def test_a_runner_without_an_endpoint_does_not_start(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("DATABASE_URL", "REDIS_URL", "STORAGE_URL"):
        monkeypatch.setenv(f"RENDEROWL_{name}", "x")
    monkeypatch.setenv("RENDEROWL_SECRET_KEY", "x" * 32)
    done = CliRunner().invoke(cli, ["remote", "runner"])
    assert done.exit_code == 2
    assert "RENDEROWL_REMOTE_ENDPOINT must be set" in done.output
